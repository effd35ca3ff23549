/**
 * One measurement of publishing or receiving, in a process of its own: run-traffic.mjs <library> <JSON of a Traffic>
 *
 * A third as many messages go before, for the compiler to warm up. Prints one line of JSON: CPU (user and system) and
 * wall time per message, in microseconds, of this process, start-up left out, and the most memory it had.
 */
import { bytesOf, openBareSocket, packetSizeOf, writeMessages } from './harness/bare-socket.mjs';
import { fail, libraries } from './harness/libraries.mjs';
import { fillMessage, messageProperties, problemOf, topicOf } from './harness/message.mjs';

const [name = '', words = '{}'] = process.argv.slice(2);
/** @type {import('./workloads/traffic.mjs').Traffic & { url: string }} */
const traffic = JSON.parse(words);
const { direction, qos, count, window, size, url, properties, filters = 1 } = traffic;
const warmUp = Math.ceil(count / 3);

/** @typedef {{ work(wanted: number): Promise<void>, sent(): number, close(): Promise<void> }} Worker */

/** @returns {Promise<Worker>} */
async function openLibrary() {
  const open = libraries[name];
  if (open === undefined) throw new Error(`No library is called "${name}".`);
  const library = await open(url, { properties, version: traffic.version });
  // A payload may be used again when its message is done: there are more payloads than messages under way.
  const payloads = Array.from({ length: window * 4 }, () => Buffer.alloc(size));
  let sequence = 0;

  /** Publishes with `window` messages under way at any time. @param {number} wanted @returns {Promise<void>} */
  function publishMany(wanted) {
    return new Promise((resolve) => {
      const last = sequence + wanted;
      let underWay = 0;
      let filling = false;
      const fill = () => {
        filling = true;
        while (underWay < window && sequence < last) {
          const payload = payloads[sequence % payloads.length] ?? Buffer.alloc(size);
          fillMessage(payload, sequence);
          const topic = topicOf(sequence);
          sequence += 1;
          underWay += 1;
          library.publish(topic, payload, qos, done);
        }
        filling = false;
      };
      const done = () => {
        underWay -= 1;
        if (sequence < last) {
          if (!filling) fill();
        } else if (underWay === 0) resolve();
      };
      fill();
    });
  }

  let expected = 0;
  let received = 0;
  let allReceived = () => {};

  /** @type {import('./harness/libraries.mjs').OnMessage} */
  function onMessage(topic, payload, contentType, unit) {
    const problem = problemOf(topic, payload, received, size);
    if (problem !== undefined) fail(problem);
    if (
      properties &&
      (contentType !== messageProperties.contentType || unit !== messageProperties.userProperty[1])
    ) {
      fail(`message ${received}: content type ${contentType}, unit ${unit}`);
    }
    received += 1;
    if (received === expected) allReceived();
  }

  /** @param {number} wanted @returns {Promise<void>} */
  function receiveMany(wanted) {
    return new Promise((resolve) => {
      received = 0;
      expected = wanted;
      allReceived = resolve;
      library.publish('bench/start', Buffer.from(`${qos} ${wanted} ${window}`), 0, () => {});
    });
  }

  if (direction === 'receive') {
    const others = Array.from({ length: filters - 1 }, (_, n) => `bench/other/+/${n}`);
    const wanted = ['bench/device/#', ...others];
    // So many filters in one SUBSCRIBE as a packet of some ten thousand bytes has.
    for (let at = 0; at < wanted.length; at += 500) {
      await library.subscribe(wanted.slice(at, at + 500), qos, onMessage);
    }
  }
  return {
    work: direction === 'publish' ? publishMany : receiveMany,
    sent: () => sequence,
    close: () => library.close(),
  };
}

/** QoS 0 alone. @returns {Promise<Worker>} */
async function openSocket() {
  const socket = await openBareSocket(url);
  let sequence = 0;
  const publishMany = async (/** @type {number} */ wanted) => {
    await writeMessages(socket, sequence, wanted, size);
    sequence += wanted;
  };
  const receiveMany = async (/** @type {number} */ wanted) => {
    const arrived = bytesOf(socket, wanted * packetSizeOf(size));
    const request = Buffer.from(`${qos} ${wanted} ${window}`);
    const topic = 'bench/start';
    const head = Buffer.from([0x30, 2 + topic.length + request.length, 0, topic.length]);
    socket.write(Buffer.concat([head, Buffer.from(topic), request]));
    await arrived;
  };
  return {
    work: direction === 'publish' ? publishMany : receiveMany,
    sent: () => sequence,
    close: async () => {
      await new Promise((resolve) => socket.end(Buffer.from([0xe0, 0]), () => resolve(undefined)));
    },
  };
}

const worker = name === 'bare socket' ? await openSocket() : await openLibrary();
await worker.work(warmUp);
const startCpu = process.cpuUsage();
const start = performance.now();
await worker.work(count);
const { user, system } = process.cpuUsage(startCpu);
const wall = (performance.now() - start) * 1000;
await worker.close();
console.log(
  JSON.stringify({
    cpuUs: (user + system) / count,
    systemUs: system / count,
    wallUs: wall / count,
    memoryBytes: process.resourceUsage().maxRSS * 1024,
    sent: worker.sent(),
  }),
);
process.exit(0);
