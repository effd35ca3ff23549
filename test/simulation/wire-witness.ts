/**
 * Watches one client's connections from its own end: what it writes, at the moment of writing, and what has come to
 * it. It knows what a correct client may know, and what is durable, and judges every packet by that.
 */
import type { TransportEnd } from '@mqtt-kit/engine';
import {
  type AckFromClient,
  type ClientPacket,
  ModelDecoder,
  type PublishFromClient,
} from '@mqtt-kit/testkit';
import type { JournalWitness } from './journal-witness.ts';
import { payloadNumber } from './payloads.ts';
import { serverPackets, transitionCount } from './transitions.ts';
import { hold } from './violation.ts';
import type { OpenExchanges } from './wrong-packets.ts';

interface LiveMessage {
  readonly number: number;
  readonly qos: number;
  /** Place among all first sendings. */
  readonly place: number;
  state: 'sent' | 'released';
  /** The connection of its last PUBLISH. */
  connection: number;
}

/** What the witness has to know of the world around. */
export interface WitnessSurroundings {
  /** What is durable; `undefined` where nothing is recorded. */
  readonly journal: JournalWitness | undefined;
  /** Whether PUBACK follows the commit. */
  readonly durableDelivery: boolean;
  /** Own bound on unacknowledged messages. */
  readonly inFlight: number;
  /** Whether a wall clock jump or the like makes exact times meaningless. */
  readonly count: (what: string) => void;
  /** The client writes PUBACK or PUBREC for that message. */
  readonly answered?: (number: number) => void;
}

/** Packets that come from the server, as far as the witness looks at them. */
interface ServerPacket {
  readonly type: number;
  readonly packetIdentifier: number;
  readonly reasonCode: number;
}

export class WireWitness {
  surroundings: WitnessSurroundings;
  readonly #live = new Map<number, LiveMessage>();
  readonly #requests = new Map<number, string>();
  #connection = 0;
  #decoder = new ModelDecoder();
  #phase: 'none' | 'opened' | 'connecting' | 'connected' | 'goodbye' = 'none';
  #pipelining = false;
  #version = '5.0';
  #receiveMaximum = 65_535;
  #keepAliveMs = 0;
  #lastPlace = 0;
  #unacknowledged = new Set<number>();
  #lastResent = 0;
  #sentNew = false;
  /** Identifiers of PUBLISH packets that came on this connection and owe PUBACK or PUBREC. */
  #owesPuback = new Map<number, { readonly qos: number; readonly number: number }>();
  #strayRecs = new Map<number, number>();
  /** Identifiers of messages that the server took and then refused: their PUBREL may be on its way. */
  #contradicted = new Set<number>();
  /** Identifiers of QoS 2 messages to the client, to tell in which state a packet meets them. */
  readonly #inbound = new Map<number, 'unanswered' | 'PUBREC sent'>();
  /** How often in a row, without an acknowledgement, the server closed at each message. */
  readonly #closedAt = new Map<number, number>();
  #noted = false;
  lastSentMs = 0;
  lastReceivedMs = 0;
  /** When the oldest PINGREQ without an answer left. */
  pingSentMs: number | undefined;

  constructor(surroundings: WitnessSurroundings) {
    this.surroundings = surroundings;
  }

  get isConnected(): boolean {
    return this.#phase === 'connected';
  }

  get keepAliveMs(): number {
    return this.#phase === 'connected' ? this.#keepAliveMs : 0;
  }

  get unacknowledged(): number {
    return this.#unacknowledged.size;
  }

