/**
 * A session in memory: it lives as long as the object, so that a second client of the same process can go on where
 * the first one closed. Nothing survives the process.
 *
 * Operations are kept in the order in which they came, without those that no longer matter, so that `load` gives
 * what a journal would, at the size of the state. Every operation costs the same however large the state is.
 */
import type {
  Delivery,
  OutgoingMessage,
  SessionOperation,
  SessionSnapshot,
  Ticket,
} from '@mqtt-kit/engine';
import { MqttError } from './errors.ts';
import type { SessionIdentity, SessionStore } from './session-store.ts';

/** A session store that answers at once. It holds one session, whoever's it is. */
export interface MemoryStore extends SessionStore {
  load(identity?: SessionIdentity): SessionSnapshot;
  commit(operations: readonly SessionOperation[]): void;
  clear(): void;
  close(): void;
}

/** A store that keeps a session in memory. For `connect({ store })`, by one client at a time. */
export function memoryStore(): MemoryStore {
  return new MemorySessionStore();
}

/**
 * The same over a map of the caller's, empty at first: for a store elsewhere, which learns by the map what a commit adds,
 * replaces and removes. The order of the map is that of `load`; an entry that is replaced keeps its place.
 */
export function memoryStoreOver(records: Map<string, SessionOperation>): MemoryStore {
  return new MemorySessionStore(records);
}

class MemorySessionStore implements MemoryStore {
  readonly durable = false;
  /** What matters, in order. The key says what a later operation replaces or ends. */
  readonly #kept: Map<string, SessionOperation>;
  /** Messages of ours that were sent, by the packet identifier that they have in the session as it is now. */
  #sent = new Map<number, Ticket>();
  /** Those that were sent in a session that is lost. */
  #lost = new Set<Ticket>();
  /** Received QoS 2 messages whose packet identifier is in use, by that. */
  #openReceipts = new Map<number, Delivery>();
  #locked = false;

  constructor(records: Map<string, SessionOperation> = new Map()) {
    this.#kept = records;
  }

  load(): SessionSnapshot {
    if (this.#locked) {
      throw new MqttError('storeLocked', 'the store is in use by another client of this process', {
        hint: 'Give each client a store of its own, or close the other client first.',
      });
    }
    this.#locked = true;
    return [...this.#kept.values()];
  }

  commit(operations: readonly SessionOperation[]): void {
    for (const operation of operations) this.#keep(operation);
  }

  clear(): void {
    this.#kept.clear();
    this.#sent = new Map();
    this.#lost = new Set();
    this.#openReceipts = new Map();
  }

  close(): void {
    this.#locked = false;
  }

  #keep(operation: SessionOperation): void {
    switch (operation.type) {
      case 'session':
        this.#moveToEnd('session', operation);
        break;
      case 'subscription':
        this.#moveToEnd(`subscription ${operation.topicFilter}`, operation);
        break;
      case 'unsubscription':
        this.#kept.delete(`subscription ${operation.topicFilter}`);
        break;
      case 'out':
        this.#kept.set(`out ${operation.sequence}`, operation);
        break;
      case 'outIdentifier':
        this.#identify(operation);
        break;
      case 'outReceived':
        this.#received(operation);
        break;
      case 'outDone':
        this.#done(operation);
        break;
      case 'in':
        if (operation.message.qos === 2) {
          this.#openReceipts.set(operation.packetIdentifier, operation.delivery);
        }
        this.#kept.set(`in ${operation.delivery}`, operation);
        break;
      case 'inDone':
        this.#handled(operation);
        break;
      case 'inReleased':
        this.#released(operation);
        break;
      case 'reset':
        this.#reset(operation);
        break;
    }
  }

