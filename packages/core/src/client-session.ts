/** The engine that holds a client's session, made from its settings and from what a store kept. */
import { ClientEngine, type QueueLimits, type SessionSnapshot } from '@mqtt-kit/engine';
import type { ProtocolVersion } from '@mqtt-kit/packet';
import type { Clock } from './clock.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { asError, MqttError } from './errors.ts';
import type { SessionIdentity, SessionStore } from './session-store.ts';
import type { VersionChoice } from './version-choice.ts';

export function newEngine(
  settings: ConnectSettings,
  store: SessionStore | undefined,
  versions: VersionChoice,
  clock: Clock,
): ClientEngine {
  return new ClientEngine({
    queue: new VersionedLimits(settings, versions),
    inbox: settings.inbox,
    recordOperations: store !== undefined,
    acknowledgeAfter: store?.durable ? 'commit' : 'handler',
    foreignSession: settings.foreignSession === 'adopt' ? 'adopt' : 'refuse',
    lostSessionQos2: settings.lostSession,
    pingTimeoutMs: 20_000,
    useTopicAliases: settings.topicAliases,
    trace: settings.trace,
    subscribeFirst: true,
    ...(store !== undefined && { firstDelivery: firstDelivery(clock) }),
  });
}

/** How much may be under way depends on the version, which a server decides. */
class VersionedLimits implements QueueLimits {
  readonly maximumMessages: number;
  readonly maximumBytes: number;
  readonly maximumAgeMs: number;
  readonly overflow: QueueLimits['overflow'];
  readonly queueQos0: boolean;
  readonly #own: number | undefined;
  readonly #versions: VersionChoice;

  constructor({ queue, inFlight }: ConnectSettings, versions: VersionChoice) {
    this.maximumMessages = queue.maximumMessages;
    this.maximumBytes = queue.maximumBytes;
    this.maximumAgeMs = queue.maximumAgeMs;
    this.overflow = queue.overflow;
    this.queueQos0 = queue.queueQos0;
    this.#own = inFlight;
    this.#versions = versions;
  }

  get inFlight(): number {
    return this.#own ?? this.#versions.rules.inFlight;
  }
}

/** What the store holds. Rejects with an `MqttError`; with the reason of `signal` when that has aborted. */
export async function loadSession(
  store: SessionStore,
  identity: SessionIdentity,
  signal: AbortSignal | undefined,
): Promise<SessionSnapshot> {
  return told('read', () => store.load(identity, signal), signal);
}

/** Rejects with an `MqttError`. */
export async function closeStore(store: SessionStore | undefined): Promise<void> {
  return told('closed', () => store?.close());
}

async function told<T>(what: string, call: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof MqttError || signal?.aborted) throw thrown;
    const cause = asError(thrown);
    const message = `the session store could not be ${what}: ${cause.message}`;
    throw new MqttError('storeFailed', message, { cause });
  }
}

/** Opens a store that failed anew: what it holds now is the session, whatever became of the commit that failed. */
export async function reloadSession(
  store: SessionStore,
  identity: SessionIdentity,
  signal: AbortSignal,
): Promise<SessionSnapshot> {
  const { durable } = store;
  await closeStore(store);
  const snapshot = await loadSession(store, identity, signal);
  if (store.durable === durable && (store.clientId ?? identity.clientId) === identity.clientId) {
    return snapshot;
  }
  throw new MqttError('storeFailed', 'the session store opened another session than before');
}

/**
 * Deliveries are numbered by the time at which the client began, a thousand to the millisecond: what an application
 * remembers of another store, or of another client with this one, then never means a message of this client.
 */
function firstDelivery(clock: Clock): number {
  return Math.max(1, Math.floor(clock.now().epochMs) * 1_000);
}

/** Throws `storeCorrupt` when the snapshot is none of a session. */
export function restore(engine: ClientEngine, snapshot: SessionSnapshot, clock: Clock): void {
  try {
    engine.restore(snapshot, clock.now());
  } catch (thrown) {
    const cause = asError(thrown);
    throw new MqttError('storeCorrupt', `the session store holds no session: ${cause.message}`, {
      cause,
    });
  }
}

/** The version that the session in the store speaks. */
export function storedVersion(snapshot: SessionSnapshot): ProtocolVersion | undefined {
  for (const operation of snapshot) if (operation.type === 'session') return operation.version;
  return undefined;
}

/** The filters that the session has subscribed to, over all its lives. */
export function storedFilters(snapshot: SessionSnapshot): ReadonlySet<string> {
  const filters = new Set<string>();
  for (const operation of snapshot) {
    if (operation.type === 'subscription') filters.add(operation.topicFilter);
    else if (operation.type === 'unsubscription') filters.delete(operation.topicFilter);
  }
  return filters;
}
