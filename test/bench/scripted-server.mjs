/**
 * A server that is never the bottleneck: it knows just enough MQTT for the benchmark, checks what it receives, and
 * runs in a process of its own. On its first port it answers everything of one read in one write; on the second each
 * answer in a write of its own, as a broker under little load does.
 *
 * Before a measurement the parent process says what to expect (`Expectation`). A client publishes messages made by
 * `harness/message.mjs`, or asks for some by publishing "<qos> <count> <window>" to `bench/start`; what it publishes to
 * `bench/echo` comes back; lines on `bench/lines` are compared; a subscription to `bench/flow/<count>/<qos>/#` starts
 * that many lines. When it has gone, the parent process is told what came.
 *
 * @typedef {{ size: number, properties: boolean, report: boolean }} Expectation
 */
import { createServer } from 'node:net';
import {
  fillMessage,
  lineOf,
  problemOf,
  propertyBytes,
  topicCount,
  topicOf,
} from './harness/message.mjs';

const flushAtBytes = 65_536;
const slabSize = 4 * flushAtBytes;
/** A thousand connections say little. */
const firstSlabSize = 4096;
const propertySum = sumOf(propertyBytes);

/** @type {Expectation} */
let expected = { size: 64, properties: false, report: true };

class Connection {
  /** @param {import('node:net').Socket} socket @param {boolean} batching */
  constructor(socket, batching) {
    this.socket = socket;
    this.batching = batching;
    this.slab = Buffer.alloc(0);
    this.used = 0;
    this.begun = false;
    /** What has come of the packet under way, and how many bytes of it there have to be before it is worth a look. */
    /** @type {Buffer[]} */
    this.pieces = [];
    this.held = 0;
    this.needed = 0;
    this.version = 4;
    this.received = 0;
    this.wrong = 0;
    this.firstProblem = '';
    /** What is still to be sent, after `bench/start`. */
    this.toSend = { qos: 0, next: 0, count: 0, window: 0, open: 0, topics: '' };
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
      if (expected.report) process.send?.({ received, wrong, firstProblem });
    });
  }

  /** @param {Buffer} chunk */
  onData(chunk) {
    this.pieces.push(chunk);
    this.held += chunk.length;
    if (this.held < this.needed) return;
    const bytes = this.pieces.length === 1 ? chunk : Buffer.concat(this.pieces);
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
      this.needed = byte >= 128 ? bytes.length - at + 1 : body + length - at;
      if (at + this.needed > bytes.length) break;
      this.onPacket(bytes, at, body, body + length);
      at = body + length;
    }
    const rest = bytes.subarray(at);
    this.pieces = rest.length === 0 ? [] : [rest];
    this.held = rest.length;
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
        this.onPublish(bytes, start, body, end);
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
      case 8:
        this.onSubscribe(bytes, body, end);
        break;
      case 12:
        this.answer([0xd0, 0]);
        break;
      case 14:
        this.socket.end();
        break;
    }
  }

  /** One reason code for each filter. @param {Buffer} bytes @param {number} body @param {number} end */
  onSubscribe(bytes, body, end) {
    let at = body + 2;
    if (this.version === 5) at += 1 + (bytes[at] ?? 0);
    const codes = [];
    let filter = '';
    while (at < end) {
      const length = bytes.readUInt16BE(at);
      filter = bytes.toString('latin1', at + 2, at + 2 + length);
      at += 2 + length + 1;
      codes.push((bytes[at - 1] ?? 0) & 3);
    }
    const rest = [bytes[body] ?? 0, bytes[body + 1] ?? 0];
    if (this.version === 5) rest.push(0);
    for (const code of codes) rest.push(code);
    const length = [];
    for (let left = rest.length; ; left >>= 7) {
      length.push(left > 127 ? (left & 127) | 128 : left);
      if (left <= 127) break;
    }
    this.answer([0x90, ...length, ...rest]);
    const [, topics = '', count, qos] = /^(bench\/flow\/(\d+)\/(\d))\/#$/.exec(filter) ?? [];
    if (topics === '') return;
    this.toSend = { qos: Number(qos), next: 0, count: Number(count), window: 100, open: 0, topics };
  }

  /** @param {Buffer} bytes @param {number} start @param {number} body @param {number} end */
  onPublish(bytes, start, body, end) {
    const qos = ((bytes[start] ?? 0) >> 1) & 3;
    const topicLength = bytes.readUInt16BE(body);
    let at = body + 2 + topicLength;
    const identifierAt = at;
    if (qos > 0) at += 2;
    const topic = bytes.toString('latin1', body + 2, body + 2 + topicLength);
    let properties = 0;
    let sum = 0;
    if (this.version === 5) {
      properties = bytes[at] ?? 0;
      if (properties > 0) sum = sumOf(bytes.subarray(at + 1, at + 1 + properties));
      at += 1 + properties;
    }
    if (topic === 'bench/start') {
      const [wanted = 0, count = 0, window = 0] = bytes
        .toString('latin1', at, end)
        .split(' ')
        .map(Number);
      this.toSend = { qos: wanted, next: 0, count, window, open: 0, topics: '' };
      return;
    }
    if (topic === 'bench/echo') {
      this.socket.write(Buffer.from(bytes.subarray(start, end)));
      return;
    }
    let problem =
      topic === 'bench/lines'
        ? bytes.toString('latin1', at, end) === lineOf(this.received)
          ? undefined
          : `line ${this.received}: ${bytes.toString('latin1', at, end)}`
        : problemOf(topic, bytes.subarray(at, end), this.received, expected.size);
    const wanted = expected.properties ? propertyBytes.length : 0;
    if (properties !== wanted || (wanted > 0 && sum !== propertySum)) {
      problem ??= `message ${this.received}: ${properties} bytes of properties, not ${wanted}`;
    }
    if (problem !== undefined) {
      this.wrong += 1;
      this.firstProblem ||= problem;
    }
    this.received += 1;
    if (qos > 0) this.acknowledge(qos === 1 ? 0x40 : 0x50, bytes, identifierAt);
  }

  /** @param {number} first @param {Buffer} bytes @param {number} at where the packet identifier stands */
  acknowledge(first, bytes, at) {
    this.makeRoom(4);
    this.slab[this.used++] = first;
    this.slab[this.used++] = 2;
    this.slab[this.used++] = bytes[at] ?? 0;
    this.slab[this.used++] = bytes[at + 1] ?? 0;
    if (!this.batching) this.flush();
  }

  /** @param {readonly number[]} packet */
  answer(packet) {
    this.makeRoom(packet.length);
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
    const { topics } = this.toSend;
    const topic = topics === '' ? topicOf(sequence) : `${topics}/${sequence % topicCount}`;
    const line = topics === '' ? undefined : lineOf(sequence);
    const size = line === undefined ? expected.size : line.length;
    const properties = this.version === 5 && expected.properties ? propertyBytes : undefined;
    const length =
      2 +
      topic.length +
      (qos > 0 ? 2 : 0) +
      (this.version === 5 ? 1 + (properties?.length ?? 0) : 0) +
      size;
    this.makeRoom(length + 5);
    const { slab } = this;
    slab[this.used++] = 0x30 | (qos << 1);
    let left = length;
    for (; left > 127; left >>= 7) slab[this.used++] = (left & 127) | 128;
    slab[this.used++] = left;
    this.used = slab.writeUInt16BE(topic.length, this.used);
    this.used += slab.write(topic, this.used, 'latin1');
    if (qos > 0) {
      this.packetIdentifier = (this.packetIdentifier % 65_535) + 1;
      this.used = slab.writeUInt16BE(this.packetIdentifier, this.used);
    }
    if (this.version === 5) {
      slab[this.used++] = properties?.length ?? 0;
      if (properties !== undefined) this.used += properties.copy(slab, this.used);
    }
    if (line === undefined) fillMessage(slab.subarray(this.used, this.used + size), sequence);
    else slab.write(line, this.used, 'latin1');
    this.used += size;
    if (!this.batching && qos > 0) this.flush();
  }

  /** @param {number} bytes */
  makeRoom(bytes) {
    if (this.used > 0 && this.used + bytes > Math.min(flushAtBytes, this.slab.length)) this.flush();
    if (this.slab.length >= bytes) return;
    this.slab = Buffer.allocUnsafe(Math.max(this.begun ? slabSize : firstSlabSize, bytes));
    this.begun = true;
  }

  flush() {
    if (this.used === 0) return;
    this.writable = this.socket.write(this.slab.subarray(0, this.used));
    // What was handed over must not change: the next answers go behind it, or into new memory.
    const rest = this.slab.subarray(this.used);
    this.slab = rest.length >= 1024 ? rest : Buffer.alloc(0);
    this.used = 0;
  }
}

/** @param {Uint8Array} bytes */
function sumOf(bytes) {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return sum;
}

/** @param {boolean} batching @returns {Promise<number>} the port */
function listen(batching) {
  return new Promise((resolve) => {
    const server = createServer((socket) => new Connection(socket, batching));
    server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, () => {
      resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
    });
  });
}

process.on('message', (message) => {
  expected = /** @type {Expectation} */ (message);
  process.send?.('ready');
});
process.once('disconnect', () => process.exit(0));
process.send?.({ batching: await listen(true), single: await listen(false) });
