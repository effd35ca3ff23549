/** What the transport alone costs: prebuilt packets into a socket, bytes out of it, and no client in between. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { fillMessage, topicOf } from './message.mjs';

/** CONNECT of 3.1.1 with a clean session and the Client Identifier "ben". */
const connectPacket = Buffer.from('\x10\x0f\0\x04MQTT\x04\x02\0\0\0\x03ben', 'latin1');
const connackSize = 4;

/** @param {string} url @returns {Promise<import('node:net').Socket>} a socket on which CONNECT was answered */
export async function openBareSocket(url) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  await once(socket, 'connect');
  socket.write(connectPacket);
  await bytesOf(socket, connackSize);
  return socket;
}

/** Resolves when so many bytes have come. @param {import('node:net').Socket} socket @param {number} wanted */
export function bytesOf(socket, wanted) {
  return new Promise((resolve) => {
    let left = wanted;
    /** @param {Buffer} chunk */
    const onData = (chunk) => {
      left -= chunk.length;
      if (left > 0) return;
      socket.off('data', onData);
      resolve(undefined);
    };
    socket.on('data', onData);
  });
}

/** PUBLISH, QoS 0, 3.1.1. @param {string} topic @param {Uint8Array} payload */
export function publishPacket(topic, payload) {
  const remaining = 2 + topic.length + payload.length;
  const header = [0x30];
  for (let left = remaining; ; left >>= 7) {
    header.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([...header, 0, topic.length]), Buffer.from(topic), payload]);
}

/** The bytes of a message of the benchmark. @param {number} size */
export const packetSizeOf = (size) => publishPacket(topicOf(0), Buffer.alloc(size)).length;

/**
 * Writes numbered messages, as many in one write as fit into 64 KiB, waiting for the drain when the socket is full.
 *
 * @param {import('node:net').Socket} socket @param {number} first @param {number} count @param {number} size
 */
export async function writeMessages(socket, first, count, size) {
  // Bytes that were handed over must not change: memory for more batches than a socket holds.
  const packetSize = packetSizeOf(size);
  const perBatch = Math.max(1, Math.floor(65_536 / packetSize));
  const batches = Array.from({ length: 64 }, () => Buffer.alloc(perBatch * packetSize));
  let batch = 0;
  for (let sequence = first; sequence < first + count; ) {
    const bytes = batches[batch++ % batches.length] ?? Buffer.alloc(0);
    const end = Math.min(first + count, sequence + perBatch);
    let used = 0;
    for (; sequence < end; sequence += 1) {
      const packet = bytes.subarray(used, used + packetSize);
      const topic = topicOf(sequence);
      const bodyAt = packetSize - size - topic.length - 2;
      if (packet[0] === 0) publishPacket(topic, Buffer.alloc(size)).copy(packet);
      packet.write(topic, bodyAt + 2, 'latin1');
      fillMessage(packet.subarray(packetSize - size), sequence);
      used += packetSize;
    }
    if (!socket.write(bytes.subarray(0, used))) await once(socket, 'drain');
  }
}
