import { mqttPub, runProgram } from '@mqtt-kit/cli';

/** Put in by the bundler, from package.json. */
declare const PROGRAM_VERSION: string;

void runProgram(mqttPub, PROGRAM_VERSION);
