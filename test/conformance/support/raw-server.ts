/**
 * A server of raw bytes on a loopback port. It answers as a good server does, until a test takes over and writes
 * what it likes.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  accepted,
  bytes,
  inHex,
  type Part,
  packet,
  properties,
  u16,
  type Version,
} from './bytes.ts';
import {
  type ClientPacket,
  ClientStream,
  readAcknowledgement,
  readPublish,
  readSubscribe,
  readUnsubscribe,
} from './client-packets.ts';

/** How long a test waits for something that should happen at once, in milliseconds. */
const patienceMs = 3_000;

/** Rejects when a promise takes longer than a test should wait. */
export async function soon<T>(
  what: string,
  promise: PromiseLike<T>,
  limitMs: number = patienceMs,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms for ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One turn of the event loop: everything that was readable has been read. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class RawConnection {
  readonly number: number;
  readonly socket: Duplex;
  readonly packets: ClientPacket[] = [];
  /** Whether packets are answered as a good server would. */
  answering = true;
  /** Sent for CONNECT. */
  connack: Uint8Array;
  /** The client closed, or reset, its side. */
  ended = false;
  readonly #version: Version;
  readonly #stream = new ClientStream();
  #watchers: (() => void)[] = [];

  constructor(number: number, socket: Duplex, version: Version, connack: Uint8Array) {
    this.number = number;
    this.socket = socket;
    this.connack = connack;
    this.#version = version;
    socket.on('error', () => this.#end());
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
    socket.on('data', (chunk) => {
      const fresh = this.#stream.push(chunk);
      this.packets.push(...fresh);
      for (const sent of fresh) if (this.answering) this.#answer(sent);
      this.#changed();
    });
  }

  /** Bytes of a packet that was not completed. */
  get rest(): Uint8Array {
    return this.#stream.rest;
  }

  write(...parts: readonly Part[]): void {
    if (!this.socket.destroyed && !this.ended) this.socket.write(bytes(parts));
  }

  /** Each byte in a turn of its own, until the client closes. */
  async writeByteByByte(data: Uint8Array): Promise<void> {
    for (const byte of data) {
      if (this.ended) return;
      this.write(byte);
      await turn();
    }
  }

  /** Resolves when `condition` holds, checked after each arrival. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const held = new Promise<void>((resolve) => {
      const watch = (): void => {
        if (condition()) resolve();
        else this.#watchers.push(watch);
      };
      watch();
    });
    try {
      await soon(what, held);
    } catch (error) {
      const seen = this.packets.map(
        (sent) => `[${inHex(Uint8Array.of(sent.firstByte))}] ${inHex(sent.body)}`,
      );
      throw new Error(`${(error as Error).message}; the client sent: ${seen.join(', ')}`);
    }
  }

  async packet(what: string, condition: (sent: ClientPacket) => boolean): Promise<ClientPacket> {
    await this.until(what, () => this.packets.some(condition));
    return this.packets.find(condition)!;
  }

  async end(): Promise<void> {
    await this.until('the client to close', () => this.ended);
  }

  #end(): void {
    this.ended = true;
    this.#changed();
  }

  #changed(): void {
    for (const watch of this.#watchers.splice(0)) watch();
  }

  #answer(sent: ClientPacket): void {
    const version = this.#version;
    if (sent.type === 1) this.write(this.connack);
    if (sent.type === 3) {
      const { qos, id } = readPublish(version, sent);
      if (qos === 1) this.write(packet(0x40, u16(id!)));
      if (qos === 2) this.write(packet(0x50, u16(id!)));
    }
    if (sent.type === 6) this.write(packet(0x70, u16(readAcknowledgement(sent).id)));
    if (sent.type === 8) {
      const { id, filters } = readSubscribe(version, sent);
      const codes = filters.map((entry) => entry.options & 3);
      this.write(packet(0x90, u16(id), version === '5.0' ? properties() : [], codes));
    }
    if (sent.type === 10) {
      const { id, filters } = readUnsubscribe(version, sent);
      const codes = version === '5.0' ? [properties(), filters.map(() => 0)] : [];
      this.write(packet(0xb0, u16(id), codes));
    }
    if (sent.type === 12) this.write('d0 00');
  }
}

export class RawServer {
  readonly connections: RawConnection[] = [];
  /** What connections answer to CONNECT, by number from 1. The rest is accepted. */
  readonly connacks: Uint8Array[] = [];
  port = 0;
  readonly #server: Server;
  #watchers: (() => void)[] = [];

  constructor(version: Version) {
    this.#server = createServer((socket) => {
      socket.setNoDelay(true);
      const number = this.connections.length + 1;
      const connack = this.connacks[number - 1] ?? accepted(version);
      this.connections.push(new RawConnection(number, socket, version, connack));
      for (const watch of this.#watchers.splice(0)) watch();
    });
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The connection of this number, from 1, once it is there. */
  async connection(number: number): Promise<RawConnection> {
    const there = new Promise<void>((resolve) => {
      const watch = (): void => {
        if (this.connections.length >= number) resolve();
        else this.#watchers.push(watch);
      };
      watch();
    });
    await soon(`connection ${number}`, there);
    return this.connections[number - 1]!;
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
