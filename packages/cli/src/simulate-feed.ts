/** Simulated readings: `--simulate 'temp=walk(20,0.2,15..30) hum=sine(50,10,24h)+noise(1)'`. */
import {
  DefinitionError,
  type FieldValue,
  fleet,
  parseFields,
  type Signal,
} from 'mqtt-kit/simulator';
import type { FeedMessage } from './feed-message.ts';
import { UsageError } from './usage-error.ts';

export interface SimulatePlan {
  /** Fields by name, each with its expression. */
  readonly fields: string;
  /** With `{id}`, `{n}` and the fields to fill in. */
  readonly topic: string;
  readonly devices: number;
  readonly seed: string | undefined;
  /** Time between two readings of a device. */
  readonly everyMs: number;
  readonly forMs: number | undefined;
  readonly count: number | undefined;
  /** How many times faster time passes; Infinity: without waiting. */
  readonly speed: number;
}

/** One field goes as plain text, several as a JSON object. Throws `UsageError` that tells the place of a mistake. */
export async function* simulateFeed(plan: SimulatePlan): AsyncGenerator<FeedMessage> {
  const startMs = Date.now();
  const simulated = asUsage(plan, () => simulatedFleet(plan));
  const encoder = new TextEncoder();
  const beganMs = performance.now();
  const limits = {
    start: startMs,
    ...(plan.forMs === undefined ? {} : { for: plan.forMs }),
    ...(plan.count === undefined ? {} : { count: plan.count }),
  };
  const messages = simulated.messages(limits);
  for (;;) {
    // Fields that need each other are found when they are computed.
    const next = asUsage(plan, () => messages.next());
    if (next.done === true) return;
    const { timeMs, topic, payload } = next.value;
    const waitMs = beganMs + (timeMs - startMs) / plan.speed - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    yield { topic, payload: encoder.encode(payload as string) };
  }
}

function simulatedFleet({
  fields,
  topic,
  devices,
  seed,
  everyMs,
}: SimulatePlan): ReturnType<typeof fleet> {
  const signals = Object.entries(parseFields(fields)).map(
    ([name, signal]) => [name, readable(signal)] as const,
  );
  const [first, second] = signals;
  return fleet({
    name: 'device',
    count: devices,
    ...(seed === undefined ? {} : { seed }),
    every: everyMs,
    stagger: devices > 1,
    signals: Object.fromEntries(signals),
    publish: { [topic]: second === undefined ? (first?.[0] ?? '*') : '*' },
  });
}

/** Three decimal places are more than sensors have; who wants others says `.round(6)`. */
function readable(signal: Signal<FieldValue>): Signal<FieldValue> {
  if (signal.digits !== undefined) return signal;
  return signal.map((value) =>
    typeof value === 'number' ? Math.round(value * 1000) / 1000 : value,
  );
}

function asUsage<T>({ fields }: SimulatePlan, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    const { offset, problem, path } = error;
    if (path[0] === 'publish') throw new UsageError(`-t: ${problem}`);
    throw new UsageError(
      `--simulate: ${problem}`,
      offset === undefined
        ? undefined
        : `at character ${offset + 1}, before: ${fields.slice(offset, offset + 30)}`,
    );
  }
}
