import { mqttSub, runProgram } from '@mqtt-kit/cli';

/** Put in by the bundler, from package.json. */
declare const PROGRAM_VERSION: string;

void runProgram(mqttSub, PROGRAM_VERSION);
