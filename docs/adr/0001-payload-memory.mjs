/**
 * What views on received chunks cost in memory, and what copies would cost in time. After `pnpm build`:
 *
 *     node --expose-gc docs/adr/0001-payload-memory.mjs
 */
import { PacketDecoder, PacketEncoder, PacketType } from '../../packages/packet/dist/index.js';

const chunkBytes = 65_536;

/** A chunk as a transport hands it over, full of messages with payloads of one size. */
function chunkOf(payloadBytes) {
  const encoder = new PacketEncoder('5.0');
  const payload = new Uint8Array(payloadBytes);
  let count = 0;
  for (let size = 0; size + payloadBytes + 32 < chunkBytes; count++) {
    size += encoder.encode({
      type: PacketType.publish,
      topic: 'house/kitchen/temperature',
      payload,
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: undefined,
      properties: {},
    });
  }
  const bytes = new Uint8Array(chunkBytes);
  let at = 0;
  for (const part of encoder.take()) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, used: at, count };
}

function receive({ bytes, used }, take) {
  const decoder = new PacketDecoder({
    version: '5.0',
    receiver: 'client',
    maximumPacketSize: 16_777_216,
  });
  // Each chunk is memory of its own, as that of a socket is.
  decoder.push(bytes.slice().subarray(0, used));
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) take(packet);
}

/** Bytes in use, small arrays on the heap included, once the collector has nothing left to do. */
async function bytesInUse() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

async function keptBytes(chunk, keepOneOf, copy) {
  const before = await bytesInUse();
  const kept = [];
  let seen = 0;
  while (kept.length < 1_000) {
    receive(chunk, ({ payload }) => {
      if (seen++ % keepOneOf === 0 && kept.length < 1_000)
        kept.push(copy ? payload.slice() : payload);
    });
  }
  const after = await bytesInUse();
  return Math.round((after - before) / kept.length);
}

function nanosecondsEach(chunk, take) {
  const rounds = Math.ceil(400_000 / chunk.count);
  const times = [];
  for (let run = 0; run < 7; run++) {
    const from = process.cpuUsage();
    for (let round = 0; round < rounds; round++) receive(chunk, take);
    const { user, system } = process.cpuUsage(from);
    times.push(((user + system) * 1_000) / (rounds * chunk.count));
  }
  return Math.round(times.sort((a, b) => a - b)[3]);
}

let sum = 0;
for (const payloadBytes of [16, 64, 1_024, 16_384]) {
  const chunk = chunkOf(payloadBytes);
  const memory = [];
  for (const keepOneOf of [1, 10, 100, 1_000]) {
    memory.push(`1 of ${keepOneOf}: ${await keptBytes(chunk, keepOneOf, false)}`);
  }
  const copied = await keptBytes(chunk, 1, true);
  const view = nanosecondsEach(chunk, ({ payload }) => {
    sum += payload.length;
  });
  const copy = nanosecondsEach(chunk, ({ payload }) => {
    sum += payload.slice().length;
  });
  console.log(
    `${payloadBytes} bytes: kept view (${memory.join(', ')}), kept copy ${copied}; ` +
      `decoding ${view} ns, with a copy ${copy} ns`,
  );
}
if (sum === 0) throw new Error('nothing was received');
