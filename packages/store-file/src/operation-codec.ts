/**
 * Session operations as bytes. One byte tells the type, then come its fields: unsigned 16-bit numbers for packet
 * identifiers and single bytes for flags, 64-bit floats for sequences and times, length and UTF-8 for texts.
 * A message is the PUBLISH packet of 5.0 that would carry it: that form is stable, compact and knows all properties.
 */
import type { OutgoingMessage, SessionOperation } from '@mqtt-kit/engine';
import {
  PacketDecoder,
  PacketEncoder,
  PacketType,
  type PublishPacket,
  type QoS,
} from '@mqtt-kit/packet';

type OperationType = SessionOperation['type'];
type Of<T extends OperationType> = Extract<SessionOperation, { type: T }>;
type OutDoneCause = Of<'outDone'>['cause'];

/** On-disk numbers of the operation types: never changed, only added to. */
const typeNumber = {
  session: 1,
  subscription: 2,
  unsubscription: 3,
  out: 4,
  outIdentifier: 5,
  outReceived: 6,
  outDone: 7,
  in: 8,
  inDone: 9,
  inReleased: 10,
  reset: 11,
} as const satisfies Record<OperationType, number>;

/** Stands for an absent number: no reason code and no packet identifier has this value. */
const absent = 0xffff;
const largestMessage = 268_435_460;

/** Appends operations to a growing buffer. */
export class OperationWriter {
  #bytes = Buffer.allocUnsafe(4096);
  #length = 0;
  readonly #packets = new PacketEncoder('5.0');

  /** What was appended so far: valid until the next call. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** Starts again at the front, or at an earlier length. */
  truncate(length: number): void {
    this.#length = length;
  }

  append(operation: SessionOperation): void {
    this.#byte(typeNumber[operation.type]);
    switch (operation.type) {
      case 'session':
        this.#text(operation.clientId);
        this.#text(operation.serverKey);
        this.#number(operation.storeEpoch);
        this.#text(operation.version);
        this.#text(operation.standing);
        return;
      case 'subscription':
        this.#text(operation.topicFilter);
        this.#text(operation.options.topicFilter);
        this.#byte(
          operation.options.qos |
            (operation.options.noLocal ? 0x04 : 0) |
            (operation.options.retainAsPublished ? 0x08 : 0) |
            (operation.options.retainHandling << 4),
        );
        return;
      case 'unsubscription':
        this.#text(operation.topicFilter);
        return;
      case 'out':
        this.#number(operation.sequence);
        this.#number(operation.expiresAtEpochMs ?? Number.NaN);
        this.#message(operation.message);
        return;
      case 'outIdentifier':
        this.#number(operation.sequence);
        this.#short(operation.packetIdentifier);
        return;
      case 'outReceived':
        this.#short(operation.packetIdentifier);
        return;
      case 'outDone':
        this.#number(operation.sequence);
        this.#short(operation.packetIdentifier ?? 0);
        this.#short(operation.reasonCode ?? absent);
        this.#text(operation.cause ?? '');
        return;
      case 'in':
        this.#short(operation.packetIdentifier);
        this.#number(operation.delivery);
        this.#message(operation.message);
        return;
      case 'inDone':
        this.#number(operation.delivery);
        return;
      case 'inReleased':
        this.#short(operation.packetIdentifier);
        return;
      case 'reset':
        this.#number(operation.storeEpoch);
        this.#text(operation.cause);
        return;
      default:
        operation satisfies never;
    }
  }

  #message(message: OutgoingMessage): void {
    const packet: PublishPacket = {
      type: PacketType.publish,
      topic: message.topic,
      payload: message.payload,
      qos: message.qos,
      retain: message.retain,
      dup: false,
      packetIdentifier: message.qos === 0 ? undefined : 1,
      properties: message.properties,
    };
    const size = this.#packets.encode(packet);
    const start = this.#reserve(4 + size);
    this.#bytes.writeUInt32LE(size, start);
    let at = start + 4;
    for (const chunk of this.#packets.take()) {
      this.#bytes.set(chunk, at);
      at += chunk.byteLength;
    }
  }

  #text(text: string): void {
    const size = Buffer.byteLength(text);
    const start = this.#reserve(4 + size);
    this.#bytes.writeUInt32LE(size, start);
    this.#bytes.write(text, start + 4, 'utf8');
  }

  #number(value: number): void {
    const start = this.#reserve(8);
    this.#bytes.writeDoubleLE(value, start);
  }

  #short(value: number): void {
    const start = this.#reserve(2);
    this.#bytes.writeUInt16LE(value, start);
  }

  #byte(value: number): void {
    const start = this.#reserve(1);
    this.#bytes[start] = value;
  }

  #reserve(size: number): number {
    const start = this.#length;
    const end = start + size;
    if (end > this.#bytes.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#bytes.byteLength * 2));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
    }
    this.#length = end;
    return start;
  }
}

