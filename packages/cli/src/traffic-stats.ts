/** Figures of what comes: rates, and the gaps between messages. */

/** What one second, or all of the time, came to. */
export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Between two messages, in milliseconds; `undefined` with fewer than two. */
  readonly gapP50Ms: number | undefined;
  readonly gapP99Ms: number | undefined;
}

/** Gaps are counted in classes a tenth wider each, from 1 µs: exact to a tenth, in little room. */
class Gaps {
  readonly #classes = new Map<number, number>();
  #count = 0;

  add(ms: number): void {
    const at = Math.round(Math.log(Math.max(ms, 0.001)) / Math.log(1.1));
    this.#classes.set(at, (this.#classes.get(at) ?? 0) + 1);
    this.#count += 1;
  }

  /** The gap that a share of all gaps does not exceed. */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = Math.ceil(share * this.#count);
    for (const at of [...this.#classes.keys()].sort((one, other) => one - other)) {
      left -= this.#classes.get(at) ?? 0;
      if (left <= 0) return 1.1 ** at;
    }
    return undefined;
  }
}

/** Topics beyond these are counted as others. */
const mostTopics = 10_000;

export class TrafficStats {
  readonly #beganMs: number;
  #secondBeganMs: number;
  #messages = 0;
  #bytes = 0;
  #messagesBefore = 0;
  #bytesBefore = 0;
  #lastMs: number | undefined;
  readonly #gaps = new Gaps();
  #gapsOfSecond = new Gaps();
  readonly #topics = new Map<string, number>();

  constructor(nowMs: number) {
    this.#beganMs = nowMs;
    this.#secondBeganMs = nowMs;
  }

  add(topic: string, bytes: number, nowMs: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
    if (this.#lastMs !== undefined) {
      this.#gaps.add(nowMs - this.#lastMs);
      this.#gapsOfSecond.add(nowMs - this.#lastMs);
    }
    this.#lastMs = nowMs;
    const known = this.#topics.get(topic);
    if (known !== undefined || this.#topics.size < mostTopics) {
      this.#topics.set(topic, (known ?? 0) + 1);
    }
  }

  /** Since it was asked for last. */
  second(nowMs: number): Traffic {
    const traffic = {
      messages: this.#messages - this.#messagesBefore,
      bytes: this.#bytes - this.#bytesBefore,
      seconds: (nowMs - this.#secondBeganMs) / 1000,
      gapP50Ms: this.#gapsOfSecond.quantile(0.5),
      gapP99Ms: this.#gapsOfSecond.quantile(0.99),
    };
    this.#messagesBefore = this.#messages;
    this.#bytesBefore = this.#bytes;
    this.#secondBeganMs = nowMs;
    this.#gapsOfSecond = new Gaps();
    return traffic;
  }

  all(nowMs: number): Traffic {
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      seconds: (nowMs - this.#beganMs) / 1000,
      gapP50Ms: this.#gaps.quantile(0.5),
      gapP99Ms: this.#gaps.quantile(0.99),
    };
  }

  get topics(): number {
    return this.#topics.size;
  }

  /** Those with most messages, the first one first. */
  busiest(count: number): readonly (readonly [topic: string, messages: number])[] {
    return [...this.#topics].sort((one, other) => other[1] - one[1]).slice(0, count);
  }
}

/** `120.0 msgs/s, 3.4 kB/s, gap p50 8.1 ms, p99 12 ms`. */
export function statsLine({ messages, bytes, seconds, gapP50Ms, gapP99Ms }: Traffic): string {
  const span = Math.max(seconds, 0.001);
  const gaps =
    gapP50Ms === undefined || gapP99Ms === undefined
      ? ''
      : `, gap p50 ${shownMs(gapP50Ms)}, p99 ${shownMs(gapP99Ms)}`;
  return `${(messages / span).toFixed(1)} msgs/s, ${shownBytes(bytes / span)}/s${gaps}`;
}

/** What is said at the end. */
export function statsSummary(stats: TrafficStats, nowMs: number): readonly string[] {
  const all = stats.all(nowMs);
  const topics = stats.topics === 1 ? '1 topic' : `${stats.topics} topics`;
  return [
    `${all.messages} messages of ${topics}, ${shownBytes(all.bytes)} in ${all.seconds.toFixed(1)} s: ${statsLine(all)}`,
    ...stats.busiest(5).map(([topic, messages]) => `  ${`${messages}`.padStart(8)}  ${topic}`),
  ];
}

function shownMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toPrecision(2)} ms`;
}

function shownBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
