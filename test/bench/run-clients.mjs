/**
 * Many clients in one process: run-clients.mjs <library> <count> <url>, in a Node with --expose-gc
 *
 * Tells CPU and memory of each, from before the first is made until all are connected. A few go before, so that what
 * is loaded and compiled once does not count.
 */
import { openBareSocket } from './harness/bare-socket.mjs';
import { libraries } from './harness/libraries.mjs';

const [name = '', countWord, url = ''] = process.argv.slice(2);
const count = Number(countWord);
const atATime = 50;

/** @type {(url: string) => Promise<unknown>} */
const open = name === 'bare socket' ? openBareSocket : (libraries[name] ?? fallback);

/** @returns {never} */
function fallback() {
  throw new Error(`No library is called "${name}".`);
}

/** @type {unknown[]} */
const clients = [];

/** @param {number} wanted */
async function openMany(wanted) {
  for (let at = 0; at < wanted; at += atATime) {
    const some = Array.from({ length: Math.min(atATime, wanted - at) }, () => open(url));
    clients.push(...(await Promise.all(some)));
  }
}

async function memory() {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

await openMany(100);
const before = await memory();
const startCpu = process.cpuUsage();
const start = performance.now();
await openMany(count);
const { user, system } = process.cpuUsage(startCpu);
const wall = (performance.now() - start) * 1000;
const after = await memory();
console.log(
  JSON.stringify({
    cpuUs: (user + system) / count,
    systemUs: system / count,
    wallUs: wall / count,
    memoryBytes: (after.rss - before.rss) / count,
    heapBytes: (after.heap - before.heap) / count,
  }),
);
process.exit(clients.length === count + 100 ? 0 : 1);
