/**
 * What stands between the client and its transport in place of mosquitto's programs: packets leave as their library
 * writes them, and what a server sends is judged as it does.
 *
 * - Properties are those of the command line, in its order; CONNECT names no Maximum Packet Size.
 * - Packets that need an identifier are numbered on over connections, messages of QoS 0 among them.
 * - CONNACK is looked at less closely than the client does, and what it says of the server is used as they use it. What
 *   mosquitto_pub sends then leaves a moment later: that a server closes at once is a failure, at QoS 0, too.
 * - A server that ends the connection by DISCONNECT has lost it, whatever its reason.
 * - What they do not go on with is told by `fault`: how such a program ends.
 */
import { PacketType } from '@mqtt-kit/packet';
import { MqttError, type OpenTransport, type Transport, type TransportHandlers } from 'mqtt-kit';
import { endByRefusal, endWith, errorTexts, type MosquittoEnd } from './mosquitto-ends.ts';
import type { MosquittoName } from './mosquitto-name.ts';
import {
  fourByteProperty,
  type MosquittoProperty,
  PropertyList,
  textProperty,
} from './mosquitto-properties.ts';
import { MosquittoTrace } from './mosquitto-trace.ts';
import { PacketStream, packetOf } from './packet-stream.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import {
  type PropertyBytes,
  propertiesSection,
  readProperties,
  readVariable,
  textEnd,
  twoByteProperty,
} from './property-bytes.ts';

const identifierOf = {
  responseTopic: 0x08,
  sessionExpiryInterval: 0x11,
  assignedClientIdentifier: 0x12,
  serverKeepAlive: 0x13,
  authenticationMethod: 0x15,
  receiveMaximum: 0x21,
  topicAlias: 0x23,
  maximumQos: 0x24,
  retainAvailable: 0x25,
  maximumPacketSize: 0x27,
} as const;

/** What is said of the server in CONNACK and used. */
const usedOfConnack: readonly number[] = [
  identifierOf.serverKeepAlive,
  identifierOf.receiveMaximum,
  identifierOf.maximumQos,
  identifierOf.maximumPacketSize,
];

/** What the program is told of. */
export interface WireHost {
  /** A line of `-d` with its end. */
  readonly print: (text: string) => void;
  /** `fault` says how the program ends. */
  readonly giveUp: (error: MqttError) => void;
}

/** How the command line wants the packets; one for all connections of a program. */
export class MosquittoWire {
  readonly name: MosquittoName;
  readonly version50: boolean;
  readonly lists: Readonly<
    Record<
      'connect' | 'publish' | 'will' | 'subscribe' | 'unsubscribe' | 'disconnect',
      PropertyList
    >
  >;
  readonly trace: MosquittoTrace | undefined;
  /** The filters of SUBSCRIBE, as they were given: one may be there twice. */
  readonly topicFilters: readonly string[];
  readonly cleanSession: boolean;
  readonly readsLines: boolean;
  readonly removesRetained: boolean;
  readonly connectProperties: readonly PropertyBytes[];
  /** How the program ends, when the server, or what was to be sent to it, left no choice. */
  fault: MosquittoEnd | undefined;
  /** Whether a server has answered CONNECT, and be it by a refusal. */
  isAnswered = false;
  /** Whether the program is done with the server: it hears nothing more, and takes no leave. */
  isDone = false;
  /** What SUBACK said of the first filter. */
  granted: number | undefined;
  /** Ours, or the one that the server gave. */
  clientId: string | undefined;
  /** The number of the message or request that was sent last. */
  mid = 0;
  #host: WireHost = { print: () => {}, giveUp: () => {} };
  #connection: MosquittoConnection | undefined;

