/**
 * A server that is never the bottleneck: it knows just enough MQTT for the benchmark, checks what it receives, and
 * runs in a process of its own. On its first port it answers everything of one read in one write; on the second each
 * answer in a write of its own, as a broker under little load does.
 *
 * A client publishes messages made by `message.mjs`, or asks for some by publishing "<qos> <count> <window>" to
 * `bench/start`. When it has gone, the parent process is told how many messages came and how many of them were wrong.
 */
import { createServer } from 'node:net';
import { fillMessage, payloadSize, problemOf, topicOf } from './message.mjs';

const slabSize = 65_536;

class Connection {
  /** @param {import('node:net').Socket} socket @param {boolean} batching */
  constructor(socket, batching) {
    this.socket = socket;
    this.batching = batching;
    this.slab = Buffer.allocUnsafe(slabSize);
    this.used = 0;
    /** Bytes of a packet that has not come whole. */
    this.rest = Buffer.alloc(0);
    this.version = 4;
    this.received = 0;
    this.wrong = 0;
    this.firstProblem = '';
    /** What is still to be sent, after `bench/start`. */
    this.toSend = { qos: 0, next: 0, count: 0, window: 0, open: 0 };
    this.packetIdentifier = 0;
    this.writable = true;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.onData(chunk));
    socket.on('drain', () => {
      this.writable = true;
      this.sendMore();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      const { received, wrong, firstProblem } = this;
      process.send?.({ received, wrong, firstProblem });
    });
  }

  /** @param {Buffer} chunk */
  onData(chunk) {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    for (;;) {
      let length = 0;
      let shift = 0;
      let body = at + 1;
      let byte = 128;
      while (body < bytes.length && byte >= 128) {
        byte = bytes[body++] ?? 0;
        length |= (byte & 127) << shift;
        shift += 7;
      }
      if (byte >= 128 || body + length > bytes.length) break;
      this.onPacket(bytes, at, body, body + length);
      at = body + length;
    }
    this.rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
    this.sendMore();
    this.flush();
  }

  /** @param {Buffer} bytes @param {number} start @param {number} body @param {number} end */
  onPacket(bytes, start, body, end) {
    const first = bytes[start] ?? 0;
    switch (first >> 4) {
      case 1:
        this.version = bytes[body + 6] ?? 4;
        this.answer(this.version === 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]);
        break;
      case 3:
        this.onPublish(bytes, (first >> 1) & 3, body, end);
        break;
      case 4:
      case 7:
        this.toSend.open -= 1;
        break;
      case 5:
        this.acknowledge(0x62, bytes, body);
        break;
      case 6:
        this.acknowledge(0x70, bytes, body);
        break;
      case 8: {
        const granted = (bytes[end - 1] ?? 0) & 3;
        const [high = 0, low = 0] = [bytes[body], bytes[body + 1]];
        this.answer(
          this.version === 5 ? [0x90, 4, high, low, 0, granted] : [0x90, 3, high, low, granted],
        );
        break;
      }
      case 12:
        this.answer([0xd0, 0]);
        break;
      case 14:
        this.socket.end();
        break;
    }
  }

  /** @param {Buffer} bytes @param {number} qos @param {number} body @param {number} end */
  onPublish(bytes, qos, body, end) {
    const topicLength = bytes.readUInt16BE(body);
    let at = body + 2 + topicLength;
    const identifierAt = at;
    if (qos > 0) at += 2;
    if (this.version === 5) at += 1 + (bytes[at] ?? 0);
    if (topicLength === 11) {
      const [wanted = 0, count = 0, window = 0] = bytes
        .toString('latin1', at, end)
        .split(' ')
        .map(Number);
      this.toSend = { qos: wanted, next: 0, count, window, open: 0 };
      return;
    }
    const topic = bytes.toString('latin1', body + 2, body + 2 + topicLength);
    const problem = problemOf(topic, bytes.subarray(at, end), this.received);
    if (problem !== undefined) {
      this.wrong += 1;
      this.firstProblem ||= problem;
    }
    this.received += 1;
    if (qos > 0) this.acknowledge(qos === 1 ? 0x40 : 0x50, bytes, identifierAt);
  }

  /** @param {number} first @param {Buffer} bytes @param {number} at where the packet identifier stands */
  acknowledge(first, bytes, at) {
    if (this.used + 4 > slabSize) this.flush();
    this.slab[this.used++] = first;
    this.slab[this.used++] = 2;
    this.slab[this.used++] = bytes[at] ?? 0;
    this.slab[this.used++] = bytes[at + 1] ?? 0;
    if (!this.batching) this.flush();
  }

  /** @param {readonly number[]} packet */
  answer(packet) {
    if (this.used + packet.length > slabSize) this.flush();
    for (const byte of packet) this.slab[this.used++] = byte;
    if (!this.batching) this.flush();
  }

  /** Sends as many of the wanted messages as window and socket take, and no fewer. */
  sendMore() {
    const wanted = this.toSend;
    while (wanted.next < wanted.count && this.writable) {
      if (wanted.qos > 0 && wanted.open >= wanted.window) return;
      this.publish(wanted.next, wanted.qos);
      wanted.next += 1;
      wanted.open += 1;
    }
    this.flush();
  }

  /** @param {number} sequence @param {number} qos */
  publish(sequence, qos) {
    const topic = topicOf(sequence);
    const length =
      2 + topic.length + (qos > 0 ? 2 : 0) + (this.version === 5 ? 1 : 0) + payloadSize;
    if (this.used + length + 3 > slabSize) this.flush();
    const { slab } = this;
    slab[this.used++] = 0x30 | (qos << 1);
    slab[this.used++] = length;
    this.used = slab.writeUInt16BE(topic.length, this.used);
    this.used += slab.write(topic, this.used, 'latin1');
    if (qos > 0) {
      this.packetIdentifier = (this.packetIdentifier % 65_535) + 1;
      this.used = slab.writeUInt16BE(this.packetIdentifier, this.used);
    }
    if (this.version === 5) slab[this.used++] = 0;
    fillMessage(slab.subarray(this.used, this.used + payloadSize), sequence);
    this.used += payloadSize;
    if (!this.batching && qos > 0) this.flush();
  }

  flush() {
    if (this.used === 0) return;
    this.writable = this.socket.write(this.slab.subarray(0, this.used));
    this.slab = Buffer.allocUnsafe(slabSize);
    this.used = 0;
  }
}

/** @param {boolean} batching @returns {Promise<number>} the port */
function listen(batching) {
  return new Promise((resolve) => {
    const server = createServer((socket) => new Connection(socket, batching));
    server.listen(0, '127.0.0.1', () => {
      resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
    });
  });
}

process.send?.({ batching: await listen(true), single: await listen(false) });
process.once('disconnect', () => process.exit(0));
