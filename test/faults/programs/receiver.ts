// Handles messages and writes down each, until it is killed. With transactional delivery that line is both the effect
// and the record of it: written at once, and asked when a message comes again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from 'mqtt-kit';
import type { ReceiverOrder } from '../orders.ts';
import { beginLife } from './life.ts';

const { order, client, say, past } = await beginLife<ReceiverOrder>();
const done = new Set<number>();
for (const line of past) {
  const [word, , , delivery] = line.split(' ');
  if (word === 'h') done.add(Number(delivery));
}

client.on('unmatched', (message) => say(`u ${Number.parseInt(message.text(), 10)}`));

function handle(message: Message): void {
  const number = Number.parseInt(message.text(), 10);
  say(`h ${number} ${message.redelivered ? 1 : 0} ${message.deliveryId ?? ''}`);
}

/** Takes its time when it has done its work: kills have to fall between that and the end of the delivery. */
async function handleSlowly(message: Message): Promise<void> {
  handle(message);
  done.add(message.deliveryId ?? 0);
  await sleep(2);
}

const { topic, qos } = order;
const subscribed =
  order.delivery === 'transactional'
    ? client.subscribe(
        topic,
        { qos, delivery: 'transactional', seen: (delivery) => done.has(delivery) },
        handleSlowly,
      )
    : client.subscribe(topic, { qos }, handle);
subscribed.then(
  () => say('s'),
  (error: Error) => say(`x ${error.message}`),
);
