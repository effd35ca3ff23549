import {
  type MalformedPacketError,
  type Packet,
  PacketDecoder,
  PacketEncoder,
  PacketType,
  type PacketTypeName,
  type ProtocolVersion,
} from '@mqtt-kit/packet';
import { answerAutomatically } from './automatic-answers.ts';
import { describeBytes, describePacket } from './describe-packet.ts';
import { matchesFields } from './match-fields.ts';
import type { ScriptedBrokerOptions } from './scripted-broker.ts';
import type { ServerStream, ServerStreamEnd, ServerStreamHandlers } from './server-stream.ts';
import { Arrivals } from './waiting.ts';

/** The packet object of a type name. */
export type PacketOf<N extends PacketTypeName> = PacketWithType<(typeof PacketType)[N]>;

// One packet object stands for four acknowledgements, so that Extract would find none.
type PacketWithType<T, P = Packet> = P extends { readonly type: infer Types }
  ? T extends Types
    ? P
    : never
  : never;

/** Something that a client did. */
type Arrival =
  | { readonly kind: 'packet'; readonly packet: Packet }
  | { readonly kind: 'malformed'; readonly error: Error }
  | { readonly kind: 'closed'; readonly end: ServerStreamEnd };

const largestPacketSize = 268_435_460;

/** One client's connection, as the server's end sees and plays it. */
export class ScriptedConnection {
  /** From 1, in the order of connecting. */
  readonly number: number;
  /** Every packet so far, asked for by the script or not. */
  readonly received: Packet[] = [];
  /** Every packet that was sent as a packet; raw bytes are not among them. */
  readonly sent: Packet[] = [];
  /** The bytes received that are no packet, if there were any; nothing is read after them. */
  malformed: MalformedPacketError | undefined;
  /** Resolves when the connection is closed, whoever closed it. */
  readonly closed: Promise<ServerStreamEnd>;
  /** For the stream that carries this connection. */
  readonly handlers: ServerStreamHandlers;
  readonly #stream: ServerStream;
  readonly #options: ScriptedBrokerOptions;
  readonly #decoder: PacketDecoder;
  readonly #arrivals = new Arrivals<Arrival>();
  readonly #receivedChunks: Uint8Array[] = [];
  #encoder: PacketEncoder;
  #end: ServerStreamEnd | undefined;
  #lastPacketIdentifier = 0;