  get window(): number {
    return Math.min(this.#receiveMaximum, this.surroundings.inFlight);
  }

  /** The process is gone and remembers only what is durable. */
  restarted(surroundings: WitnessSurroundings): void {
    this.surroundings = surroundings;
    this.#live.clear();
    this.closed();
  }

  opened(nowMs: number): void {
    hold(this.#phase === 'none', 14, () => 'a second open connection');
    this.#connection += 1;
    this.#decoder = new ModelDecoder();
    this.#phase = 'opened';
    this.#unacknowledged = new Set();
    this.#owesPuback = new Map();
    this.#strayRecs = new Map();
    this.#contradicted = new Set();
    this.#lastResent = 0;
    this.#sentNew = false;
    this.lastSentMs = nowMs;
    this.lastReceivedMs = nowMs;
    this.pingSentMs = undefined;
    this.#noted = false;
  }

  closed(by: TransportEnd = 'ourselves'): void {
    if (by !== 'ourselves') this.#noteClose(by === 'server' ? 2 : 1);
    this.#phase = 'none';
    this.#requests.clear();
  }

  /** What speaks against a message: 2 for each end in order with it on the connection, 1 for each other, in a row. */
  suspicionOf(number: number): number {
    return this.#closedAt.get(number) ?? 0;
  }

  #noteClose(weight: number): void {
    if (this.#noted) return;
    this.#noted = true;
    for (const { number, state, connection } of this.#live.values()) {
      if (state !== 'sent' || connection !== this.#connection) continue;
      this.#closedAt.set(number, this.suspicionOf(number) + weight);
    }
  }

  /** The client writes. Throws a `Violation`, or the decoder's `ClientBreach`. */
  sent(bytes: Uint8Array, nowMs: number): void {
    this.lastSentMs = nowMs;
    this.#decoder.push(bytes);
    for (let packet = this.#decoder.next(); packet; packet = this.#decoder.next()) {
      this.#sentPacket(packet, nowMs);
    }
  }

  /** A whole packet of the server has come to the client. */
  receivedPacket(bytes: Uint8Array): void {
    const packet = parse(bytes);
    const { type, packetIdentifier, reasonCode } = packet;
    const message = this.#live.get(packetIdentifier);
    this.#countTransition(packet, bytes);
    switch (type) {
      case 2:
        this.#connack(bytes, reasonCode);
        return;
      case 3: {
        const qos = ((bytes[0] as number) >> 1) & 3;
        if (qos === 0) return;
        if (qos === 2 && !this.#inbound.has(packetIdentifier)) {
          this.#inbound.set(packetIdentifier, 'unanswered');
        }
        const number = payloadNumber(payloadOf(bytes, this.#version));
        this.#owesPuback.set(packetIdentifier, { qos, number });
        return;
      }
      case 4:
        if (message?.qos === 1) {
          this.#free(packetIdentifier);
          this.#closedAt.clear();
        }
        return;
      case 5:
        if (message === undefined || message.qos === 1) {
          if (reasonCode < 0x80) this.#noteStrayRec(packetIdentifier);
        } else if (message.state === 'released' && reasonCode < 0x80) {
          // Another one: it is answered once more, whatever became of the message meanwhile.
          this.#noteStrayRec(packetIdentifier);
        } else {
          this.#closedAt.clear();
          if (message.state === 'released') this.#contradicted.add(packetIdentifier);
          if (reasonCode >= 0x80) this.#free(packetIdentifier);
          else message.state = 'released';
        }
        return;
      case 7:
        if (message?.state === 'released') this.#free(packetIdentifier);
        return;
      case 9:
      case 11:
        this.#requests.delete(packetIdentifier);
        return;
      case 13:
        this.pingSentMs = undefined;
        return;
      case 14:
        this.#noteClose(2);
        // From here on there is nothing to keep alive.
        this.#keepAliveMs = 0;
        return;
    }
  }

  /** What is open on this connection. */
  get open(): OpenExchanges {
    return {
      sent: [...this.#live].map(([packetIdentifier, message]) => ({
        packetIdentifier,
        state: outgoingState(message),
      })),
      requests: [...this.#requests].map(([packetIdentifier, kind]) => ({ packetIdentifier, kind })),
    };
  }

  #countTransition({ type, packetIdentifier, reasonCode }: ServerPacket, bytes: Uint8Array): void {
    const name = serverPackets.get(type)?.[0] ?? `type ${type}`;
    const refused = reasonCode >= (type === 2 ? 1 : 0x80);
    let packet = refused && type <= 7 ? `${name} refused` : name;
    let state = this.#phase as string;
    if (this.#phase === 'connected') {
      if (type === 3) {
        const qos = ((bytes[0] as number) >> 1) & 3;
        packet = `PUBLISH QoS ${qos}`;
        if (qos === 1) {
          state = this.#owesPuback.has(packetIdentifier) ? 'unanswered' : 'nothing received';
        } else if (qos === 2) state = this.#inbound.get(packetIdentifier) ?? 'nothing received';
      } else if (type === 6) state = this.#inbound.get(packetIdentifier) ?? 'nothing received';
      else if (type <= 7 && type !== 2) state = outgoingState(this.#live.get(packetIdentifier));
      else if (type === 9 || type === 11) {
        const asked = this.#requests.get(packetIdentifier);
        state = asked === undefined ? 'nothing asked' : `${asked.toUpperCase()} sent`;
      } else if (type === 13) {
        state = this.pingSentMs === undefined ? 'no PINGREQ sent' : 'PINGREQ sent';
      }
    }
    this.surroundings.count(transitionCount(state, packet, this.#version));
  }

  #connack(bytes: Uint8Array, reasonCode: number): void {
    if (reasonCode !== 0 || this.#phase !== 'connecting') return;
    this.#phase = 'connected';
    const present = ((bytes[2] as number) & 1) === 1;
    if (!present) {
      this.#live.clear();
      this.#inbound.clear();
    }
    if (this.#version === '5.0') {
      const properties = connackProperties(bytes);
      this.#receiveMaximum = properties.get(0x21) ?? 65_535;
      const keepAlive = properties.get(0x13);
      if (keepAlive !== undefined) this.#keepAliveMs = keepAlive * 1000;
    } else {
      this.#receiveMaximum = 65_535;
    }
    for (const [packetIdentifier, message] of this.#live) {
      // PUBREL to be sent again takes its place at once.
      if (message.state === 'released') this.#unacknowledged.add(packetIdentifier);
    }
  }

  #free(packetIdentifier: number): void {
    this.#live.delete(packetIdentifier);
    this.#unacknowledged.delete(packetIdentifier);
  }

  #sentPacket(packet: ClientPacket, nowMs: number): void {
    hold(this.#phase !== 'goodbye', 16, () => `${packet.kind} after DISCONNECT`);
    if (packet.kind === 'connect') {
      hold(this.#phase === 'opened', 16, () => 'CONNECT again');
      this.#phase = 'connecting';
      this.#version = packet.version;
      this.#pipelining = packet.cleanStart;
      this.#keepAliveMs = packet.keepAliveSeconds * 1000;
      return;
    }
    hold(this.#phase !== 'opened', 16, () => `${packet.kind} before CONNECT`);
    if (this.#phase === 'connecting') {
      const early =
        packet.kind === 'disconnect' ||
        (this.#pipelining &&
          (packet.kind === 'subscribe' || (packet.kind === 'publish' && packet.qos === 0)));
      hold(early, 16, () => `${packet.kind} before CONNACK`);
    }
    switch (packet.kind) {
      case 'publish':
        if (packet.qos > 0) this.#publish(packet);
        return;
      case 'puback':
      case 'pubrec':
        this.#answer(packet);
        return;
      case 'pubrel':
        this.#release(packet.packetIdentifier);
        return;
      case 'pubcomp':
        this.#complete(packet.packetIdentifier);
        return;
      case 'subscribe':
      case 'unsubscribe':
        this.#request(packet.kind, packet.packetIdentifier);
        return;
      case 'pingreq':
        this.pingSentMs ??= nowMs;
        return;
      case 'disconnect':
        this.#phase = 'goodbye';
        return;
      default:
        return;
    }
  }

  #publish(packet: PublishFromClient): void {
    const { packetIdentifier: id, dup, qos } = packet;
    const { journal, count } = this.surroundings;
    const number = payloadNumber(packet.payload);
    const live = this.#live.get(id);
    hold(!this.#requests.has(id), 2, () => `identifier ${id} is that of a request`);
    const stored = journal?.sent.get(id);
    if (journal !== undefined) {
      hold(stored?.number === number, 4, () => `PUBLISH ${id} of message ${number} is not durable`);
    }
    if (dup) {
      const known =
        live ?? (stored === undefined ? undefined : this.#revive(id, number, qos, stored.state));
      hold(known !== undefined, 17, () => `DUP 1 on message ${number}, which was never sent`);
      hold(
        known.number === number,
        2,
        () => `identifier ${id} of message ${known.number} has ${number}`,
      );
      hold(known.state === 'sent', 6, () => `PUBLISH ${id} after its PUBREC`);
      hold(known.connection !== this.#connection, 6, () => `PUBLISH ${id} twice on a connection`);
      hold(known.place > this.#lastResent, 8, () => `message ${number} out of its order`);
      hold(!this.#sentNew, 8, () => `message ${number} again after a newer one`);
      this.#lastResent = known.place;
      known.connection = this.#connection;
      count('PUBLISH again');
    } else {
      hold(
        live === undefined,
        live?.number === number ? 17 : 2,
        () => `identifier ${id} for message ${number}, which message ${live?.number} has`,
      );
      for (const [other, message] of this.#live) {
        hold(message.number !== number, 1, () => `message ${number} as ${id} and ${other}`);
      }
      this.#sentNew = true;
      this.#lastPlace += 1;
      const connection = this.#connection;
      this.#live.set(id, { number, qos, place: this.#lastPlace, state: 'sent', connection });
    }
    this.#unacknowledged.add(id);
    const held = this.#unacknowledged.size;
    hold(held <= this.window, 3, () => `${held} unacknowledged, allowed are ${this.window}`);
    if (held === this.window) count('window full');
  }

  /** Sent by an earlier life of the process, or about to be: its place is that of its number. */
  #revive(id: number, number: number, qos: number, stored: string): LiveMessage {
    this.#lastPlace += 1;
    const revived: LiveMessage = {
      number,
      qos,
      place: this.#lastPlace,
      state: stored === 'released' ? 'released' : 'sent',
      connection: 0,
    };
    this.#live.set(id, revived);
    return revived;
  }

  #noteStrayRec(id: number): void {
    this.#strayRecs.set(id, (this.#strayRecs.get(id) ?? 0) + 1);
  }

  /** Each PUBREC is answered, as often as it came. */
  #takeStrayRec(id: number): boolean {
    const count = this.#strayRecs.get(id) ?? 0;
    if (count > 0) this.#strayRecs.set(id, count - 1);
    return count > 0;
  }

  #release(id: number): void {
    const { journal } = this.surroundings;
    const live = this.#live.get(id);
    const stored = journal?.sent.get(id);
    const state = journal === undefined ? live?.state : stored?.state;
    const isOver = state !== 'released' || live === undefined;
    if (isOver && this.#takeStrayRec(id)) return;
    if (live === undefined && this.#contradicted.has(id)) return;
    hold(state === 'released', 5, () => `PUBREL ${id} for a message ${state}`);
    this.#live.set(id, {
      number: live?.number ?? stored?.number ?? 0,
      qos: 2,
      place: live?.place ?? 0,
      state: 'released',
      connection: this.#connection,
    });
    this.#unacknowledged.add(id);
  }

  #answer(packet: AckFromClient): void {
    const { kind, packetIdentifier: id } = packet;
    const qos = kind === 'puback' ? 1 : 2;
    const owed = this.#owesPuback.get(id);
    hold(owed?.qos === qos, 22, () => `${kind} ${id} for no PUBLISH of this connection`);
    this.#owesPuback.delete(id);
    this.surroundings.answered?.(owed.number);
    if (packet.reasonCode >= 0x80) this.#inbound.delete(id);
    else if (qos === 2) this.#inbound.set(id, 'PUBREC sent');
    const { journal, durableDelivery } = this.surroundings;
    if (journal === undefined) return;
    if (qos === 2 && packet.reasonCode < 0x80) {
      hold(journal.received.has(id), 7, () => `PUBREC ${id} before the message is durable`);
    } else if (qos === 1 && durableDelivery) {
      hold(journal.stored.has(owed.number), 7, () => `PUBACK ${id} before the message is durable`);
    }
  }

  #complete(id: number): void {
    const { journal } = this.surroundings;
    this.#inbound.delete(id);
    hold(!journal?.received.has(id), 7, () => `PUBCOMP ${id} before the release is durable`);
  }

  #request(kind: string, id: number): void {
    const owned =
      this.#live.has(id) || this.#requests.has(id) || this.surroundings.journal?.sent.has(id);
    hold(owned !== true, 2, () => `${kind} with identifier ${id}, which has an owner`);
    this.#requests.set(id, kind);
  }
}

function outgoingState(message: LiveMessage | undefined): string {
  if (message === undefined) return 'nothing sent';
  return message.state === 'released' ? 'PUBREL due' : `QoS ${message.qos} sent`;
}

/** What is needed of a packet of the model broker. */
function parse(bytes: Uint8Array): ServerPacket {
  const type = (bytes[0] as number) >> 4;
  let at = 1;
  while ((bytes[at] as number) >= 128) at += 1;
  at += 1;
  if (type === 2) return { type, packetIdentifier: 0, reasonCode: bytes[at + 1] as number };
  if (type === 3) {
    const qos = ((bytes[0] as number) >> 1) & 3;
    at += 2 + two(bytes, at);
    return { type, packetIdentifier: qos === 0 ? 0 : two(bytes, at), reasonCode: 0 };
  }
  if (type >= 13) return { type, packetIdentifier: 0, reasonCode: 0 };
  return { type, packetIdentifier: two(bytes, at), reasonCode: bytes[at + 2] ?? 0 };
}

/** The payload of a PUBLISH of the model broker. */
function payloadOf(bytes: Uint8Array, version: string): Uint8Array {
  let at = 1;
  while ((bytes[at] as number) >= 128) at += 1;
  at += 1;
  at += 4 + two(bytes, at);
  if (version === '5.0') at += 1 + (bytes[at] as number);
  return bytes.subarray(at);
}

/** The numbers among the properties of the model broker's CONNACK. */
function connackProperties(bytes: Uint8Array): Map<number, number> {
  const properties = new Map<number, number>();
  for (let at = 5; at < bytes.length; ) {
    const identifier = bytes[at] as number;
    if (identifier === 0x24 || identifier === 0x25) {
      properties.set(identifier, bytes[at + 1] as number);
      at += 2;
    } else if (identifier === 0x27) {
      properties.set(identifier, two(bytes, at + 1) * 65_536 + two(bytes, at + 3));
      at += 5;
    } else {
      properties.set(identifier, two(bytes, at + 1));
      at += 3;
    }
  }
  return properties;
}

function two(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 256 + (bytes[at + 1] as number);
}
