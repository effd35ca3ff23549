/**
 * While a simulation runs, time and chance of the platform throw: whatever reads them would make a run differ from its
 * replay. What the simulation itself needs was taken before. Microtasks are allowed: their order is no chance.
 *
 * The names of the platform's modules (`import { randomBytes } from 'node:crypto'`) are bound to what these modules
 * export, and follow it: they are forbidden in the same way.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';

/** Runs something with time and chance forbidden. Asynchronous ones have the process to themselves meanwhile. */
export async function withoutTimeAndChance<T>(run: () => T | Promise<T>): Promise<T> {
  const restore = forbid();
  try {
    return await run();
  } finally {
    restore();
  }
}

type Members = Record<string, unknown>;

/** Objects, their names for people, and what of them is forbidden. */
const forbiddenMembers: readonly (readonly [object, string, readonly string[]])[] = [
  [globalThis, '', ['setTimeout', 'setInterval', 'setImmediate', 'MessageChannel']],
  [Date, 'Date.', ['now']],
  [Math, 'Math.', ['random']],
  [performance, 'performance.', ['now', 'timeOrigin', 'mark', 'measure', 'toJSON']],
  [globalThis.crypto, 'crypto.', ['getRandomValues', 'randomUUID']],
  [AbortSignal, 'AbortSignal.', ['timeout']],
  [process, 'process.', ['hrtime', 'uptime', 'cpuUsage']],
  [
    crypto,
    'node:crypto ',
    ['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID'],
  ],
  [timers, 'node:timers ', ['setTimeout', 'setInterval', 'setImmediate']],
  [timersPromises, 'node:timers/promises ', ['setTimeout', 'setInterval', 'setImmediate']],
  [timersPromises.scheduler, 'scheduler.', ['wait', 'yield']],
];

/** Makes them throw, and returns what gives them back. */
export function forbid(): () => void {
  const restores = forbiddenMembers.flatMap(([object, prefix, names]) =>
    names.map((name) => forbidMember(object as Members, name, `${prefix}${name}`)),
  );
  const { Date: RealDate } = globalThis;
  globalThis.Date = new Proxy(RealDate, {
    construct(target, args) {
      if (args.length === 0) refuse('new Date()');
      return Reflect.construct(target, args) as object;
    },
    apply: () => refuse('Date()'),
  });
  syncBuiltinESMExports();
  return () => {
    globalThis.Date = RealDate;
    for (const restore of restores) restore();
    syncBuiltinESMExports();
  };
}

function forbidMember(object: Members, name: string, called: string): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  // A constructor, a function or a number: whatever is read of it, or done with it, throws.
  const throwing = own === undefined || own.configurable === true;
  if (throwing) {
    const isValue = typeof object[name] !== 'function';
    Object.defineProperty(object, name, {
      configurable: true,
      enumerable: own?.enumerable ?? false,
      ...(isValue ? { get: () => refuse(called) } : { writable: true, value: forbidden(called) }),
    });
  } else {
    object[name] = forbidden(called);
  }
  return () => {
    if (own === undefined) delete object[name];
    else if (throwing) Object.defineProperty(object, name, own);
    else object[name] = own.value;
  };
}

/** Stands for a function, one with members like `process.hrtime.bigint`, or a class. */
function forbidden(called: string): () => never {
  const throws = (): never => refuse(called);
  return new Proxy(throws, {
    get: (target, name, receiver) =>
      name === 'bigint' ? () => refuse(`${called}.bigint`) : Reflect.get(target, name, receiver),
  });
}

function refuse(name: string): never {
  throw new Error(`${name} was called while a simulation runs`);
}
