// Handles messages and writes down each, until it is killed. Words: one JSON object.
import { openSync, writeSync } from 'node:fs';
import { fileStore } from '@mqtt-kit/store-file';
import { connect } from 'mqtt-kit';
import type { ReceiverOrder } from '../orders.ts';

const order = JSON.parse(process.argv[2] ?? '') as ReceiverOrder;
const log = openSync(order.log, 'a');
const say = (line: string): void => void writeSync(log, `${line}\n`);

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
client.on('unmatched', (message) => say(`u ${Number.parseInt(message.text(), 10)}`));
client
  .subscribe(order.topic, { qos: order.qos }, (message) => {
    say(`h ${Number.parseInt(message.text(), 10)} ${message.redelivered ? 1 : 0}`);
  })
  .then(
    () => say('s'),
    (error: Error) => say(`x ${error.message}`),
  );
