// Publishes numbers until SIGTERM, and then only finishes what was begun: it lives on until it is killed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PublisherOrder } from '../orders.ts';
import { beginLife } from './life.ts';

let producing = true;
process.once('SIGTERM', () => {
  producing = false;
});

const mostOutstanding = 100;
const { order, client, say } = await beginLife<PublisherOrder>();
let number = order.first;
let outstanding = 0;

while (producing) {
  for (let burst = 0; burst < order.burst && outstanding < mostOutstanding; burst++) {
    publish(number++);
  }
  await sleep(20);
}

function publish(own: number): void {
  outstanding += 1;
  const payload = `${own} `.padEnd(20 + ((own * 7919) % 400), '.');
  const published = client.publish(order.topic, payload, { qos: order.qos });
  published.stored.then(
    () => say(`a ${own}`),
    (error: Error) => say(`r ${own} ${error.message}`),
  );
  published
    .then(
      () => say(`k ${own}`),
      (error: Error) => say(`r ${own} ${error.message}`),
    )
    .finally(() => {
      outstanding -= 1;
    });
}
