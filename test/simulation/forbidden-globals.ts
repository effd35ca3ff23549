/**
 * While a simulation runs, time and chance of the platform throw: whatever reads them would make a run differ from its
 * replay. What the simulation itself needs was taken before.
 */
const names = ['setTimeout', 'setInterval', 'setImmediate'] as const;

/** Runs something with time and chance forbidden. Asynchronous ones have the process to themselves meanwhile. */
export async function withoutTimeAndChance<T>(run: () => T | Promise<T>): Promise<T> {
  const restore = forbid();
  try {
    return await run();
  } finally {
    restore();
  }
}

export function forbid(): () => void {
  const globals = globalThis as unknown as Record<string, unknown>;
  const kept = new Map<string, unknown>(names.map((name) => [name, globals[name]]));
  const { now: dateNow } = Date;
  const { random } = Math;
  const performanceNow = performance.now;
  const getRandomValues = crypto.getRandomValues;
  const OriginalDate = Date;
  for (const name of names) globals[name] = forbidden(name);
  Date.now = forbidden('Date.now');
  Math.random = forbidden('Math.random');
  performance.now = forbidden('performance.now');
  crypto.getRandomValues = forbidden('crypto.getRandomValues');
  globals['Date'] = new Proxy(OriginalDate, {
    construct(target, args) {
      if (args.length === 0) forbidden('new Date()')();
      return Reflect.construct(target, args) as object;
    },
  });
  return () => {
    for (const [name, value] of kept) globals[name] = value;
    globals['Date'] = OriginalDate;
    Date.now = dateNow;
    Math.random = random;
    performance.now = performanceNow;
    crypto.getRandomValues = getRandomValues;
  };
}

function forbidden(name: string): () => never {
  return () => {
    throw new Error(`${name} was called while a simulation runs`);
  };
}