  constructor(args: ParsedArguments) {
    this.name = args.mosquitto!;
    this.version50 = args.text('protocol-version') === '5.0';
    const given = args.texts('property').map((text) => JSON.parse(text) as MosquittoProperty);
    const all = this.name === 'mosquitto_rr' ? [...given, responseTopic(args)] : given;
    const list = (packet: string): PropertyList => new PropertyList(all, packet);
    this.lists = {
      connect: list('connect'),
      publish: list('publish'),
      will: list('will'),
      subscribe: list('subscribe'),
      unsubscribe: list('unsubscribe'),
      disconnect: list('disconnect'),
    };
    this.topicFilters = args.texts('topic');
    this.cleanSession = !args.flag('disable-clean-session');
    this.readsLines = args.flag('stdin-line');
    this.removesRetained = args.flag('remove-retained');
    this.connectProperties = connectProperties(args, this.lists.connect.bytes);
    const prefix = args.text('id-prefix');
    this.clientId = prefix === undefined ? args.text('id') : `${prefix}${process.pid}`;
    this.trace = args.flag('debug')
      ? new MosquittoTrace(this.name, this.version50, args.flag('quiet'))
      : undefined;
  }

  /** What is told and given up from now on. */
  attach(host: WireHost): void {
    this.#host = host;
  }

  /** `open`, with a transport that sends and receives as mosquitto's library does. */
  over(open: OpenTransport): OpenTransport {
    return async (target, handlers, signal) => {
      const connection = new MosquittoConnection(handlers, this);
      this.#connection = connection;
      return connection.over(await open(target, connection, signal));
    };
  }

  /** Takes leave of a server that has not answered yet. */
  leaveEarly(reasonCode: number): void {
    if (!this.isAnswered) this.#connection?.leave(reasonCode);
  }

  tell(lines: readonly string[]): void {
    for (const line of lines) this.#host.print(`${line}\n`);
  }

  /** The program ends so. */
  end(fault: MosquittoEnd): void {
    this.fault ??= fault;
    this.#host.giveUp(new MqttError('connectionLost', 'the connection is of no use'));
  }
}

/** mosquitto_rr asks for the response after all that the command line says. */
function responseTopic(args: ParsedArguments): MosquittoProperty {
  return ['publish', 'response-topic', args.text('response-topic') ?? ''];
}

/** Those of the command line, then the session's expiry, then how many messages they take at once. */
function connectProperties(
  args: ParsedArguments,
  given: readonly PropertyBytes[],
): readonly PropertyBytes[] {
  const expiry = args.number('session-expiry-interval');
  const kept = args.flag('disable-clean-session');
  const seconds = Math.min(expiry ?? (kept ? Number.POSITIVE_INFINITY : 0), 0xffff_ffff);
  const count = args.mosquitto === 'mosquitto_rr' ? 1 : (args.number('count') ?? 20);
  const has = given.some(({ identifier }) => identifier === identifierOf.receiveMaximum);
  return [
    ...given,
    ...(seconds > 0 ? [fourByteProperty(identifierOf.sessionExpiryInterval, seconds)] : []),
    ...(has ? [] : [twoByteProperty(identifierOf.receiveMaximum, Math.min(count, 20))]),
  ];
}

type Phase = 'connecting' | 'active' | 'over';

/** Turns of the event loop in which it is seen that a server closed together with its CONNACK. */
const turnsToSeeEnd = 4;

class MosquittoConnection implements TransportHandlers {
  readonly #handlers: TransportHandlers;
  readonly #wire: MosquittoWire;
  readonly #sent = new PacketStream();
  readonly #received = new PacketStream();
  /** Identifiers of the client by their numbers on the wire, and the other way round. */
  readonly #midOf = new Map<number, number>();
  readonly #identifierOf = new Map<number, number>();
  /** Messages that came and are to be acknowledged, in their order; with the acknowledgement when there is one. */
  #due: { readonly identifier: number; acknowledgement: Uint8Array | undefined }[] = [];
  /** What removes retained messages and waits until these are acknowledged. */
  readonly #removals: Uint8Array[] = [];
  #transport: Transport | undefined;
  #phase: Phase = 'connecting';
  /** What waits to leave until it is seen whether the server is still there. */
  #held: Uint8Array[] | undefined;
  #closing = false;
  #turn: NodeJS.Immediate | undefined;
  #closed: { readonly error: Error | undefined } | undefined;
  #retainAvailable = true;
  /** Whether the topic alias stands for the topic on this connection. */
  #aliased = false;
  #connectHadId = false;

