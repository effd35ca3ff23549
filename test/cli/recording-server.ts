import { createServer, type Socket } from 'node:net';
import { portOf } from '../setup/ports.ts';

/** A server that answers as it is told and keeps what it is sent, to compare programs by the bytes they send. */

/** What the server does; without anything it accepts everything. */
export interface Scenario {
  /** It closes as soon as somebody connects. */
  readonly closeAtConnect?: boolean;
  /** It closes instead of answering CONNECT. */
  readonly closeBefore?: boolean;
  readonly resetBefore?: boolean;
  /** It never answers. */
  readonly silent?: boolean;
  /** What it answers CONNECT with in place of CONNACK, in hexadecimal. */
  readonly garbage?: string;
  /** Code of CONNACK, and for 5.0 alone. */
  readonly connack?: number;
  readonly connack5?: number;
  readonly connackProps?: string;
  /** Whether it gives a client without an identifier none either. */
  readonly noAssign?: boolean;
  readonly sessionPresent?: boolean;
  readonly closeAfterConnack?: boolean;
  /** It closes instead of acknowledging a message. */
  readonly closeOnPublish?: boolean;
  /** Reason code, and properties, of what acknowledges a message. */
  readonly pubcode?: number;
  readonly pubprops?: string;
  /** Codes of SUBACK. */
  readonly subcodes?: readonly number[];
  /** What it sends after SUBACK. */
  readonly messages?: readonly ScenarioMessage[];
  /** What it sends for a message. */
  readonly respond?: readonly ScenarioMessage[];
  /** A while after SUBACK it sends DISCONNECT with this reason code, or just closes. */
  readonly thenDisconnect?: number;
  readonly thenClose?: boolean;
}

export interface ScenarioMessage {
  readonly topic: string;
  /** In hexadecimal, as are the properties. */
  readonly payload: string;
  readonly props?: string;
  readonly qos?: number;
  readonly retain?: boolean;
}

export interface RecordingServer {
  readonly port: number;
  /** By connection. */
  readonly packets: readonly (readonly string[])[];
  /** Resolves when nobody is connected any more. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const names = [
  '', 'CONNECT', 'CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBSCRIBE', 'SUBACK', 'UNSUBSCRIBE',
  'UNSUBACK', 'PINGREQ', 'PINGRESP', 'DISCONNECT', 'AUTH',
]; // biome-ignore format: a list of names

/** How long after SUBACK the messages come, and after these the end. */
const messagesAfterMs = 30;
const endAfterMs = 120;

export async function recordingServer(scenario: Scenario): Promise<RecordingServer> {
  const packets: string[][] = [];
  const open = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const server = createServer((socket) => {
    const sent: string[] = [];
    packets.push(sent);
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      open.delete(socket);
      if (open.size === 0) for (const wake of waiting.splice(0)) wake();
    });
    if (scenario.closeAtConnect) socket.resume().end();
    else serve(socket, scenario, sent);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: portOf(server),
    packets,
    idle: () =>
      open.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function serve(socket: Socket, scenario: Scenario, sent: string[]): void {
  let bytes = Buffer.alloc(0);
  const connection = new Connection(socket, scenario);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const start = variableEnd(bytes, 1);
      if (start === undefined) return;
      const end = start + variable(bytes, 1);
      if (bytes.length < end) return;
      const packet = bytes.subarray(0, end);
      bytes = bytes.subarray(end);
      sent.push(shown(packet, start));
      connection.answer(packet, start);
    }
  });
}

