/** What one run at the client level is like: drawn once from the seed. */
import type { Prng } from '@mqtt-kit/testkit';

export interface ClientRunOptions {
  readonly mode: 'durable' | 'memory';
  /** Of a durable one: a list of operations, or files with that durability. */
  readonly store: 'list' | 'process' | 'power';
  /** What a client does with a session of an unknown past. */
  readonly foreignSession: 'reset' | 'adopt' | 'error';
  readonly version: '5.0' | '3.1.1';
  readonly keepAliveSeconds: number;
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  readonly queueMessages: number;
  readonly queueBytes: number;
  readonly queueAgeMs: number;
  readonly queueQos0: boolean;
  readonly overflow: 'reject' | 'dropOldest' | 'wait' | 'latestPerTopic';
  /** Own bound on unacknowledged messages; `undefined`: what the version has. */
  readonly inFlight: number | undefined;
  /** The main subscription has an iterator in place of a handler. */
  readonly iterates: boolean;
  readonly bufferSize: number;
  readonly concurrency: number;
  readonly inboxMessages: number;
  readonly delivery: 'at-least-once' | 'at-most-once' | 'transactional';
  readonly handlerFailure: 'acknowledge' | 'reject' | 'redeliver';
  /** Messages are acknowledged by hand. */
  readonly manual: boolean;
  readonly lostSession: 'resend' | 'reject';
  readonly redirects: 'report' | 'follow';
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
  /** How often the server closes at a message each time. */
  readonly poison: number;
  /** How often a connection has limits that an earlier one had not. */
  readonly limits: number;
  /** How often the disk takes a part of a write, and the process dies in the middle of one. */
  readonly shortWrites: number;
  readonly deathsOnDisk: number;
  /** Whether a client whose store failed goes on with what the store then has, and how often the store fails it. */
  readonly onStoreFailure: 'stop' | 'rebuild';
  readonly storeFailures: number;
}

export function drawClientOptions(prng: Prng): ClientRunOptions {
  const mode = prng.pick(['durable', 'durable', 'memory'] as const);
  const version = prng.pick(['5.0', '3.1.1'] as const);
  const delivery = prng.pick([
    'at-least-once',
    'at-least-once',
    'at-most-once',
    'transactional',
  ] as const);
  const manual = delivery !== 'at-most-once' && prng.chance(0.2);
  const failures = mode === 'memory' && version === '5.0' ? failuresOf : failuresOf.slice(0, -1);
  return {
    mode,
    store: prng.pick(['list', 'process', 'power'] as const),
    foreignSession: mode === 'durable' ? 'reset' : prng.pick(['reset', 'adopt', 'error'] as const),
    version,
    keepAliveSeconds: prng.pick([0, 5, 30, 60]),
    receiveMaximum: prng.pick([1, 3, 20, 1000]),
    topicAliasMaximum: prng.pick([0, 2, 16]),
    queueMessages: prng.pick([3, 20, 10_000]),
    queueBytes: prng.pick([2_000, 67_108_864, 67_108_864]),
    queueAgeMs: prng.pick([5_000, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]),
    queueQos0: prng.chance(0.7),
    overflow: prng.pick(['reject', 'reject', 'dropOldest', 'wait', 'latestPerTopic'] as const),
    inFlight: prng.pick([undefined, undefined, 1, 3]),
    iterates: prng.chance(0.3),
    bufferSize: prng.pick([1, 5, 1_000]),
    concurrency: prng.pick([1, 1, 3]),
    inboxMessages: prng.pick([3, 10_000]),
    delivery,
    handlerFailure: delivery === 'at-most-once' ? 'acknowledge' : prng.pick(failures),
    manual,
    redirects: prng.pick(['report', 'follow', 'follow'] as const),
    lostSession: prng.pick(['resend', 'resend', 'reject'] as const),
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
    poison: prng.pick([0, 0, 0, 0.01]),
    limits: prng.pick([0, 0, 0.3, 0.7]),
    shortWrites: prng.pick([0, 0.2]),
    deathsOnDisk: prng.pick([0, 0.002, 0.02]),
    onStoreFailure: mode === 'durable' ? prng.pick(['stop', 'rebuild'] as const) : 'stop',
    storeFailures: prng.pick([0, 0.01, 0.1]),
  };
}

/** The last of them with 5.0 and a memory store alone. */
const failuresOf = ['acknowledge', 'acknowledge', 'redeliver', 'reject'] as const;