  constructor(handlers: TransportHandlers, wire: MosquittoWire) {
    this.#handlers = handlers;
    this.#wire = wire;
  }

  over(transport: Transport): Transport {
    this.#transport = transport;
    return {
      write: (chunks) => {
        for (const chunk of chunks) this.#sent.push(chunk);
        return this.#write([...this.#sent.packets()].flatMap((packet) => this.#outgoing(packet)));
      },
      ...(transport.pause === undefined ? {} : { pause: () => transport.pause?.() }),
      ...(transport.resume === undefined ? {} : { resume: () => transport.resume?.() }),
      close: () => {
        if (this.#held === undefined) transport.close();
        else this.#closing = true;
      },
      destroy: () => transport.destroy(),
    };
  }

  onData(chunk: Uint8Array): void {
    if (this.#phase === 'over' || this.#wire.isDone) return;
    this.#received.push(chunk);
    this.#takeReceived();
    if (this.#received.isBroken) this.#fail(21);
  }

  onDrain(): void {
    this.#handlers.onDrain();
  }

  onClosed(error?: Error): void {
    this.#closed = { error };
    // What was held back is lost.
    if (this.#held !== undefined && this.#held.length > 0) this.#wire.fault ??= endWith(7);
    this.#held = undefined;
    if (this.#turn === undefined) this.#handlers.onClosed(error);
  }

  /** DISCONNECT before the client has anything to say. */
  leave(reasonCode: number): void {
    if (this.#phase !== 'connecting' || this.#transport === undefined) return;
    this.#transport.write(this.#disconnect(this.#wire.version50 ? reasonCode : 0, true));
  }

  /**
   * With `-d` one packet in each turn of the event loop: what is told of it stands before what comes of it. So does what
   * is sent because of it, when retained messages are removed.
   */
  #takeReceived(): void {
    const inTurn = this.#wire.trace !== undefined || this.#wire.removesRetained;
    if (this.#turn !== undefined) return;
    for (let packet = this.#received.next(); packet !== undefined; packet = this.#received.next()) {
      this.#take(packet);
      if (!inTurn) continue;
      this.#turn = setImmediate(() => {
        this.#turn = undefined;
        this.#takeReceived();
        if (this.#closed !== undefined && this.#turn === undefined) {
          this.#handlers.onClosed(this.#closed.error);
        }
      });
      return;
    }
  }

  #take(packet: Uint8Array): void {
    if (this.#phase === 'over' || this.#wire.isDone) return;
    const type = packet[0]! >> 4;
    if (type === PacketType.disconnect && this.#wire.version50) this.#disconnected(packet);
    else if (type === PacketType.auth && this.#wire.version50) this.#deliver(packet, packet);
    else if (this.#phase === 'connecting') this.#takeFirst(type, packet);
    else if (unknownTypes.includes(type) || type === PacketType.connack) this.#refuse(type);
    else if (type === PacketType.disconnect) this.#fail(2);
    else this.#deliver(this.#renumbered(type, packet), packet);
  }

  #takeFirst(type: number, packet: Uint8Array): void {
    if (type !== PacketType.connack) {
      this.#refuse(type);
      return;
    }
    const start = readVariable(packet, 1)[1];
    const flags = packet[start] ?? 0;
    const code = packet[start + 1] ?? 0;
    const properties = this.#wire.version50 ? wholeProperties(packet, start + 2) : [];
    const isWhole =
      packet.length >= start + 2 && (this.#wire.version50 || packet.length === start + 2);
    if (packet[0] !== PacketType.connack << 4 || !isWhole) this.#fail(21);
    else if ((flags & 0xfe) !== 0 || (this.#wire.cleanSession && flags !== 0)) this.#fail(2);
    else if (properties === undefined) this.#fail(21);
    else this.#answered(flags, code, properties);
  }

  #answered(flags: number, code: number, properties: readonly PropertyBytes[]): void {
    const wire = this.#wire;
    const assigned = properties.find(
      ({ identifier }) => identifier === identifierOf.assignedClientIdentifier,
    );
    if (assigned !== undefined) {
      if (wire.clientId !== undefined) {
        this.#fail(2);
        return;
      }
      wire.clientId = new TextDecoder().decode(assigned.bytes.subarray(3));
    }
    wire.isAnswered = true;
    if (wire.trace !== undefined) {
      wire.trace.clientId = wire.clientId;
      wire.tell([wire.trace.accepted(code)]);
    }
    if (code !== 0) {
      this.#refused(code);
      return;
    }
    this.#phase = 'active';
    this.#retainAvailable = properties.every(
      ({ identifier, bytes }) => identifier !== identifierOf.retainAvailable || bytes[1] !== 0,
    );
    if (this.#wire.name === 'mosquitto_pub') this.#holdBack();
    this.#handlers.onData(this.#connack(flags, properties));
  }

  /** What the client is told: what it would miss is there, and what they do not use is not. */
  #connack(flags: number, properties: readonly PropertyBytes[]): Uint8Array {
    const head = Uint8Array.of(flags, 0);
    if (!this.#wire.version50) return packetOf(PacketType.connack << 4, [head]);
    const method = this.#wire.lists.connect.bytes.filter(
      ({ identifier }) => identifier === identifierOf.authenticationMethod,
    );
    const used = properties.filter(({ identifier }) => usedOfConnack.includes(identifier));
    const name = textProperty(
      identifierOf.assignedClientIdentifier,
      this.#wire.clientId ?? 'nobody',
    );
    const all = [...used, ...method, ...(this.#connectHadId ? [] : [name])];
    return packetOf(PacketType.connack << 4, [head, propertiesSection(all)]);
  }

  #refused(code: number): void {
    const { name, version50 } = this.#wire;
    const leaves = name !== 'mosquitto_pub';
    // Their farewell waits in a queue that an error of the protocol empties, and a refusal of 3.1.1 does not.
    const farewell = leaves ? this.#disconnect(0, true) : [];
    const breach = version50 && code > 5 ? this.#disconnect(0x82, false) : [];
    if (breach.length > 0) this.#transport?.write(leaves ? farewell : breach);
    this.#over(endByRefusal(code, name, version50));
  }

  /** What cannot be, or not now: 5.0 has a word for that. */
  #refuse(type: number): void {
    if (unknownTypes.includes(type))
      this.#wire.tell(this.#traced(`Error: Unrecognised command ${type << 4}\n`));
    if (type === PacketType.connack) {
      this.#wire.tell(
        this.#traced(`Client ${this.#wire.clientId ?? '(null)'} received duplicate CONNACK`),
      );
    }
    this.#fail(2);
  }

  /** A breach of the protocol; mosquitto_sub tries again after a packet that is malformed, and after no other. */
  #fail(code: 2 | 21): void {
    const { version50, name } = this.#wire;
    if (version50) this.#transport?.write(this.#disconnect(code === 2 ? 0x82 : 0x81, false));
    if (code === 21 && name === 'mosquitto_sub') this.#lose();
    else this.#over(endWith(code));
  }

  #over(end: MosquittoEnd): void {
    this.#lose();
    this.#wire.end(end);
  }

  /** To the client the connection is lost. */
  #lose(): void {
    this.#phase = 'over';
    this.#held = undefined;
    this.#transport?.close();
  }

  #disconnected(packet: Uint8Array): void {
    const start = readVariable(packet, 1)[1];
    const reasonCode = packet[start];
    if (reasonCode === undefined) {
      this.#fail(21);
      return;
    }
    const { name } = this.#wire;
    this.#wire.tell(this.#traced(`Received DISCONNECT (${reasonCode})`));
    if (name === 'mosquitto_sub') {
      this.#lose();
      return;
    }
    // mosquitto_pub takes an ordinary end for its own, and mosquitto_rr every end.
    const isFine = name === 'mosquitto_rr' || reasonCode === 0;
    this.#over(isFine ? { text: '', code: 0 } : endWith(4));
  }

  #traced(line: string): readonly string[] {
    return this.#wire.trace === undefined ? [] : [line];
  }

  /** `packet` is for the client, `received` is what came. */
  #deliver(packet: Uint8Array | undefined, received: Uint8Array): void {
    const { trace } = this.#wire;
    if (trace !== undefined) this.#wire.tell(trace.received(received));
    if (packet === undefined) return;
    this.#noteMessage(packet);
    this.#handlers.onData(packet);
  }