  constructor(stream: ServerStream, number: number, options: ScriptedBrokerOptions) {
    this.number = number;
    this.#stream = stream;
    this.#options = options;
    const version = options.version ?? '5.0';
    this.#encoder = new PacketEncoder(version);
    this.#decoder = new PacketDecoder({
      version,
      receiver: 'server',
      maximumPacketSize: options.maximumPacketSize ?? largestPacketSize,
    });
    let close: (end: ServerStreamEnd) => void = () => {};
    this.closed = new Promise((resolve) => {
      close = resolve;
    });
    this.handlers = {
      onData: (chunk) => this.#receive(chunk),
      onClosed: (end) => {
        this.#end = end;
        this.#arrivals.add({ kind: 'closed', end });
        close(end);
      },
    };
  }

  /** The version in which packets are written: that of the CONNECT, once there was one. */
  get version(): ProtocolVersion {
    return this.#encoder.version;
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  /** Every byte so far, readable as packets or not. */
  get receivedBytes(): Uint8Array {
    return concatenate(this.#receivedChunks);
  }

  /** The chunks in which they came. */
  get receivedChunks(): readonly Uint8Array[] {
    return this.#receivedChunks;
  }

  /** Packets that no `expect` has asked for. */
  get unread(): readonly Packet[] {
    return this.#arrivals.pending.flatMap((arrival) =>
      arrival.kind === 'packet' ? [arrival.packet] : [],
    );
  }

  /**
   * The next packet, which must be of this type and have these fields (only those named are compared). Rejects with
   * what came in its place, and all packets so far.
   */
  async expect<N extends PacketTypeName>(
    type: N,
    fields?: DeepPartial<PacketOf<N>>,
  ): Promise<PacketOf<N>> {
    const expected =
      fields === undefined
        ? type.toUpperCase()
        : describePacket({ ...fields, type: PacketType[type] } as unknown as Packet);
    const arrival = await this.#next(expected);
    if (arrival.kind !== 'packet') throw this.#unexpected(expected, describeArrival(arrival));
    const { packet } = arrival;
    if (packet.type !== PacketType[type] || !matchesFields(packet, fields ?? {})) {
      throw this.#unexpected(expected, describePacket(packet));
    }
    return packet as PacketOf<N>;
  }

  /** Expects packets of these types, in this order. */
  async expectAll(...types: readonly PacketTypeName[]): Promise<readonly Packet[]> {
    const packets: Packet[] = [];
    for (const type of types) packets.push(await this.expect(type));
    return packets;
  }

  /** The next packet of this type; the ones before it count as read. For scripts to which the others do not matter. */
  async skipTo<N extends PacketTypeName>(
    type: N,
    fields?: DeepPartial<PacketOf<N>>,
  ): Promise<PacketOf<N>> {
    for (;;) {
      const arrival = await this.#next(type.toUpperCase());
      if (arrival.kind !== 'packet') {
        throw this.#unexpected(type.toUpperCase(), describeArrival(arrival));
      }
      const { packet } = arrival;
      if (packet.type === PacketType[type] && matchesFields(packet, fields ?? {})) {
        return packet as PacketOf<N>;
      }
    }
  }

  /** Throws when a packet, or the end, has come that nobody asked for. Let things settle before. */
  expectNothing(): void {
    const arrival = this.#arrivals.pending[0];
    if (arrival !== undefined) throw this.#unexpected('nothing', describeArrival(arrival));
  }

  /** Expects that the client closes, without a further packet. Resolves with how it did. */
  async expectClosed(): Promise<ServerStreamEnd> {
    const arrival = await this.#next('the connection to close');
    if (arrival.kind === 'closed') return arrival.end;
    throw this.#unexpected('the connection to close', describeArrival(arrival));
  }

  /** Handshake in one line: expects CONNECT and answers it. */
  async handshake(answer: Packet): Promise<PacketOf<'connect'>> {
    const connect = await this.expect('connect');
    this.send(answer);
    return connect;
  }

  /** Writes packets in one piece. What the encoder refuses throws here: use `sendRaw` to break rules. */
  send(...packets: readonly Packet[]): void {
    for (const packet of packets) this.#encoder.encode(packet);
    this.sent.push(...packets);
    this.#stream.write(concatenate(this.#encoder.take()));
  }

  /**
   * Writes any bytes in one piece: bytes, or a text of hexadecimal digits in which spaces do not count. Several
   * pieces are written one after the other: `connection.sendRaw('30', '03 00', '01 61')`.
   */
  sendRaw(...pieces: readonly (Uint8Array | string)[]): void {
    for (const piece of pieces) this.#stream.write(fromHex(piece));
  }

  /** The bytes of packets as they would be sent, to be cut or spoilt before `sendRaw`. */
  encode(...packets: readonly Packet[]): Uint8Array {
    for (const packet of packets) this.#encoder.encode(packet);
    return concatenate(this.#encoder.take());
  }

  /** A packet identifier for a PUBLISH of this server: 1, 2, 3, ... */
  nextPacketIdentifier(): number {
    this.#lastPacketIdentifier = (this.#lastPacketIdentifier % 65_535) + 1;
    return this.#lastPacketIdentifier;
  }

  /** Stops and restarts reading, so that the client's writing stalls. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Closes in order, after what was sent. */
  end(): void {
    this.#stream.end();
  }

  /** Closes with a reset. */
  reset(): void {
    this.#stream.reset();
  }

  /** All packets so far and how the connection stands, one line each, for messages about failures. */
  describe(): string {
    const lines = this.received.map((packet, index) => `  ${index + 1}. ${describePacket(packet)}`);
    if (this.malformed !== undefined) lines.push(`  ${this.#describeMalformed()}`);
    if (this.#end !== undefined) lines.push(`  closed (${this.#end})`);
    const title = `${this.#stream.name}, received so far:`;
    return lines.length === 0 ? `${title} nothing` : [title, ...lines].join('\n');
  }

  #receive(chunk: Uint8Array): void {
    this.#receivedChunks.push(chunk);
    if (this.malformed !== undefined) return;
    this.#decoder.push(chunk);
    try {
      for (let packet = this.#decoder.next(); packet; packet = this.#decoder.next()) {
        this.#take(packet);
      }
    } catch (error) {
      this.malformed = error as MalformedPacketError;
      this.#arrivals.add({ kind: 'malformed', error: this.malformed });
    }
  }

  #take(packet: Packet): void {
    if (packet.type === PacketType.connect) this.#encoder = new PacketEncoder(packet.version);
    this.received.push(packet);
    this.#arrivals.add({ kind: 'packet', packet });
    const { automatic = false } = this.#options;
    if (automatic !== false) {
      answerAutomatically(packet, this, automatic === true ? {} : automatic);
    }
  }

  #next(expected: string): Promise<Arrival> {
    const limitMs = this.#options.limitMs ?? 2_000;
    return this.#arrivals.next(limitMs, () =>
      this.#unexpected(expected, `nothing within ${limitMs} ms`),
    );
  }

  #unexpected(expected: string, came: string): Error {
    return new Error(`expected ${expected}, got ${came}\n${this.describe()}`);
  }

  #describeMalformed(): string {
    const { message } = this.malformed as Error;
    return `no packet: ${message}; all bytes: ${describeBytes(this.receivedBytes)}`;
  }
}

/** The fields of a packet that a test is about. */
export type DeepPartial<T> = T extends Uint8Array
  ? Uint8Array | string
  : T extends readonly (infer Item)[]
    ? readonly DeepPartial<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
      : T;

/** Bytes of a text of hexadecimal digits, in which spaces do not count. */
export function fromHex(piece: Uint8Array | string): Uint8Array {
  if (typeof piece !== 'string') return piece;
  const digits = piece.replaceAll(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new TypeError(`expected pairs of hexadecimal digits, got "${piece}"`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** One array of all the bytes. */
export function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function describeArrival(arrival: Arrival): string {
  if (arrival.kind === 'packet') return describePacket(arrival.packet);
  if (arrival.kind === 'malformed') return `bytes that are no packet (${arrival.error.message})`;
  return `the end of the connection (${arrival.end})`;
}
