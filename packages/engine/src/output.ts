/**
 * What the engine has to say and nobody has taken yet.
 *
 * Operations, events and bytes gather in one open batch. It is sealed early in two cases: when DISCONNECT is in it, so
 * that nothing follows in the same batch, and when bytes were dropped with their connection, so that their loss can be
 * told from the writing of later bytes.
 */
import type { Packet } from '@mqtt-kit/packet';
import type { Batch, EngineEvent, Urgent } from './batch.ts';
import type { PublishOutcome } from './request.ts';
import type { SessionOperation } from './session-operation.ts';

/** The outcome of a QoS 0 message whose bytes are in the open batch. */
export const sentWithBatch: PublishOutcome = Object.freeze({ kind: 'sent' });

export class Output {
  /** Whether operations are wanted: ask before making one. */
  readonly recording: boolean;
  /** Whether `packet` events are wanted. */
  readonly tracing: boolean;
  /** Made when there is something to hold: an idle client says nothing. */
  #operations: SessionOperation[] | undefined;
  #events: EngineEvent[] | undefined;
  #sealed: Batch[] | undefined;
  #urgent: Urgent[] | undefined;

  constructor(recording: boolean, tracing: boolean) {
    this.recording = recording;
    this.tracing = tracing;
  }

  record(operation: SessionOperation): void {
    if (this.#operations === undefined) this.#operations = [operation];
    else this.#operations.push(operation);
  }

  emit(event: EngineEvent): void {
    if (this.#events === undefined) this.#events = [event];
    else this.#events.push(event);
  }

  tracePacket(direction: 'sent' | 'received', packet: Packet): void {
    this.emit({ type: 'packet', direction, packet: withoutSecrets(packet) });
  }

  urge(connection: number, bytes: readonly Uint8Array[], close: boolean): void {
    this.#urgent ??= [];
    this.#urgent.push({ connection, bytes, close });
  }

  /** Takes back what is urgent for a connection that is gone, or about to get another word. */
  dropUrgent(connection: number): void {
    this.#urgent = this.#urgent?.filter((urgent) => urgent.connection !== connection);
  }

  /** Ends the open batch, with these bytes as its own. */
  seal(connection: number, bytes: readonly Uint8Array[], close: boolean): void {
    this.#sealed ??= [];
    this.#sealed.push(this.#cut(connection, bytes, close));
  }

  /** Ends the open batch whose bytes are dropped. QoS 0 messages that were said to be in them are not sent after all. */
  sealWithoutBytes(): void {
    const events = this.#events ?? [];
    for (const [place, event] of events.entries()) {
      if (event.type !== 'published' || event.outcome !== sentWithBatch) continue;
      const message = 'the connection ended before the message left';
      const outcome = { kind: 'failed', code: 'connectionLost', message } as const;
      events[place] = { type: 'published', ticket: event.ticket, outcome };
    }
    this.seal(0, [], false);
  }

  /** Batches that are sealed and not taken. What is said now is in the one after them. */
  get sealedBatches(): number {
    return this.#sealed?.length ?? 0;
  }

  takeSealed(): Batch | undefined {
    const first = this.#sealed?.shift();
    if (this.#sealed?.length === 0) this.#sealed = undefined;
    return first;
  }

  /** The open batch with these bytes, or `undefined` when there is nothing in it. */
  takeOpen(connection: number, bytes: readonly Uint8Array[]): Batch | undefined {
    if (this.#operations === undefined && this.#events === undefined && bytes.length === 0) {
      return undefined;
    }
    return this.#cut(connection, bytes, false);
  }

  takeUrgent(): Urgent | undefined {
    const first = this.#urgent?.shift();
    if (this.#urgent?.length === 0) this.#urgent = undefined;
    return first;
  }

  #cut(connection: number, bytes: readonly Uint8Array[], close: boolean): Batch {
    const operations = this.#operations ?? noOperations;
    const events = this.#events ?? noEvents;
    this.#operations = undefined;
    this.#events = undefined;
    return { connection, operations, bytes, events, close };
  }
}

const noOperations: readonly SessionOperation[] = Object.freeze([]);
/**
 * Empty, and of the shape of all others: a frozen array, or one that never held an object, has another, at which the
 * compiled loop over events was thrown away.
 */
const noEvents: readonly EngineEvent[] = [{ type: 'queueRoom' } as const].slice(1);

/** A packet as it may be shown: a password and authentication data stay out. */
function withoutSecrets(packet: Packet): Packet {
  if (!('properties' in packet)) return packet;
  if ('password' in packet) {
    return { ...packet, password: undefined, properties: withoutAuthenticationData(packet) };
  }
  if (packet.properties.authenticationData === undefined) return packet;
  return { ...packet, properties: withoutAuthenticationData(packet) };
}

function withoutAuthenticationData(packet: Extract<Packet, { properties: unknown }>) {
  const { authenticationData, ...shown } = packet.properties;
  return authenticationData === undefined ? packet.properties : shown;
}
