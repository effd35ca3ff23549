/**
 * `--dry-run`: a server that is not there. What would be sent is shown, decoded and byte for byte, and answered as a
 * server does that accepts everything, so that nothing leaves this process.
 */
import {
  type Packet,
  PacketDecoder,
  PacketEncoder,
  PacketType,
  type ProtocolVersion,
} from '@mqtt-kit/packet';
import type { OpenTransport, Transport, TransportHandlers } from 'mqtt-kit';
import { escapeText } from './escape-text.ts';
import type { MessageOutput } from './message-output.ts';
import { packetLine } from './packet-trace.ts';

/** Where a packet is described in the specification of 5.0; 3.1.1 has the same sections up to 3.14. */
const sections: Readonly<Record<number, string>> = {
  [PacketType.connect]: '3.1',
  [PacketType.publish]: '3.3',
  [PacketType.puback]: '3.4',
  [PacketType.pubrec]: '3.5',
  [PacketType.pubrel]: '3.6',
  [PacketType.pubcomp]: '3.7',
  [PacketType.subscribe]: '3.8',
  [PacketType.unsubscribe]: '3.10',
  [PacketType.pingreq]: '3.12',
  [PacketType.disconnect]: '3.14',
  [PacketType.auth]: '3.15',
};

/** Shows what is written, as fast as it is read. */
export function dryRunTransport(output: MessageOutput): OpenTransport {
  return (_target, handlers) => Promise.resolve(new DryRun(handlers, output));
}

class DryRun implements Transport {
  readonly #handlers: TransportHandlers;
  readonly #output: MessageOutput;
  readonly #decoder = new PacketDecoder({
    version: '5.0',
    receiver: 'server',
    maximumPacketSize: 0xffff_ffff,
  });
  #version: ProtocolVersion = '5.0';
  /** Bytes that are not a whole packet yet. */
  #rest: Uint8Array = new Uint8Array(0);
  #closed = false;

  constructor(handlers: TransportHandlers, output: MessageOutput) {
    this.#handlers = handlers;
    this.#output = output;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    this.#rest = Buffer.concat([this.#rest, ...chunks]);
    for (let size = wholePacket(this.#rest); size > 0; size = wholePacket(this.#rest)) {
      const bytes = this.#rest.subarray(0, size);
      this.#rest = this.#rest.subarray(size);
      this.#take(bytes);
    }
    if (!this.#output.full) return true;
    void this.#output.room().then(() => this.#handlers.onDrain());
    return false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    setImmediate(() => this.#handlers.onClosed());
  }

  destroy(): void {
    this.close();
  }

  #take(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
    const packet = this.#decoder.next();
    if (packet === undefined) return;
    if (packet.type === PacketType.connect) this.#version = packet.version;
    const section = sections[packet.type];
    this.#output.text(`${escapeText(packetLine('sent', packet))}  [${section}]\n`);
    for (const line of hexLines(bytes, secretBytes(packet))) this.#output.text(`${line}\n`);
    const answers = answersTo(packet);
    if (answers.length === 0) return;
    const encoder = new PacketEncoder(this.#version, 'server');
    for (const answer of answers) encoder.encode(answer);
    const reply = Buffer.concat(encoder.take());
    setImmediate(() => {
      if (!this.#closed) this.#handlers.onData(Uint8Array.from(reply));
    });
  }
}

/** The size of the packet that the bytes begin with, 0 when it is not all there. (2.1.4) */
function wholePacket(bytes: Uint8Array): number {
  let remaining = 0;
  for (let at = 1; at < Math.min(bytes.length, 5); at += 1) {
    remaining += (bytes[at]! & 0x7f) * 128 ** (at - 1);
    if (bytes[at]! < 0x80) {
      const size = at + 1 + remaining;
      return bytes.length >= size ? size : 0;
    }
  }
  return 0;
}

/** The password is the last field of CONNECT. (3.1.3) */
function secretBytes(packet: Packet): number {
  return packet.type === PacketType.connect ? (packet.password?.length ?? 0) : 0;
}

/** What is shown of a long packet. */
const shownBytes = 512;

function hexLines(bytes: Uint8Array, secret: number): readonly string[] {
  const lines: string[] = [];
  const end = Math.min(bytes.length, shownBytes);
  for (let at = 0; at < end; at += 16) {
    const row = [...bytes.subarray(at, Math.min(at + 16, end))];
    const isSecret = (index: number): boolean => at + index >= bytes.length - secret;
    const hex = row.map((byte, i) => (isSecret(i) ? '**' : byte.toString(16).padStart(2, '0')));
    const text = row.map((byte, i) =>
      isSecret(i) ? '*' : byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    );
    lines.push(
      `  ${at.toString(16).padStart(4, '0')}  ${hex.join(' ').padEnd(47)}  ${text.join('')}`,
    );
  }
  if (end < bytes.length) lines.push(`  ... ${bytes.length} bytes in all`);
  return lines;
}

const plain = { reasonCode: 0, properties: {} } as const;

function answersTo(packet: Packet): readonly Packet[] {
  switch (packet.type) {
    case PacketType.connect: {
      const properties =
        packet.clientId === '' && packet.version !== '3.1.1'
          ? { assignedClientIdentifier: 'assigned-by-server' }
          : {};
      return [{ type: PacketType.connack, sessionPresent: false, reasonCode: 0, properties }];
    }
    case PacketType.publish: {
      const { qos, packetIdentifier = 0 } = packet;
      if (qos === 0) return [];
      const type = qos === 1 ? PacketType.puback : PacketType.pubrec;
      return [{ type, packetIdentifier, ...plain }];
    }
    case PacketType.pubrel:
      return [{ type: PacketType.pubcomp, packetIdentifier: packet.packetIdentifier, ...plain }];
    case PacketType.subscribe: {
      const reasonCodes = packet.subscriptions.map(({ qos }) => qos);
      const { packetIdentifier } = packet;
      return [{ type: PacketType.suback, packetIdentifier, reasonCodes, properties: {} }];
    }
    case PacketType.unsubscribe: {
      const reasonCodes = packet.topicFilters.map(() => 0);
      const { packetIdentifier } = packet;
      return [{ type: PacketType.unsuback, packetIdentifier, reasonCodes, properties: {} }];
    }
    case PacketType.pingreq:
      return [{ type: PacketType.pingresp }];
    default:
      return [];
  }
}
