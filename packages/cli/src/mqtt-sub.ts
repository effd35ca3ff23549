import type { Program } from './program.ts';

/** The program `mqtt-sub`, for `runProgram`. */
export const mqttSub: Program = {
  name: 'mqtt-sub',
  load: async () => (await import('./subscribe-program.ts')).subscribeProgram,
};
