export { mqttPub } from './mqtt-pub.ts';
export { mqttSub } from './mqtt-sub.ts';
export { type Program, type ProgramBody, runProgram } from './program.ts';