/** Reads the operations of one frame. Throws a plain Error that says what is wrong where: the journal adds the place. */
export function readOperations(bytes: Buffer): SessionOperation[] {
  const reader = new Reader(bytes);
  const operations: SessionOperation[] = [];
  while (reader.more) operations.push(readOperation(reader));
  return operations;
}

function readOperation(reader: Reader): SessionOperation {
  const number = reader.byte();
  switch (number) {
    case typeNumber.session:
      return {
        type: 'session',
        clientId: reader.text(),
        serverKey: reader.text(),
        storeEpoch: reader.number(),
        version: reader.text() as Of<'session'>['version'],
        standing: reader.text() as Of<'session'>['standing'],
      };
    case typeNumber.subscription:
      return readSubscription(reader);
    case typeNumber.unsubscription:
      return { type: 'unsubscription', topicFilter: reader.text() };
    case typeNumber.out: {
      const sequence = reader.number();
      const expires = reader.number();
      const expiresAtEpochMs = Number.isNaN(expires) ? undefined : expires;
      return { type: 'out', sequence, message: reader.message(), expiresAtEpochMs };
    }
    case typeNumber.outIdentifier:
      return {
        type: 'outIdentifier',
        sequence: reader.number(),
        packetIdentifier: reader.short(),
      };
    case typeNumber.outReceived:
      return { type: 'outReceived', packetIdentifier: reader.short() };
    case typeNumber.outDone:
      return readOutDone(reader);
    case typeNumber.in:
      return {
        type: 'in',
        packetIdentifier: reader.short(),
        delivery: reader.number(),
        message: reader.message(),
      };
    case typeNumber.inDone:
      return { type: 'inDone', delivery: reader.number() };
    case typeNumber.inReleased:
      return { type: 'inReleased', packetIdentifier: reader.short() };
    case typeNumber.reset:
      return { type: 'reset', storeEpoch: reader.number(), cause: reader.text() };
    default:
      throw new Error(`operation type ${number} is unknown`);
  }
}

function readSubscription(reader: Reader): Of<'subscription'> {
  const topicFilter = reader.text();
  const requested = reader.text();
  const flags = reader.byte();
  return {
    type: 'subscription',
    topicFilter,
    options: {
      topicFilter: requested,
      qos: (flags & 0x03) as QoS,
      noLocal: (flags & 0x04) !== 0,
      retainAsPublished: (flags & 0x08) !== 0,
      retainHandling: ((flags >> 4) & 0x03) as 0 | 1 | 2,
    },
  };
}

function readOutDone(reader: Reader): Of<'outDone'> {
  const sequence = reader.number();
  const packetIdentifier = reader.short();
  const reasonCode = reader.short();
  const cause = reader.text();
  return {
    type: 'outDone',
    sequence,
    packetIdentifier: packetIdentifier === 0 ? undefined : packetIdentifier,
    reasonCode: reasonCode === absent ? undefined : reasonCode,
    cause: cause === '' ? undefined : (cause as OutDoneCause),
  };
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get more(): boolean {
    return this.#at < this.#bytes.byteLength;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  short(): number {
    return this.#bytes.readUInt16LE(this.#advance(2));
  }

  number(): number {
    return this.#bytes.readDoubleLE(this.#advance(8));
  }

  text(): string {
    const size = this.#bytes.readUInt32LE(this.#advance(4));
    const start = this.#advance(size);
    return this.#bytes.toString('utf8', start, start + size);
  }

  message(): OutgoingMessage {
    const size = this.#bytes.readUInt32LE(this.#advance(4));
    const start = this.#advance(size);
    const decoder = new PacketDecoder({
      version: '5.0',
      receiver: 'client',
      maximumPacketSize: largestMessage,
    });
    // A copy, since the message must not keep the whole journal in memory; and no Buffer, whose slice is a view.
    decoder.push(new Uint8Array(this.#bytes.subarray(start, start + size)));
    const packet = decoder.next();
    if (packet?.type !== PacketType.publish) throw new Error('a message is incomplete');
    return {
      topic: packet.topic,
      payload: packet.payload,
      qos: packet.qos,
      retain: packet.retain,
      properties: packet.properties,
    };
  }

  #advance(size: number): number {
    const start = this.#at;
    if (start + size > this.#bytes.byteLength) throw new Error('an operation is incomplete');
    this.#at = start + size;
    return start;
  }
}
