// Works a client for long and measures what it holds, at moments when nothing is under way. Meant for --expose-gc.
import { getEventListeners } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { fileStore } from '@mqtt-kit/store-file';
import { connect, type MqttClient, memoryStore } from 'mqtt-kit';
import type { SoakOrder, SoakSample } from '../soak-order.ts';

const order = JSON.parse(process.argv[2] ?? '') as SoakOrder;
const mostUnderWay = 400;
const ended = new AbortController();

const client = await connect(`mqtt://127.0.0.1:${order.port}`, {
  clientId: `soak-${process.pid}`,
  cleanStart: false,
  // Each reconnection would wait for longer than the one before: here each is expected to succeed.
  reconnect: { minDelayMs: 1, maxDelayMs: 1 },
  store: order.store === 'file' ? fileStore(order.folder) : memoryStore(),
  signal: ended.signal,
});

/** Code is compiled piece by piece and buffers find their size: that grows for a while, however little is done. */
const warmUps = 30;
const share = Math.ceil(order.amount / order.samples);
const warmUpShare = Math.ceil(order.amount / 2 / warmUps);
const samples: SoakSample[] = [];
let number = 0;

for (let step = 0; step < warmUps; step++) {
  await work(warmUpShare);
  await sample(0);
}
for (let step = 1; step <= order.samples; step++) {
  await work(share);
  samples.push(await sample(step * share));
}
process.stdout.write(`${JSON.stringify(samples)}\n`);
await client.close();

async function work(amount: number): Promise<void> {
  if (order.work === 'messages') await exchange(client, order.qos, amount);
  else if (order.work === 'reconnects') await reconnect(client, amount);
  else await subscribe(client, order.qos, amount);
}

/** Publishes, and takes all of it back. */
async function exchange(own: MqttClient, qos: 0 | 1 | 2, amount: number): Promise<void> {
  let received = 0;
  let settled = 0;
  let failure: Error | undefined;
  const subscription = await own.subscribe('soak/+', { qos }, () => {
    received += 1;
  });
  const payload = new Uint8Array(64);
  for (let sent = 0; sent < amount; sent++) {
    while (sent - Math.min(received, settled) >= mostUnderWay && failure === undefined)
      await turn();
    if (failure !== undefined) throw failure;
    own.publish(`soak/${sent % 16}`, payload, { qos }).then(
      () => {
        settled += 1;
      },
      (error: Error) => {
        failure = error;
      },
    );
  }
  while (received < amount || settled < amount) {
    if (failure !== undefined) throw failure;
    await turn();
  }
  await subscription.unsubscribe();
}

/** Asks our parent to cut the connection, and waits until there is another. */
async function reconnect(own: MqttClient, amount: number): Promise<void> {
  for (let count = 0; count < amount; count++) {
    const back = new Promise<void>((resolve) => {
      let wasLost = false;
      const off = own.on('status', ({ state }) => {
        wasLost ||= state !== 'connected';
        if (!wasLost || state !== 'connected') return;
        off();
        resolve();
      });
    });
    process.send?.('cut');
    await back;
    // An acknowledgement is progress.
    await own.publish('soak/back', 'here', { qos: 1 });
  }
}

async function subscribe(own: MqttClient, qos: 0 | 1 | 2, amount: number): Promise<void> {
  for (let count = 0; count < amount; count++) {
    const subscription = await own.subscribe(`soak/${number++}/#`, { qos }, () => {});
    await subscription.unsubscribe();
  }
}

/** What is held when nothing is under way. Finalizers run in turns of their own, so that one collection is not all. */
async function sample(done: number): Promise<SoakSample> {
  for (let round = 0; round < 3; round++) {
    await sleep(10);
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  const handles = process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Timeout')
    .toSorted();
  return {
    done,
    bytes: heapUsed + external,
    handles,
    listeners:
      getEventListeners(ended.signal, 'abort').length +
      process.eventNames().reduce((total, name) => total + process.listenerCount(name), 0),
  };
}
