import { connectAsync } from 'mqtt';
import { afterAll, beforeAll } from 'vitest';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';

/** A message that the watcher has seen. */
export interface SeenMessage {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

/** A server for the tests of a file, and a client that is not ours, which sees all that it publishes. */
export interface WatchedServer {
  readonly server: Mosquitto<'plain'>;
  readonly watcher: Awaited<ReturnType<typeof connectAsync>>;
  /** What was seen, in its order. A test that wants to forget it empties the list. */
  readonly seen: SeenMessage[];
  /** Payloads seen under a topic. */
  payloads(topic: string): string[];
  /** Publishes at QoS 1. */
  publish(topic: string, payload: string): Promise<void>;
}

/** Starts it before the tests of the file and stops it afterwards; its members are there while they run. */
export function watchedServer(): WatchedServer {
  const seen: SeenMessage[] = [];
  let server: Mosquitto<'plain'> | undefined;
  let watcher: Awaited<ReturnType<typeof connectAsync>> | undefined;
  beforeAll(async () => {
    server = await startMosquitto({ listeners: { plain: {} } });
    watcher = await connectAsync(server.url('plain'), { reconnectPeriod: 20 });
    watcher.on('message', (topic, payload, { retain }) => {
      seen.push({ topic, payload: `${payload}`, retain });
    });
    await watcher.subscribeAsync('#', { qos: 1 });
  });
  afterAll(async () => {
    await watcher?.endAsync();
    await server?.stop();
  });
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the server is there while tests run');
    return value;
  };
  return {
    seen,
    get server() {
      return started(server);
    },
    get watcher() {
      return started(watcher);
    },
    payloads: (topic) =>
      seen.filter((message) => message.topic === topic).map(({ payload }) => payload),
    publish: async (topic, payload) => {
      await started(watcher).publishAsync(topic, payload, { qos: 1 });
    },
  };
}
