import type { Program } from './program.ts';

/** The program `mqtt-pub`, for `runProgram`. */
export const mqttPub: Program = {
  name: 'mqtt-pub',
  load: async () => (await import('./publish-program.ts')).publishProgram,
};