/** A packet as text: its name, its flags and its bytes without the length. */
function shown(packet: Buffer, start: number): string {
  const type = packet[0]! >> 4;
  const body = packet.subarray(start);
  const text =
    body.length > 600
      ? `<${body.length} bytes>`
      : body
          .toString('latin1')
          .replace(
            /[^\x20-\x7e]/g,
            (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
          );
  return type === 1 ? `CONNECT ${text}` : `${names[type]}${(packet[0]! & 15).toString(16)} ${text}`;
}

class Connection {
  readonly #socket: Socket;
  readonly #scenario: Scenario;
  #version50 = false;
  #nextIdentifier = 1;

  constructor(socket: Socket, scenario: Scenario) {
    this.#socket = socket;
    this.#scenario = scenario;
  }

  answer(packet: Buffer, start: number): void {
    const identifier = packet.subarray(start, start + 2);
    switch (packet[0]! >> 4) {
      case 1:
        this.#connect(packet, start);
        break;
      case 3:
        this.#publish(packet, start);
        break;
      case 5:
        this.#send(0x62, identifier);
        break;
      case 6:
        this.#send(0x70, identifier);
        break;
      case 8:
        this.#subscribe(packet, start);
        break;
      case 10:
        this.#unsubscribe(packet, start);
        break;
      case 12:
        this.#send(0xd0);
        break;
      default:
    }
  }

  #connect(packet: Buffer, start: number): void {
    const { closeBefore, resetBefore, silent, garbage, connack = 0 } = this.#scenario;
    const level = start + 2 + packet.readUInt16BE(start);
    this.#version50 = packet[level] === 5;
    if (closeBefore) this.#socket.end();
    else if (resetBefore) this.#socket.resetAndDestroy();
    else if (garbage !== undefined) this.#socket.write(Buffer.from(garbage, 'hex'));
    else if (!silent) {
      const code = this.#version50 ? (this.#scenario.connack5 ?? connack) : connack;
      const flags = this.#scenario.sessionPresent ? 1 : 0;
      this.#send(0x20, [flags, code], this.#properties(this.#connackProperties(packet, level)));
      if (code !== 0 || this.#scenario.closeAfterConnack) this.#socket.end();
    }
  }

  /** A client without an identifier is given one. */
  #connackProperties(packet: Buffer, level: number): string {
    const { connackProps = '', noAssign } = this.#scenario;
    const idAt = this.#version50
      ? variableEnd(packet, level + 4)! + variable(packet, level + 4)
      : 0;
    const isNameless = this.#version50 && packet.readUInt16BE(idAt) === 0;
    const name = Buffer.from('auto-ASSIGNED').toString('hex');
    return isNameless && !noAssign ? `${connackProps}12000d${name}` : connackProps;
  }

  #publish(packet: Buffer, start: number): void {
    const { closeOnPublish, pubcode = 0, pubprops, respond = [] } = this.#scenario;
    const qos = (packet[0]! >> 1) & 3;
    if (qos > 0 && closeOnPublish) {
      this.#socket.end();
      return;
    }
    const at = start + 2 + packet.readUInt16BE(start);
    const identifier = packet.subarray(at, at + 2);
    const more = this.#version50 && pubcode > 0 ? [[pubcode], this.#properties(pubprops)] : [];
    if (qos > 0) this.#send(qos === 1 ? 0x40 : 0x50, identifier, ...more);
    for (const message of respond) this.#message({ ...message, qos: 0 });
  }

  #subscribe(packet: Buffer, start: number): void {
    const codes: number[] = [];
    for (let at = this.#payloadAt(packet, start); at < packet.length; ) {
      at += 2 + packet.readUInt16BE(at);
      codes.push(this.#scenario.subcodes?.[codes.length] ?? packet[at]! & 3);
      at += 1;
    }
    this.#send(0x90, packet.subarray(start, start + 2), this.#properties(), codes);
    const { messages = [], thenDisconnect, thenClose } = this.#scenario;
    setTimeout(() => {
      this.#socket.cork();
      for (const message of messages) this.#message(message);
      this.#socket.uncork();
    }, messagesAfterMs);
    if (thenDisconnect !== undefined) {
      setTimeout(() => {
        if (this.#version50) this.#send(0xe0, [thenDisconnect, 0]);
        this.#socket.end();
      }, endAfterMs);
    }
    if (thenClose) setTimeout(() => this.#socket.destroy(), endAfterMs);
  }

  #unsubscribe(packet: Buffer, start: number): void {
    let count = 0;
    for (let at = this.#payloadAt(packet, start); at < packet.length; count += 1) {
      at += 2 + packet.readUInt16BE(at);
    }
    const codes = this.#version50 ? Buffer.alloc(count) : [];
    this.#send(0xb0, packet.subarray(start, start + 2), this.#properties(), codes);
  }

  #message({ topic, payload, props, qos = 0, retain = false }: ScenarioMessage): void {
    const name = Buffer.from(topic);
    const identifier = qos === 0 ? [] : [0, this.#nextIdentifier++];
    const first = 0x30 | (qos << 1) | Number(retain);
    const body = Buffer.from(payload, 'hex');
    this.#send(
      first,
      [name.length >> 8, name.length & 255],
      name,
      identifier,
      this.#properties(props),
      body,
    );
  }

  /** Where the payload of SUBSCRIBE or UNSUBSCRIBE begins. */
  #payloadAt(packet: Buffer, start: number): number {
    const at = start + 2;
    return this.#version50 ? variableEnd(packet, at)! + variable(packet, at) : at;
  }

  #properties(hexadecimal = ''): Uint8Array {
    const bytes = Buffer.from(hexadecimal, 'hex');
    return this.#version50 ? Buffer.concat([lengthBytes(bytes.length), bytes]) : Buffer.alloc(0);
  }

  #send(first: number, ...parts: (Uint8Array | readonly number[])[]): void {
    const body = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
    if (this.#socket.destroyed) return;
    this.#socket.write(Buffer.concat([Buffer.of(first), lengthBytes(body.length), body]));
  }
}

function lengthBytes(length: number): Uint8Array {
  const bytes: number[] = [];
  let rest = length;
  do {
    bytes.push((rest % 128) | (rest > 127 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

function variable(bytes: Buffer, at: number): number {
  let value = 0;
  for (let index = at; ; index += 1) {
    value += (bytes[index]! & 0x7f) * 128 ** (index - at);
    if (bytes[index]! < 0x80) return value;
  }
}

/** `undefined`: it is not whole yet. */
function variableEnd(bytes: Buffer, at: number): number | undefined {
  const index = bytes.subarray(at).findIndex((byte) => byte < 0x80);
  return index < 0 ? undefined : at + index + 1;
}
