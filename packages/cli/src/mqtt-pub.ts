import { plainPublish } from './plain-run.ts';
import type { Program } from './program.ts';

/** The program `mqtt-pub`, for `runProgram`. */
export const mqttPub: Program = {
  name: 'mqtt-pub',
  load: async () => (await import('./publish-program.ts')).publishProgram,
  begin: async (args, done) => {
    const plan = plainPublish(args);
    if (plan === undefined) return undefined;
    return (await import('./plain-publish.ts')).publishPlainly(plan, done);
  },
};
