/**
 * One client that publishes to a server which sends it back, one message after the other:
 * run-round-trip.mjs <library> <count> <url>
 */
import { once } from 'node:events';
import { openBareSocket, publishPacket } from './harness/bare-socket.mjs';
import { fail, libraries } from './harness/libraries.mjs';
import { fillMessage, sequenceOf } from './harness/message.mjs';

const [name = '', countWord, url = ''] = process.argv.slice(2);
const count = Number(countWord);
const topic = 'bench/echo';
const size = 64;

/** @typedef {{ trip(payload: Uint8Array): void, close(): Promise<void> }} Traveller */
/** @type {(payload: Uint8Array) => void} */
let arrived = () => {};

/** @returns {Promise<Traveller>} */
async function openLibrary() {
  const library = await libraries[name]?.(url);
  if (library === undefined) throw new Error(`No library is called "${name}".`);
  await library.subscribe(topic, 0, (_, payload) => arrived(payload));
  return {
    trip: (payload) => library.publish(topic, payload, 0, () => {}),
    close: () => library.close(),
  };
}

/** @returns {Promise<Traveller>} */
async function openSocket() {
  const socket = await openBareSocket(url);
  socket.on('data', (chunk) => arrived(chunk.subarray(chunk.length - size)));
  return {
    trip: (payload) => socket.write(publishPacket(topic, payload)),
    close: async () => {
      socket.end(Buffer.from([0xe0, 0]));
      await once(socket, 'close');
    },
  };
}

const traveller = name === 'bare socket' ? await openSocket() : await openLibrary();

/** @param {number} wanted @returns {Promise<number[]>} the time of each, in µs */
function travel(wanted) {
  return new Promise((resolve) => {
    /** @type {number[]} */
    const times = [];
    let start = 0;
    const next = () => {
      const payload = Buffer.alloc(size);
      fillMessage(payload, times.length);
      start = performance.now();
      traveller.trip(payload);
    };
    arrived = (payload) => {
      if (sequenceOf(payload) !== times.length) fail(`message ${times.length} came back changed`);
      times.push((performance.now() - start) * 1000);
      if (times.length < wanted) next();
      else resolve(times);
    };
    next();
  });
}

await travel(Math.ceil(count / 3));
const startCpu = process.cpuUsage();
const times = await travel(count);
const { user, system } = process.cpuUsage(startCpu);
await traveller.close();
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    cpuUs: (user + system) / count,
    systemUs: system / count,
    wallUs: times[count >> 1],
    memoryBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
process.exit(0);
