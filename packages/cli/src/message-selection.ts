/** Which of the messages that come are printed, and which one is the last. */
import { createHash } from 'node:crypto';
import { matches } from '@mqtt-kit/packet';
import type { Message } from 'mqtt-kit';

/** What the command line says about it. */
export interface SelectionPlan {
  /** Messages of these topics are dropped. */
  readonly filterOut: readonly string[];
  readonly skipRetained: boolean;
  /** The first message that is not retained is the end. */
  readonly retainedOnly: boolean;
  /** The share that is taken, from 0 to 1. */
  readonly share: number;
  readonly changes: boolean;
  /** The least time between two messages of a topic. */
  readonly throttleMs: number | undefined;
}

/** A condition of `--where` or `--until`. */
export type Condition = (message: Message) => boolean;

export type Verdict = 'print' | 'drop' | 'end';

/** So many topics are remembered for `--changes` and `--throttle`; beyond, the one longest unheard of is forgotten. */
const mostTopics = 100_000;

export class Selection {
  readonly #plan: SelectionPlan;
  readonly #where: Condition | undefined;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  readonly #last = new Map<string, { digest: string | undefined; atMs: number }>();

  constructor(
    plan: SelectionPlan,
    where: Condition | undefined,
    nowMs: () => number,
    random: () => number,
  ) {
    this.#plan = plan;
    this.#where = where;
    this.#nowMs = nowMs;
    this.#random = random;
  }

  take(message: Message): Verdict {
    const { filterOut, skipRetained, retainedOnly, share } = this.#plan;
    if (retainedOnly && !message.retain) return 'end';
    if (skipRetained && message.retain) return 'drop';
    for (const filter of filterOut) if (matches(filter, message.topic)) return 'drop';
    if (this.#where !== undefined && !this.#where(message)) return 'drop';
    if (share < 1 && this.#random() >= share) return 'drop';
    return this.#isRepetition(message) ? 'drop' : 'print';
  }

  #isRepetition({ topic, payload }: Message): boolean {
    const { changes, throttleMs } = this.#plan;
    if (!changes && throttleMs === undefined) return false;
    const last = this.#last.get(topic);
    const nowMs = this.#nowMs();
    const digest = changes ? digestOf(payload) : undefined;
    if (last !== undefined) {
      if (throttleMs !== undefined && nowMs - last.atMs < throttleMs) return true;
      if (changes && last.digest === digest) return true;
      this.#last.delete(topic);
    } else if (this.#last.size >= mostTopics) {
      for (const oldest of this.#last.keys()) {
        this.#last.delete(oldest);
        break;
      }
    }
    this.#last.set(topic, { digest, atMs: nowMs });
    return false;
  }
}

/** Short payloads are their own digest. */
function digestOf(payload: Uint8Array): string {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes.length <= 32) return `=${bytes.toString('latin1')}`;
  return createHash('sha1').update(bytes).digest('base64');
}
