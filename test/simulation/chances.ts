/**
 * What a seed draws for a whole run: which faults occur at all and how often, how large things are, what the options
 * of the client are. A run with few kinds of faults reaches states that one with all of them never does.
 */
import type { Prng } from '@mqtt-kit/testkit';

/** What can happen in a step at the engine level, with how often it is when nothing is drawn. */
export const engineActions = {
  toServer: 14,
  toClient: 14,
  answer: 6,
  commit: 8,
  publish: 5,
  brokerPublish: 7,
  acknowledge: 8,
  time: 6,
  connect: 4,
  subscribe: 0.7,
  unsubscribe: 0.4,
  cancel: 0.6,
  disconnect: 0.2,
  reset: 0.5,
  finish: 0.3,
  halfOpen: 0.2,
  cutToServer: 0.4,
  cutToClient: 0.4,
  refusedAttempt: 0.4,
  crash: 0.3,
  storeFailure: 0.1,
  brokerRestart: 0.2,
  brokerForgets: 0.12,
  takeOver: 0.12,
  serverDisconnect: 0.15,
  stray: 0.15,
  garbage: 0.1,
  wrongPacket: 0.3,
  stall: 0.3,
  wallClock: 0.2,
  lateTimer: 0.15,
} as const;

export type EngineAction = keyof typeof engineActions;

/** What is no fault: without these nothing happens. */
const ordinary: ReadonlySet<string> = new Set<EngineAction>([
  'toServer',
  'toClient',
  'answer',
  'commit',
  'publish',
  'brokerPublish',
  'acknowledge',
  'time',
  'connect',
]);

/** A table to draw actions from. */
export class Wheel<T extends string> {
  readonly #names: T[] = [];
  readonly #ends: number[] = [];
  #total = 0;

  constructor(weights: Readonly<Record<T, number>>) {
    for (const [name, weight] of Object.entries(weights) as [T, number][]) {
      if (weight <= 0) continue;
      this.#total += weight;
      this.#names.push(name);
      this.#ends.push(this.#total);
    }
  }

  draw(random: number): T {
    const at = random * this.#total;
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as number) <= at) low = middle + 1;
      else high = middle;
    }
    return this.#names[low] as T;
  }
}

/** Swarm: each fault is absent in half of all runs, and in the others three times rarer to three times commoner. */
export function swarm<T extends string>(
  prng: Prng,
  weights: Readonly<Record<T, number>>,
  isOrdinary: (name: string) => boolean = (name) => ordinary.has(name),
): Record<T, number> {
  const drawn = { ...weights } as Record<T, number>;
  for (const name of Object.keys(weights) as T[]) {
    const factor = 3 ** (2 * prng.random() - 1);
    const absent = prng.chance(0.5);
    drawn[name] = isOrdinary(name)
      ? weights[name] * factor
      : absent
        ? 0
        : weights[name] * 2 * factor;
  }
  return drawn;
}
