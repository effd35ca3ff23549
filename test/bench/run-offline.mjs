/**
 * Messages published before there is a connection, then sent: run-offline.mjs <library> <count> <url>, in a Node with
 * --expose-gc
 *
 * All are queued in the turn in which the client is made, before its socket can open. Memory is what they hold then,
 * payloads left out; CPU and wall time are from then until the last is acknowledged (QoS 1).
 */
import { fail } from './harness/libraries.mjs';
import { fillMessage, topicOf } from './harness/message.mjs';

const [name = '', countWord, url = ''] = process.argv.slice(2);
const count = Number(countWord);
const size = 64;
const warmUp = 1000;

/** @typedef {{ publish(topic: string, payload: Uint8Array, done: () => void): void, close(): Promise<unknown> }} Offline */

/** @type {Readonly<Record<string, () => Promise<Offline>>>} */
const offline = {
  'mqtt-kit': async () => {
    const { connect } = await import('mqtt-kit');
    const client = await connect(url, {
      waitForConnection: false,
      // The default is 10,000.
      ...(count > 10_000 && { queue: { maxMessages: count } }),
    });
    return {
      publish: (topic, payload, done) =>
        client.publish(topic, payload, { qos: 1 }).then(done, fail),
      close: () => client.close(),
    };
  },
  'MQTT.js': async () => {
    const { default: mqtt } = await import('mqtt');
    const client = mqtt.connect(url, { reconnectPeriod: 0 });
    client.on('error', fail);
    return {
      publish: (topic, payload, done) =>
        client.publish(topic, /** @type {Buffer} */ (payload), { qos: 1 }, (error) =>
          error ? fail(error) : done(),
        ),
      close: () => client.endAsync(),
    };
  },
};

const held = () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** @param {number} wanted @param {number} first */
async function drain(wanted, first) {
  const open = offline[name];
  if (open === undefined) throw new Error(`No library is called "${name}".`);
  const client = await open();
  const before = held();
  let left = wanted;
  let allDone = () => {};
  const done = () => {
    left -= 1;
    if (left === 0) allDone();
  };
  const payload = Buffer.alloc(size);
  const startQueue = process.cpuUsage();
  for (let n = 0; n < wanted; n += 1) {
    // Some libraries keep the payload by reference: a copy of its own for each.
    const own = name === 'mqtt-kit' ? payload : Buffer.from(payload);
    fillMessage(own, first + n);
    client.publish(topicOf(first + n), own, done);
  }
  const queueing = process.cpuUsage(startQueue);
  const memoryBytes = (held() - before) / wanted - size;
  const startCpu = process.cpuUsage();
  const start = performance.now();
  await new Promise((resolve) => {
    allDone = () => resolve(undefined);
  });
  const { user, system } = process.cpuUsage(startCpu);
  const wallUs = ((performance.now() - start) * 1000) / wanted;
  await client.close();
  return {
    cpuUs: (user + system) / wanted,
    systemUs: system / wanted,
    wallUs,
    queueUs: (queueing.user + queueing.system) / wanted,
    memoryBytes,
  };
}

await drain(warmUp, 0);
console.log(JSON.stringify({ ...(await drain(count, 0)), sent: count }));
process.exit(0);
