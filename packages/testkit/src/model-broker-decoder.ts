/**
 * A small strict decoder of what a client sends. It takes whole packets out of a stream and refuses everything that
 * the specification forbids a client, with the words that say what: it is the judge in simulations, so it never
 * forgives.
 */
import {
  type AckFromClient,
  ClientBreach,
  type ClientPacket,
  checkTopicFilter,
  checkTopicName,
  type FilterFromClient,
  type ModelProperties,
  type ModelVersion,
  numberOf,
  type PropertyKind,
  type PropertyValue,
  propertyRules,
} from './model-broker-packets.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const none: ModelProperties = new Map();
const noBytes = new Uint8Array(0);

/** Reason codes that a client may put into each packet (section 2.4 of 5.0). */
const ackReasons = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const releaseReasons = [0x00, 0x92];
const disconnectReasons = [
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
];

export class ModelDecoder {
  /** Known after CONNECT. */
  version: ModelVersion | undefined;
  /** Bytes of the last packet, header included. */
  lastSize = 0;
  #buffer: Uint8Array = noBytes;
  #at = 0;
  #end = 0;
  #flags = 0;

  /** @param version of a stream whose CONNECT was seen elsewhere */
  constructor(version?: ModelVersion) {
    this.version = version;
  }

  push(chunk: Uint8Array): void {
    const rest = this.#buffer;
    if (rest.length === 0) {
      this.#buffer = chunk;
      return;
    }
    const joined = new Uint8Array(rest.length + chunk.length);
    joined.set(rest);
    joined.set(chunk, rest.length);
    this.#buffer = joined;
  }

