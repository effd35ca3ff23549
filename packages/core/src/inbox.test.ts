import type { SessionOperation } from '@mqtt-kit/engine';
import { type Packet, PacketEncoder } from '@mqtt-kit/packet';
import { connack, publish, suback, VirtualClock } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import type { Environment, MqttClient } from './client.ts';
import { connectWith } from './connect.ts';
import { type MemoryStore, memoryStore } from './memory-session-store.ts';
import type { Message } from './message.ts';
import type { TransportHandlers } from './transport.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A store as one finds it after a restart, when it has outlived the process. */
function durableStore(operations: readonly SessionOperation[]): MemoryStore {
  const store = memoryStore();
  store.commit(operations);
  return Object.assign(store, { durable: true });
}

const session: SessionOperation = {
  type: 'session',
  clientId: 'me',
  serverKey: 'mqtt://h:1883',
  storeEpoch: 1,
  version: '5.0',
  standing: 'established',
};

function subscription(topicFilter: string): SessionOperation {
  const options = {
    topicFilter,
    qos: 2,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
  } as const;
  return { type: 'subscription', topicFilter, options };
}

function received(delivery: number, topic: string): SessionOperation {
  const payload = new TextEncoder().encode(String(delivery));
  const message = { topic, payload, qos: 2, retain: false, properties: {} } as const;
  return { type: 'in', packetIdentifier: delivery, delivery, message };
}

class Stage {
  readonly clock = new VirtualClock();
  readonly handled: Message[] = [];
  readonly unmatched: Message[] = [];
  client!: MqttClient;
  #handlers: TransportHandlers | undefined;

  async connect(store: MemoryStore): Promise<void> {
    const environment: Environment = {
      transports: {
        mqtt: (_target, handlers) => {
          this.#handlers = handlers;
          const close = () => queueMicrotask(() => handlers.onClosed());
          return Promise.resolve({ write: () => true, close, destroy: close });
        },
      },
      missingTransports: {},
      clock: this.clock,
      defaultStore: memoryStore,
    };
    this.client = await connectWith(environment, 'mqtt://h', {
      clientId: 'me',
      version: '5.0',
      store,
      waitForConnection: false,
    });
    this.client.on('unmatched', (message) => this.unmatched.push(message));
    await settled();
    this.receive(connack({ sessionPresent: true }));
    await settled();
  }

  receive(packet: Packet): void {
    const encoder = new PacketEncoder('5.0');
    encoder.encode(packet);
    for (const chunk of encoder.take()) this.#handlers?.onData(chunk);
  }

  readonly take = (message: Message): void => {
    this.handled.push(message);
  };
}

const texts = (messages: readonly Message[]): string[] => messages.map((message) => message.text());

describe('the inbox of a durable store', () => {
  const stored = [session, subscription('a/#'), received(1, 'a/x'), received(2, 'a/y')];

  it('waits for the handler of a filter of an earlier life, and marks what comes from the store', async () => {
    const stage = new Stage();
    await stage.connect(durableStore(stored));
    await stage.clock.advance(50_000);
    expect(texts(stage.unmatched)).toEqual([]);
    void stage.client.subscribe('a/#', { qos: 2 }, stage.take);
    await settled();
    expect(texts(stage.handled)).toEqual(['1', '2']);
    expect(stage.handled.every(({ redelivered }) => redelivered)).toBe(true);
  });

  it('hands out what it holds before what comes later, which is not marked', async () => {
    const stage = new Stage();
    await stage.connect(durableStore(stored));
    stage.receive(publish('a/x', '3', { qos: 1, packetIdentifier: 30 }));
    await settled();
    void stage.client.subscribe('a/#', { qos: 2 }, stage.take);
    stage.receive(publish('a/x', '4', { qos: 1, packetIdentifier: 31 }));
    await settled();
    expect(texts(stage.handled)).toEqual(['1', '2', '3', '4']);
    expect(stage.handled.map(({ redelivered }) => redelivered)).toEqual([true, true, false, false]);
  });

  it('is given again after another restart, as long as no handler took it', async () => {
    const store = durableStore(stored);
    const first = new Stage();
    await first.connect(store);
    await first.client.close({ timeoutMs: 0 });
    const second = new Stage();
    await second.connect(store);
    void second.client.subscribe('a/#', { qos: 2 }, second.take);
    await settled();
    expect(texts(second.handled)).toEqual(['1', '2']);
    store.close();
    expect(store.load().filter(({ type }) => type === 'inDone')).not.toEqual([]);
  });

  it('reports what no filter of any life matches, and what the application has ended', async () => {
    const stage = new Stage();
    await stage.connect(durableStore([...stored, received(3, 'b')]));
    expect(texts(stage.unmatched)).toEqual(['3']);
    void stage.client.unsubscribe('a/#');
    await settled();
    expect(texts(stage.unmatched)).toEqual(['3', '1', '2']);
  });

  it('forgets the filter of an earlier life once this one has subscribed to it and ended it', async () => {
    const stage = new Stage();
    await stage.connect(durableStore([session, subscription('a/#')]));
    const subscribed = stage.client.subscribe('a/#', { qos: 2 }, stage.take);
    await settled();
    stage.receive(suback(1, [2]));
    void (await subscribed).unsubscribe().catch(() => {});
    stage.receive(publish('a/x', 'late', { qos: 1, packetIdentifier: 9 }));
    await settled();
    expect(texts(stage.unmatched)).toEqual(['late']);
  });
});
