/**
 * One measurement in a process of its own: run-client.mjs <library> <direction> <qos> <count> <window> <url>
 *
 * A third as many messages go before, for the compiler to warm up. Prints one line of JSON: CPU (user and system) and
 * wall time per message, in microseconds, of this process, start-up left out.
 */
import { libraries } from './libraries.mjs';
import { fillMessage, payloadSize, problemOf, topicOf } from './message.mjs';

const [name = '', direction, qosWord, countWord, windowWord, url = ''] = process.argv.slice(2);
const qos = /** @type {0 | 1 | 2} */ (Number(qosWord));
const count = Number(countWord);
const window = Number(windowWord);
const warmUp = Math.ceil(count / 3);

const open = libraries[name];
if (open === undefined) throw new Error(`No library is called "${name}".`);
const library = await open(url);

// A payload may be used again when its message is done: there are more payloads than messages under way.
const payloads = Array.from({ length: 4096 }, () => Buffer.alloc(payloadSize));
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
        const payload = payloads[sequence % payloads.length] ?? Buffer.alloc(payloadSize);
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

/** @param {string} topic @param {Uint8Array} payload */
function onMessage(topic, payload) {
  const problem = problemOf(topic, payload, received);
  if (problem !== undefined) throw new Error(problem);
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

const work = direction === 'publish' ? publishMany : receiveMany;
if (direction === 'receive') await library.subscribe('bench/device/#', qos, onMessage);
await work(warmUp);
const startCpu = process.cpuUsage();
const start = performance.now();
await work(count);
const { user, system } = process.cpuUsage(startCpu);
const wall = (performance.now() - start) * 1000;
await library.close();
console.log(
  JSON.stringify({
    cpu: (user + system) / count,
    system: system / count,
    wall: wall / count,
    sent: sequence,
  }),
);
process.exit(0);
