/**
 * Publishing at QoS 1 with a store on disk that waits for the disk: run-store.mjs <name> <writers> <count> <url>
 *
 * Each writer awaits the acknowledgement of its message before it publishes the next. `fdatasync alone` appends what
 * the journal would, for as many writers, and waits for the disk: no store can be quicker.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'mqtt-kit';
import { fileStore } from 'mqtt-kit/store-file';
import { fillMessage, topicOf } from './harness/message.mjs';

const [name = '', writersWord, countWord, url = ''] = process.argv.slice(2);
const writers = Number(writersWord);
const count = Number(countWord);
// On the disk of the working tree: a folder for temporary files may be in memory, where waiting costs nothing.
const parent = join(import.meta.dirname, '../../node_modules/.bench');
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, 'store-'));
/** What a message of 64 bytes adds to the journal, its end included. */
const recordBytes = 160;

/** @typedef {{ write(sequence: number): Promise<unknown>, close(): Promise<unknown> }} Store */

/** @returns {Promise<Store>} */
async function openClient() {
  const client = await connect(url, {
    clientId: 'bench-store',
    store: fileStore(folder, { durability: 'power' }),
  });
  return {
    write(sequence) {
      const payload = Buffer.alloc(64);
      fillMessage(payload, sequence);
      return client.publish(topicOf(sequence), payload, { qos: 1 });
    },
    close: () => client.close(),
  };
}

/** @returns {Promise<Store>} */
async function openFile() {
  const file = await open(join(folder, 'journal'), 'a');
  /** @type {Promise<void> | undefined} */
  let waiting;
  let underWay = Promise.resolve();
  let pending = 0;
  const sync = async () => {
    await underWay;
    waiting = undefined;
    const bytes = Buffer.alloc(pending * recordBytes);
    pending = 0;
    underWay = (async () => {
      await file.write(bytes);
      await file.datasync();
    })();
    await underWay;
  };
  return {
    write() {
      pending += 1;
      waiting ??= sync();
      return waiting;
    },
    close: () => file.close(),
  };
}

const store = name === 'mqtt-kit' ? await openClient() : await openFile();
let sequence = 0;

/** @param {number} wanted */
async function work(wanted) {
  const last = sequence + wanted;
  const writer = async () => {
    while (sequence < last) await store.write(sequence++);
  };
  await Promise.all(Array.from({ length: writers }, writer));
}

await work(Math.ceil(count / 3));
const startCpu = process.cpuUsage();
const start = performance.now();
await work(count);
const { user, system } = process.cpuUsage(startCpu);
const wallUs = ((performance.now() - start) * 1000) / count;
await store.close();
rmSync(folder, { recursive: true, force: true });
console.log(
  JSON.stringify({
    cpuUs: (user + system) / count,
    systemUs: system / count,
    wallUs,
    memoryBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
process.exit(0);
