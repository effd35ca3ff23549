/** What one run's client is like: drawn once from the seed. */
import type { ConnectRequest, EngineOptions } from '@mqtt-kit/engine';
import type { Prng } from '@mqtt-kit/testkit';

/**
 * `durable`: the store outlives the process, PUBACK and PUBREC follow the commit. `memory`: the store outlives the
 * client but not the process, answers follow the handler. `none`: nothing is recorded.
 */
export type StoreMode = 'durable' | 'memory' | 'none';

export interface EngineRunOptions {
  readonly mode: StoreMode;
  readonly engine: EngineOptions;
  readonly request: ConnectRequest;
  /** How often commits come late. */
  readonly lateCommits: number;
  /** All packet identifiers but these are retired, or 0. */
  readonly freeIdentifiers: number;
  /** Whether a store is loaded as one that compacts. */
  readonly compacts: boolean;
  /** Chances at the broker's side. */
  readonly refusals: number;
  readonly errorAnswers: number;
  readonly delayedAnswers: number;
  /** How often the server closes at a message each time. */
  readonly poison: number;
  readonly largestChunk: number;
  readonly largestPayload: number;
}

export function drawEngineOptions(prng: Prng): EngineRunOptions {
  const mode = prng.pick<StoreMode>(['durable', 'durable', 'durable', 'memory', 'none']);
  const version = prng.pick(['5.0', '3.1.1'] as const);
  const cleanStart = mode === 'none' && prng.chance(0.6);
  const receiveMaximum = prng.pick([1, 2, 5, 20, 1000]);
  const freeIdentifiers = mode === 'durable' && prng.chance(0.02) ? prng.integer(3, 12) : 0;
  return {
    mode,
    engine: {
      queue: {
        maximumMessages: prng.pick([3, 10, 1000, 1000]),
        maximumBytes: prng.pick([500, 1_000_000, 1_000_000]),
        maximumAgeMs: prng.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 20_000]),
        overflow: prng.pick(['reject', 'reject', 'dropOldest', 'latestPerTopic'] as const),
        queueQos0: prng.chance(0.7),
        inFlight: prng.pick([1, 3, 20, 65_535, 65_535]),
      },
      inbox: {
        maximumMessages: prng.pick([2, 10, 1000]),
        maximumBytes: prng.pick([200, 1_000_000, 1_000_000]),
      },
      recordOperations: mode !== 'none',
      acknowledgeAfter: mode === 'durable' ? 'commit' : 'handler',
      foreignSession: prng.chance(0.2) ? 'adopt' : 'refuse',
      lostSessionQos2: prng.chance(0.2) ? 'reject' : 'resend',
      pingTimeoutMs: prng.pick([20_000, 5_000]),
      useTopicAliases: prng.chance(0.6),
      trace: false,
    },
    request: {
      version,
      clientId: 'client',
      cleanStart,
      keepAliveSeconds: prng.pick([0, 5, 30, 60]),
      username: undefined,
      password: undefined,
      will: undefined,
      properties:
        version === '3.1.1'
          ? { receiveMaximum }
          : {
              receiveMaximum,
              topicAliasMaximum: prng.pick([0, 2, 16]),
              ...(cleanStart ? {} : { sessionExpiryInterval: 4_294_967_295 }),
            },
      serverKey: 'server',
      pipeline: cleanStart && prng.chance(0.5),
    },
    lateCommits: mode === 'durable' ? prng.pick([0, 0.3, 0.9]) : 0,
    freeIdentifiers,
    compacts: prng.chance(0.5),
    refusals: prng.pick([0, 0, 0.1, 0.3]),
    errorAnswers: prng.pick([0, 0, 0.05, 0.2]),
    delayedAnswers: prng.pick([0, 0.3, 1]),
    // Each message that is given up retires its identifier: of a few none would be left.
    poison: freeIdentifiers > 0 ? 0 : prng.pick([0, 0, 0, 0.01]),
    largestChunk: prng.pick([1, 7, 64, 100_000, 100_000]),
    largestPayload: prng.pick([8, 40, 40, 300, 2000]),
  };
}