  /** The next whole packet, or `undefined` until more bytes come. Throws `ClientBreach`. */
  next(): ClientPacket | undefined {
    const bytes = this.#buffer;
    if (bytes.length < 2) return undefined;
    let length = 0;
    let at = 1;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length) return undefined;
      const byte = bytes[at++] as number;
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
      if (shift === 21) throw new ClientBreach('Remaining Length of more than four bytes');
    }
    if (at > 2 && bytes[at - 1] === 0) throw new ClientBreach('Remaining Length not the shortest');
    if (bytes.length < at + length) return undefined;
    this.#at = at;
    this.#end = at + length;
    this.lastSize = this.#end;
    const first = bytes[0] as number;
    this.#flags = first & 15;
    const packet = this.#packet(first >> 4);
    if (this.#at !== this.#end) throw new ClientBreach(`bytes left over in ${packet.kind}`);
    this.#buffer = bytes.subarray(this.#end);
    return packet;
  }

  #packet(type: number): ClientPacket {
    if (this.version === undefined && type !== 1) {
      throw new ClientBreach(`packet type ${type} before CONNECT`);
    }
    const flags = type === 6 || type === 8 || type === 10 ? 2 : 0;
    if (type !== 3 && this.#flags !== flags) {
      throw new ClientBreach(`flags ${this.#flags} in packet type ${type}`);
    }
    switch (type) {
      case 1:
        return this.#connect();
      case 3:
        return this.#publish();
      case 4:
        return this.#ack('puback', ackReasons);
      case 5:
        return this.#ack('pubrec', ackReasons);
      case 6:
        return this.#ack('pubrel', releaseReasons);
      case 7:
        return this.#ack('pubcomp', releaseReasons);
      case 8:
        return this.#subscribe();
      case 10:
        return this.#unsubscribe();
      case 12:
        return { kind: 'pingreq' };
      case 14:
        return this.#disconnect();
      case 15:
        if (this.version === '5.0') return this.#auth();
        break;
    }
    throw new ClientBreach(`packet type ${type} from a client`);
  }

  #connect(): ClientPacket {
    if (this.version !== undefined) throw new ClientBreach('a second CONNECT');
    const name = this.#text();
    const level = this.#byte();
    if (name !== 'MQTT' || (level !== 4 && level !== 5)) {
      throw new ClientBreach(`protocol "${name}" level ${level}`);
    }
    this.version = level === 4 ? '3.1.1' : '5.0';
    const flags = this.#byte();
    const hasWill = (flags & 4) !== 0;
    const willQos = (flags >> 3) & 3;
    if ((flags & 1) !== 0) throw new ClientBreach('the reserved flag of CONNECT');
    if (!hasWill && (flags & 0x38) !== 0) throw new ClientBreach('will flags without a will');
    if (willQos === 3) throw new ClientBreach('will QoS 3');
    if (level === 4 && (flags & 0xc0) === 0x40) throw new ClientBreach('a password without a name');
    const keepAliveSeconds = this.#two();
    const properties = this.#properties('C');
    const clientId = this.#text();
    const cleanStart = (flags & 2) !== 0;
    if (level === 4 && clientId === '' && !cleanStart)
      throw new ClientBreach('a session without a name');
    if (hasWill) {
      this.#properties('W');
      checkTopicName(this.#text());
      this.#binary();
    }
    if ((flags & 0x80) !== 0) this.#text();
    if ((flags & 0x40) !== 0) this.#binary();
    const { version } = this;
    return { kind: 'connect', version, clientId, cleanStart, keepAliveSeconds, properties };
  }

  #publish(): ClientPacket {
    const flags = this.#flags;
    const qos = (flags >> 1) & 3;
    if (qos === 3) throw new ClientBreach('PUBLISH with QoS 3');
    const dup = (flags & 8) !== 0;
    if (dup && qos === 0) throw new ClientBreach('PUBLISH with DUP at QoS 0');
    const topic = this.#text();
    const packetIdentifier = qos === 0 ? 0 : this.#identifier();
    const properties = this.#properties('P');
    if (topic !== '' || numberOf(properties, 0x23, 0) === 0) checkTopicName(topic);
    const response = properties.get(0x08)?.[0];
    if (typeof response === 'string') checkTopicName(response);
    const payload = this.#rest();
    return {
      kind: 'publish',
      topic,
      payload,
      qos: qos as 0 | 1 | 2,
      dup,
      retain: (flags & 1) !== 0,
      packetIdentifier,
      properties,
    };
  }

  #ack(kind: AckFromClient['kind'], allowed: readonly number[]): ClientPacket {
    const packetIdentifier = this.#identifier();
    if (this.version === '3.1.1' || this.#at === this.#end) {
      return { kind, packetIdentifier, reasonCode: 0 };
    }
    const reasonCode = this.#byte();
    if (!allowed.includes(reasonCode)) throw new ClientBreach(`reason ${reasonCode} in ${kind}`);
    if (this.#at < this.#end) this.#properties('A');
    return { kind, packetIdentifier, reasonCode };
  }

  #subscribe(): ClientPacket {
    const packetIdentifier = this.#identifier();
    const properties = this.#properties('S');
    const filters: FilterFromClient[] = [];
    while (this.#at < this.#end) {
      const filter = this.#text();
      checkTopicFilter(filter);
      const options = this.#byte();
      const reserved = this.version === '3.1.1' ? 0xfc : 0xc0;
      const qos = options & 3;
      if ((options & reserved) !== 0 || qos === 3 || (options & 0x30) === 0x30) {
        throw new ClientBreach(`subscription options ${options}`);
      }
      filters.push({ filter, qos: qos as 0 | 1 | 2 });
    }
    if (filters.length === 0) throw new ClientBreach('SUBSCRIBE without a filter');
    return { kind: 'subscribe', packetIdentifier, filters, properties };
  }

  #unsubscribe(): ClientPacket {
    const packetIdentifier = this.#identifier();
    this.#properties('U');
    const filters: string[] = [];
    while (this.#at < this.#end) {
      const filter = this.#text();
      checkTopicFilter(filter);
      filters.push(filter);
    }
    if (filters.length === 0) throw new ClientBreach('UNSUBSCRIBE without a filter');
    return { kind: 'unsubscribe', packetIdentifier, filters };
  }

  #disconnect(): ClientPacket {
    if (this.version === '3.1.1' || this.#at === this.#end) {
      return { kind: 'disconnect', reasonCode: 0, properties: none };
    }
    const reasonCode = this.#byte();
    if (!disconnectReasons.includes(reasonCode)) {
      throw new ClientBreach(`reason ${reasonCode} in DISCONNECT`);
    }
    const properties = this.#at < this.#end ? this.#properties('D') : none;
    return { kind: 'disconnect', reasonCode, properties };
  }

  #auth(): ClientPacket {
    if (this.#at === this.#end) return { kind: 'auth', reasonCode: 0 };
    const reasonCode = this.#byte();
    if (reasonCode !== 0x18 && reasonCode !== 0x19) throw new ClientBreach('AUTH reason');
    this.#properties('X');
    return { kind: 'auth', reasonCode };
  }

  #properties(packet: string): ModelProperties {
    if (this.version === '3.1.1') return none;
    const length = this.#variable();
    if (length === 0) return none;
    const end = this.#at + length;
    if (end > this.#end) throw new ClientBreach('properties longer than the packet');
    const properties = new Map<number, PropertyValue[]>();
    while (this.#at < end) {
      const identifier = this.#variable();
      const rule = propertyRules.get(identifier);
      if (rule === undefined || !rule.packets.includes(packet)) {
        throw new ClientBreach(`property ${identifier} in a packet of kind ${packet}`);
      }
      const value = this.#value(rule.kind);
      if (rule.notZero === true && value === 0) throw new ClientBreach(`property ${identifier} 0`);
      if (typeof value === 'number' && value > (rule.most ?? value)) {
        throw new ClientBreach(`property ${identifier} is ${value}`);
      }
      const values = properties.get(identifier);
      if (values === undefined) properties.set(identifier, [value]);
      else if (rule.many) values.push(value);
      else throw new ClientBreach(`property ${identifier} twice`);
    }
    if (this.#at !== end) throw new ClientBreach('a property that ends behind the properties');
    return properties;
  }

  #value(kind: PropertyKind): PropertyValue {
    switch (kind) {
      case 'byte':
        return this.#byte();
      case 'two':
        return this.#two();
      case 'four':
        return this.#two() * 65_536 + this.#two();
      case 'variable':
        return this.#variable();
      case 'text':
        return this.#text();
      case 'binary':
        return this.#binary();
      case 'pair':
        return [this.#text(), this.#text()];
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new ClientBreach('a packet that ends too early');
    return this.#buffer[this.#at++] as number;
  }

  #two(): number {
    return this.#byte() * 256 + this.#byte();
  }

  #variable(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 127) * 2 ** shift;
      if (byte >= 128) continue;
      if (byte === 0 && shift > 0) throw new ClientBreach('a variable integer not the shortest');
      return value;
    }
    throw new ClientBreach('a variable integer of more than four bytes');
  }

  #identifier(): number {
    const identifier = this.#two();
    if (identifier === 0) throw new ClientBreach('packet identifier 0');
    return identifier;
  }

  #binary(): Uint8Array {
    const length = this.#two();
    if (this.#at + length > this.#end) throw new ClientBreach('a field longer than the packet');
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  #text(): string {
    const bytes = this.#binary();
    let ascii = '';
    for (const byte of bytes) {
      if (byte === 0) throw new ClientBreach('U+0000 in a text');
      if (byte >= 128) return this.#wideText(bytes);
      ascii += String.fromCharCode(byte);
    }
    return ascii;
  }

  #wideText(bytes: Uint8Array): string {
    if (bytes.includes(0)) throw new ClientBreach('U+0000 in a text');
    try {
      return utf8.decode(bytes);
    } catch {
      throw new ClientBreach('a text that is not UTF-8');
    }
  }

  #rest(): Uint8Array {
    const rest = this.#buffer.slice(this.#at, this.#end);
    this.#at = this.#end;
    return rest;
  }
}