  #moveToEnd(key: string, operation: SessionOperation): void {
    this.#kept.delete(key);
    this.#kept.set(key, operation);
  }

  #identify(operation: SessionOperation & { type: 'outIdentifier' }): void {
    this.#sent.set(operation.packetIdentifier, operation.sequence);
    // The first sending stays: it is what decides about the order.
    const kind = this.#lost.has(operation.sequence) ? 'again' : operation.type;
    this.#kept.set(`${kind} ${operation.sequence}`, operation);
  }

  /** The server has the message: from now on its identifier is all there is to know. */
  #received(operation: SessionOperation & { type: 'outReceived' }): void {
    const sequence = this.#sent.get(operation.packetIdentifier);
    if (sequence === undefined) return;
    const key = `out ${sequence}`;
    const out = this.#kept.get(key);
    // A key that exists keeps its place in the order.
    if (out?.type === 'out') this.#kept.set(key, { ...out, message: withoutPayload(out.message) });
    this.#kept.set(`outReceived ${operation.packetIdentifier}`, operation);
  }

  #done(operation: SessionOperation & { type: 'outDone' }): void {
    const { sequence, packetIdentifier, reasonCode, cause } = operation;
    this.#kept.delete(`out ${sequence}`);
    this.#kept.delete(`outIdentifier ${sequence}`);
    this.#kept.delete(`again ${sequence}`);
    this.#lost.delete(sequence);
    this.#noteSequence(sequence);
    if (packetIdentifier === undefined) return;
    this.#sent.delete(packetIdentifier);
    this.#kept.delete(`outReceived ${packetIdentifier}`);
    // The server may still know the identifier: it is not to be used again in this session.
    const retired = cause === 'serverLimit' || cause === 'invalidArgument';
    if (retired && reasonCode === undefined)
      this.#kept.set(`retired ${packetIdentifier}`, operation);
  }

  /** The highest sequence so far is kept: a new message never gets the number of one that is gone. */
  #noteSequence(sequence: number): void {
    const highest = this.#kept.get('highest sequence');
    if (highest?.type === 'outDone' && highest.sequence >= sequence) return;
    this.#kept.set('highest sequence', {
      type: 'outDone',
      sequence,
      packetIdentifier: undefined,
      reasonCode: undefined,
      cause: undefined,
    });
  }

  /** Likewise the highest delivery: an application may have kept its number to know the message again. */
  #noteDelivery(delivery: Delivery): void {
    const highest = this.#kept.get('highest delivery');
    if (highest?.type === 'inDone' && highest.delivery >= delivery) return;
    this.#kept.set('highest delivery', { type: 'inDone', delivery });
  }

  #handled(operation: SessionOperation & { type: 'inDone' }): void {
    this.#noteDelivery(operation.delivery);
    const key = `in ${operation.delivery}`;
    const received = this.#kept.get(key);
    if (received?.type !== 'in') return;
    const { packetIdentifier, message } = received;
    if (this.#openReceipts.get(packetIdentifier) !== operation.delivery) {
      this.#kept.delete(key);
      this.#kept.delete(`inReleased ${operation.delivery}`);
      return;
    }
    this.#kept.set(key, { ...received, message: withoutPayload(message) });
    this.#kept.set(`inDone ${operation.delivery}`, operation);
  }

  #released(operation: SessionOperation & { type: 'inReleased' }): void {
    const delivery = this.#openReceipts.get(operation.packetIdentifier);
    if (delivery === undefined) return;
    this.#openReceipts.delete(operation.packetIdentifier);
    if (this.#kept.delete(`inDone ${delivery}`)) this.#kept.delete(`in ${delivery}`);
    else this.#kept.set(`inReleased ${delivery}`, operation);
  }

  /**
   * A new session at the server: all packet identifiers mean nothing any more. That a message was sent, and in which
   * order, still does.
   */
  #reset(operation: SessionOperation): void {
    const handled: string[] = [];
    for (const [key, kept] of this.#kept) {
      const { type } = kept;
      if (key.startsWith('highest ')) continue;
      if (type === 'outIdentifier') this.#lost.add(kept.sequence);
      if (type === 'inDone') handled.push(key.replace('inDone', 'in'));
      if (type === 'outReceived' || type === 'outDone' || key.startsWith('again '))
        handled.push(key);
      if (type === 'inDone' || type === 'inReleased') handled.push(key);
    }
    for (const key of handled) this.#kept.delete(key);
    this.#sent.clear();
    this.#openReceipts.clear();
    this.#moveToEnd('reset', operation);
  }
}

const noPayload = new Uint8Array(0);

function withoutPayload(message: OutgoingMessage): OutgoingMessage {
  return { ...message, payload: noPayload };
}
