import { plainSubscribe } from './plain-run.ts';
import type { Program } from './program.ts';

/** The program `mqtt-sub`, for `runProgram`. With `--request` it publishes a request and prints the response. */
export const mqttSub: Program = {
  name: 'mqtt-sub',
  load: async (name) =>
    name === 'mqtt-request'
      ? (await import('./request-program.ts')).requestProgram
      : (await import('./subscribe-program.ts')).subscribeProgram,
  begin: async (args, done) => {
    const plan = plainSubscribe(args, process.env);
    if (plan === undefined) return undefined;
    return (await import('./plain-subscribe.ts')).subscribePlainly(plan, done);
  },
};
