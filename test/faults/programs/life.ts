/** What the programs have in common: a client that is meant to be killed, and a file that tells what happened to it. */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { fileStore } from '@mqtt-kit/store-file';
import { connect, type MqttClient } from 'mqtt-kit';
import type { Order } from '../orders.ts';

export interface Life<T extends Order> {
  readonly order: T;
  readonly client: MqttClient;
  /** Writes a line before it returns, so that a kill at any later moment leaves it. */
  say(line: string): void;
  /** Lines of earlier lives. */
  readonly past: readonly string[];
}

/** Reads the order, one JSON object, from the command line, and starts to connect. */
export async function beginLife<T extends Order>(): Promise<Life<T>> {
  const order = JSON.parse(process.argv[2] ?? '') as T;
  const past = readFileSync(order.log, 'utf8').split('\n');
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
    else say(`t ${Math.round(performance.now())} ${status.state}`);
  });
  client.on('error', (error) => say(`e ${error.message}`));
  client.on('sessionLost', () => say('l'));
  client.on('sessionDiscarded', () => say('d'));
  return { order, client, say, past };
}
