/** What one run at the client level is like: drawn once from the seed. */
import type { Prng } from '@mqtt-kit/testkit';

export interface ClientRunOptions {
  readonly mode: 'durable' | 'memory';
  readonly version: '5.0' | '3.1.1';
  readonly keepAliveSeconds: number;
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  readonly queueMessages: number;
  readonly overflow: 'reject' | 'dropOldest' | 'wait' | 'latestPerTopic';
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly lateCommits: number;
  readonly refusals: number;
  readonly errorAnswers: number;
  readonly delayedAnswers: number;
  readonly failedAttempts: number;
  readonly largestChunk: number;
  readonly largestPayload: number;
  readonly longestDelayMs: number;
}

export function drawClientOptions(prng: Prng): ClientRunOptions {
  const mode = prng.pick(['durable', 'durable', 'memory'] as const);
  return {
    mode,
    version: prng.pick(['5.0', '3.1.1'] as const),
    keepAliveSeconds: prng.pick([0, 5, 30, 60]),
    receiveMaximum: prng.pick([1, 3, 20, 1000]),
    topicAliasMaximum: prng.pick([0, 2, 16]),
    queueMessages: prng.pick([3, 20, 10_000]),
    overflow: prng.pick(['reject', 'reject', 'dropOldest', 'wait', 'latestPerTopic'] as const),
    minDelayMs: prng.pick([100, 100, 1_000]),
    maxDelayMs: prng.pick([3_000, 30_000]),
    lateCommits: mode === 'durable' ? prng.pick([0, 0.3, 0.9]) : 0,
    refusals: prng.pick([0, 0, 0.1, 0.3]),
    errorAnswers: prng.pick([0, 0, 0.1]),
    delayedAnswers: prng.pick([0, 0, 0.5]),
    failedAttempts: prng.pick([0, 0.2, 0.5]),
    largestChunk: prng.pick([7, 100, 100_000, 100_000]),
    largestPayload: prng.pick([8, 40, 400]),
    longestDelayMs: prng.pick([0, 5, 200]),
  };
}
