// Publishes numbers, or with a burst of 0 none, until SIGTERM, and then only finishes what was begun. Meant to be killed at any moment: everything
// it says goes to a file by one synchronous write. Words: one JSON object.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileStore } from '@mqtt-kit/store-file';
import { connect } from 'mqtt-kit';
import type { PublisherOrder } from '../orders.ts';

const order = JSON.parse(process.argv[2] ?? '') as PublisherOrder;
const log = openSync(order.log, 'a');
const say = (line: string): void => void writeSync(log, `${line}\n`);

let producing = true;
process.once('SIGTERM', () => {
  producing = false;
});

const client = await connect(order.url, {
  version: order.version,
  clientId: order.clientId,
  cleanStart: false,
  keepAliveSeconds: 5,
  waitForConnection: false,
  reconnect: { initial: true },
  ...(order.store !== undefined && {
    store: fileStore(order.store, { durability: order.durability }),
  }),
});
client.on('status', (status) => {
  if (status.state === 'closed') say(`x ${status.reason?.code} ${status.reason?.message}`);
  else say(`t ${Math.round(performance.now())} ${JSON.stringify(status)}`);
});
client.on('sessionLost', () => say('l'));
client.on('sessionDiscarded', () => say('d'));

let outstanding = 0;
for (let number = order.first; producing; ) {
  for (let burst = 0; burst < order.burst && outstanding < 200; burst++) {
    const own = number++;
    outstanding += 1;
    const payload = `${own} `.padEnd(20 + ((own * 7919) % 400), '.');
    const published = client.publish(order.topic, payload, { qos: order.qos });
    published.stored.then(
      () => say(`a ${own}`),
      (error: Error) => say(`r ${own} ${error.message}`),
    );
    published.then(
      () => {
        outstanding -= 1;
        say(`k ${own}`);
      },
      (error: Error) => {
        outstanding -= 1;
        say(`r ${own} ${error.message}`);
      },
    );
  }
  await sleep(20);
}
// It lives on until it is killed: what is unfinished is still to arrive.