  #renumbered(type: number, packet: Uint8Array): Uint8Array | undefined {
    const answers: readonly number[] = [
      PacketType.puback,
      PacketType.pubrec,
      PacketType.pubcomp,
      PacketType.suback,
      PacketType.unsuback,
    ];
    if (!answers.includes(type)) return packet;
    const start = readVariable(packet, 1)[1];
    const mid = (packet[start]! << 8) | packet[start + 1]!;
    const identifier = this.#identifierOf.get(mid);
    // What answers nothing of ours, they pass over.
    if (identifier === undefined) return undefined;
    const own = Uint8Array.from(packet);
    own[start] = identifier >> 8;
    own[start + 1] = identifier & 0xff;
    return type === PacketType.suback ? this.#suback(own, start) : own;
  }

  /** An answer for each filter that the client asked for; 3.1.1 has one code for a refusal. */
  #suback(packet: Uint8Array, start: number): Uint8Array {
    const { version50, name } = this.#wire;
    const at = version50 ? readProperties(packet, start + 2)[1] : start + 2;
    const codes = packet.subarray(at);
    this.#wire.granted = codes[0];
    const filters = name === 'mosquitto_sub' ? this.#wire.topicFilters : [''];
    const own = [...new Set(filters)].map((filter) => {
      const code = codes[filters.indexOf(filter)] ?? codes[0] ?? 0x80;
      return !version50 && code > 2 ? 0x80 : code;
    });
    return packetOf(packet[0]!, [packet.subarray(start, at), Uint8Array.from(own)]);
  }

  #noteMessage(packet: Uint8Array): void {
    const qos = (packet[0]! >> 1) & 3;
    if (packet[0]! >> 4 !== PacketType.publish || qos === 0) return;
    const at = textEnd(packet, readVariable(packet, 1)[1]);
    const identifier = (packet[at]! << 8) | packet[at + 1]!;
    this.#due.push({ identifier, acknowledgement: undefined });
  }

  #write(packets: readonly Uint8Array[]): boolean {
    if (packets.length === 0 || this.#transport === undefined) return true;
    if (this.#held !== undefined) {
      this.#held.push(...packets);
      return true;
    }
    return this.#transport.write(packets);
  }

  #holdBack(): void {
    this.#held = [];
    let turns = turnsToSeeEnd;
    const next = (): void => {
      turns -= 1;
      if (turns > 0) setImmediate(next);
      else this.#letGo();
    };
    setImmediate(next);
  }

  #letGo(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || this.#transport === undefined) return;
    if (held.length > 0) this.#transport.write(held);
    if (this.#closing) this.#transport.close();
  }

  #outgoing(packet: Uint8Array): readonly Uint8Array[] {
    const type = packet[0]! >> 4;
    const start = readVariable(packet, 1)[1];
    switch (type) {
      case PacketType.connect:
        return this.#told(this.#connect(packet, start));
      case PacketType.publish:
        return this.#publish(packet, start);
      case PacketType.subscribe:
        return this.#subscribe(packet, start);
      case PacketType.unsubscribe:
        return this.#request(packet, start, this.#wire.lists.unsubscribe);
      case PacketType.pubrel:
        return this.#told(this.#withMid(packet, start, this.#midOf.get(twoBytes(packet, start))));
      case PacketType.puback:
      case PacketType.pubrec:
        return this.#acknowledged(packet, start);
      case PacketType.disconnect:
        return this.#farewell(packet, start);
      default:
        return this.#told(packet);
    }
  }

  #told(packet: Uint8Array): readonly Uint8Array[] {
    const { trace } = this.#wire;
    if (trace !== undefined) this.#wire.tell(trace.sent(packet, this.#wire.mid));
    return [packet];
  }

  #connect(packet: Uint8Array, start: number): Uint8Array {
    const { version50, connectProperties, lists, clientId, trace } = this.#wire;
    this.#connectHadId = clientId !== undefined;
    if (trace !== undefined) trace.clientId = clientId;
    if (!version50) return packet;
    const at = textEnd(packet, start) + 4;
    const idAt = readProperties(packet, at)[1];
    const idEnd = textEnd(packet, idAt);
    const hasWill = (packet[at - 3]! & 0x04) !== 0;
    const willEnd = hasWill ? readProperties(packet, idEnd)[1] : idEnd;
    return packetOf(packet[0]!, [
      packet.subarray(start, at),
      propertiesSection(connectProperties),
      textProperty(0, clientId ?? '').bytes.subarray(1),
      ...(hasWill ? [propertiesSection(lists.will.bytes)] : []),
      packet.subarray(willEnd),
    ]);
  }

  #publish(packet: Uint8Array, start: number): readonly Uint8Array[] {
    const { version50, lists, name } = this.#wire;
    const list = name === 'mosquitto_sub' ? undefined : lists.publish;
    const given = list?.bytes ?? [];
    if (name === 'mosquitto_pub') {
      const problem = !version50 && given.length > 0 ? 'unsupported' : list?.problem;
      if (problem !== undefined) return this.#unpublishable(problem);
    }
    const topicEnd = textEnd(packet, start);
    const hasIdentifier = (packet[0]! & 0x06) !== 0;
    const at = topicEnd + (hasIdentifier ? 2 : 0);
    const identifier = hasIdentifier ? twoBytes(packet, topicEnd) : undefined;
    const mid = this.#number(identifier, (packet[0]! & 0x08) !== 0);
    const end = version50 ? readProperties(packet, at)[1] : at;
    const aliasing =
      name === 'mosquitto_pub' &&
      given.some(({ identifier: property }) => property === identifierOf.topicAlias);
    const topic =
      aliasing && this.#aliased ? Uint8Array.of(0, 0) : packet.subarray(start, topicEnd);
    this.#aliased ||= aliasing;
    const firstByte = this.#retainAvailable ? packet[0]! : packet[0]! & 0xfe;
    const published = this.#told(
      packetOf(firstByte, [
        topic,
        ...(hasIdentifier ? [Uint8Array.of(mid >> 8, mid & 0xff)] : []),
        ...(version50 ? [propertiesSection(given)] : []),
        packet.subarray(end),
      ]),
    );
    // They acknowledge a message before they remove it.
    if (name !== 'mosquitto_sub' || this.#due.length === 0) return published;
    this.#removals.push(...published);
    return [];
  }

  /** Their library does not take the message: the program leaves, or with lines it just ends. */
  #unpublishable(problem: 'protocol' | 'duplicate' | 'unsupported'): readonly Uint8Array[] {
    const code = { protocol: 2, duplicate: 22, unsupported: 10 }[problem];
    if (this.#wire.readsLines) {
      this.#wire.isDone = true;
      this.#wire.end({ text: `Error: ${errorTexts[code]}\n`, code });
      return [];
    }
    const first =
      problem === 'protocol' ? 'Error: Protocol error when communicating with broker.\n' : '';
    this.#wire.end({ text: `${first}${endWith(7).text}`, code: 7 });
    return [];
  }

  #subscribe(packet: Uint8Array, start: number): readonly Uint8Array[] {
    const { version50, name, topicFilters } = this.#wire;
    const at = version50 ? readProperties(packet, start + 2)[1] : start + 2;
    if (name !== 'mosquitto_sub') return this.#request(packet, start, this.#wire.lists.subscribe);
    const options = packet.subarray(packet.length - 1);
    const filters = topicFilters.map((filter) =>
      Buffer.concat([textProperty(0, filter).bytes.subarray(1), options]),
    );
    const whole = packetOf(packet[0]!, [packet.subarray(start, at), ...filters]);
    return this.#request(whole, readVariable(whole, 1)[1], this.#wire.lists.subscribe);
  }

  /** SUBSCRIBE or UNSUBSCRIBE. One whose properties cannot be is not sent at all. */
  #request(packet: Uint8Array, start: number, list: PropertyList): readonly Uint8Array[] {
    const { version50 } = this.#wire;
    if (list.problem !== undefined || (!version50 && list.bytes.length > 0)) return [];
    const mid = this.#number(twoBytes(packet, start), false);
    const end = version50 ? readProperties(packet, start + 2)[1] : start + 2;
    return this.#told(
      packetOf(packet[0]!, [
        Uint8Array.of(mid >> 8, mid & 0xff),
        ...(version50 ? [propertiesSection(list.bytes)] : []),
        packet.subarray(end),
      ]),
    );
  }

  /** The next number, or for a repetition the one that it had. */
  #number(identifier: number | undefined, isRepeated: boolean): number {
    const earlier = identifier === undefined ? undefined : this.#midOf.get(identifier);
    if (isRepeated && earlier !== undefined) return earlier;
    this.#wire.mid = (this.#wire.mid % 65_535) + 1;
    if (identifier !== undefined) {
      if (earlier !== undefined) this.#identifierOf.delete(earlier);
      this.#midOf.set(identifier, this.#wire.mid);
      this.#identifierOf.set(this.#wire.mid, identifier);
    }
    return this.#wire.mid;
  }

  #withMid(packet: Uint8Array, start: number, mid: number | undefined): Uint8Array {
    if (mid === undefined) return packet;
    const own = Uint8Array.from(packet);
    own[start] = mid >> 8;
    own[start + 1] = mid & 0xff;
    return own;
  }

  /** Acknowledgements leave in the order in which the messages came. */
  #acknowledged(packet: Uint8Array, start: number): readonly Uint8Array[] {
    const identifier = twoBytes(packet, start);
    const due = this.#due.find(
      (one) => one.identifier === identifier && one.acknowledgement === undefined,
    );
    if (due === undefined) return [packet];
    due.acknowledgement = Uint8Array.from(packet);
    const ready: Uint8Array[] = [];
    while (this.#due[0]?.acknowledgement !== undefined) {
      ready.push(this.#due.shift()!.acknowledgement!);
    }
    if (this.#due.length === 0) ready.push(...this.#removals.splice(0));
    return ready;
  }

  #farewell(packet: Uint8Array, start: number): readonly Uint8Array[] {
    const late = this.#due.flatMap(({ acknowledgement }) => acknowledgement ?? []);
    late.push(...this.#removals.splice(0));
    this.#due = [];
    const reasonCode = packet.length > start ? packet[start]! : 0;
    if (this.#wire.isDone) return late;
    return [...late, ...this.#disconnect(reasonCode, reasonCode < 0x80)];
  }

  /** DISCONNECT, with the properties of the command line or without. None when these cannot be. */
  #disconnect(reasonCode: number, withProperties: boolean): readonly Uint8Array[] {
    const { version50, lists } = this.#wire;
    const { bytes, problem } = lists.disconnect;
    if (withProperties && (problem !== undefined || (!version50 && bytes.length > 0))) return [];
    const section = withProperties && bytes.length > 0 ? [propertiesSection(bytes)] : [];
    const says = version50 && (reasonCode !== 0 || section.length > 0);
    return this.#told(
      packetOf(PacketType.disconnect << 4, says ? [Uint8Array.of(reasonCode), ...section] : []),
    );
  }
}

/** What no server sends: their library knows nothing of these. */
const unknownTypes: readonly number[] = [
  0,
  PacketType.connect,
  PacketType.subscribe,
  PacketType.unsubscribe,
];

/** The properties at the end of a packet; `undefined` when they are not whole. */
function wholeProperties(packet: Uint8Array, at: number): readonly PropertyBytes[] | undefined {
  if (at >= packet.length) return undefined;
  const [properties, end] = readProperties(packet, at);
  return end === packet.length ? properties : undefined;
}

function twoBytes(packet: Uint8Array, at: number): number {
  return (packet[at]! << 8) | packet[at + 1]!;
}
