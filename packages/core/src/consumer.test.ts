import type { PublishPacket, QoS } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { Backlog } from './backlog.ts';
import {
  HandlerConsumer,
  type HandlerSettings,
  IteratorConsumer,
  type IteratorSettings,
} from './consumer.ts';
import type { DeliverySettings } from './delivery.ts';
import { MqttError } from './errors.ts';
import { ReceivedMessage } from './message.ts';
import { Receipt } from './receipt.ts';
import type { MessageHandler } from './subscription.ts';
import type { LooseParams } from './topic-pattern.ts';

class Stage {
  readonly errors: MqttError[] = [];
  readonly acknowledged: number[] = [];
  readonly left: number[] = [];
  readonly lags: boolean[] = [];
  canPause = false;
  readonly backlog: Backlog;
  #delivery = 0;

  constructor(bounds: { maximumMessages?: number; maximumBytes?: number } = {}) {
    this.backlog = new Backlog(
      { maximumMessages: 10, maximumBytes: 1_000, ...bounds },
      {
        canPause: () => this.canPause,
        onLag: (lag) => this.lags.push(lag),
        onError: (error) => this.errors.push(error),
      },
    );
  }

  message(text: string, qos: QoS = 0, redelivered = false): [ReceivedMessage, Receipt | undefined] {
    const packet: PublishPacket = {
      type: 3,
      topic: 't',
      payload: new TextEncoder().encode(text),
      qos,
      retain: false,
      dup: false,
      packetIdentifier: qos === 0 ? undefined : 1,
      properties: {},
    };
    this.#delivery += 1;
    const delivery = this.#delivery;
    const event = { type: 'message', connection: 1, delivery, packet, redelivered } as const;
    const receipt =
      qos === 0
        ? undefined
        : new Receipt(event, 1, {
            acknowledge: ({ event }) => this.acknowledged.push(event.delivery),
            leave: ({ delivery }) => this.left.push(delivery),
          });
    return [new ReceivedMessage(packet, undefined, redelivered, delivery), receipt];
  }

  handler(
    handler: MessageHandler<LooseParams>,
    concurrency = 1,
    settings: Partial<HandlerSettings> = {},
  ): HandlerConsumer {
    return new HandlerConsumer(handler, { ...plain, concurrency, ...settings }, this.backlog);
  }

  iterator(settings: Partial<IteratorSettings> = {}, onReturn = () => {}): IteratorConsumer {
    const all = { ...plain, bufferSize: 3, overflow: undefined, ...settings };
    return new IteratorConsumer(all, this.backlog, onReturn);
  }
}

const plain: DeliverySettings = {
  mode: 'at-least-once',
  seen: undefined,
  manual: false,
  settlesOnArrival: false,
  handlerFailure: 'acknowledge',
};

/** A handler whose calls are ended by hand. */
function manual() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const handler = (message: { text(): string }) =>
    new Promise<void>((resolve) => {
      begun.push(message.text());
      ends.push(resolve);
    });
  const end = async (index: number) => {
    ends[index]?.();
    await turn();
  };
  return { begun, handler, end };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('HandlerConsumer', () => {
  it('calls a handler for each message at once, and acknowledges when it returns', () => {
    const stage = new Stage();
    const got: string[] = [];
    const consumer = stage.handler((message) => {
      got.push(message.text());
    });
    consumer.take(...stage.message('a', 1));
    consumer.take(...stage.message('b'));
    consumer.take(...stage.message('c', 2));
    expect(got).toEqual(['a', 'b', 'c']);
    expect(stage.acknowledged).toEqual([1, 3]);
  });

  it('gives an asynchronous handler one message at a time, in order', async () => {
    const stage = new Stage();
    const { begun, handler, end } = manual();
    const consumer = stage.handler(handler);
    for (const text of ['a', 'b', 'c']) consumer.take(...stage.message(text, 1));
    expect(begun).toEqual(['a']);
    expect(stage.acknowledged).toEqual([]);
    await end(0);
    expect(begun).toEqual(['a', 'b']);
    expect(stage.acknowledged).toEqual([1]);
    await end(1);
    await end(2);
    expect(stage.acknowledged).toEqual([1, 2, 3]);
  });

  it('gives it as many at once as it may work on', async () => {
    const stage = new Stage();
    const { begun, handler, end } = manual();
    const consumer = stage.handler(handler, 2);
    for (const text of ['a', 'b', 'c', 'd']) consumer.take(...stage.message(text, 1));
    expect(begun).toEqual(['a', 'b']);
    await end(1);
    expect(begun).toEqual(['a', 'b', 'c']);
    expect(stage.acknowledged).toEqual([2]);
  });

  it('reports what a handler throws, acknowledges, and goes on', async () => {
    const stage = new Stage();
    const consumer = stage.handler((message) => {
      if (message.text() === 'sync') throw new TypeError('oops');
      if (message.text() === 'async') return Promise.reject(new Error('later'));
      return undefined;
    });
    for (const text of ['sync', 'async', 'good']) consumer.take(...stage.message(text, 1));
    await turn();
    expect(stage.errors.map(({ code, message }) => [code, message])).toEqual([
      ['handlerFailed', 'the handler of a message on "t" failed: oops'],
      ['handlerFailed', 'the handler of a message on "t" failed: later'],
    ]);
    expect(stage.acknowledged).toEqual([1, 2, 3]);
  });

  it('takes foreign thenables, also hostile ones', async () => {
    const stage = new Stage();
    let calls = 0;
    const consumer = stage.handler(() => {
      calls += 1;
      // biome-ignore lint/suspicious/noThenProperty: a thenable of another library is what this is about
      if (calls === 1) return { then: (done: () => void) => done() };
      return Object.defineProperty({}, 'then', {
        get() {
          throw new Error('no then');
        },
      });
    });
    for (let index = 0; index < 3; index++) consumer.take(...stage.message('x', 1));
    await turn();
    expect(stage.acknowledged).toEqual([1, 2, 3]);
    expect(stage.errors).toHaveLength(2);
  });

  it('works through a long queue without a deep stack', async () => {
    const stage = new Stage({ maximumMessages: 100_000, maximumBytes: 1_000_000 });
    let first: (() => void) | undefined;
    let count = 0;
    const consumer = stage.handler(() => {
      count += 1;
      if (count > 1) return undefined;
      return new Promise<void>((resolve) => {
        first = resolve;
      });
    });
    for (let index = 0; index < 50_000; index++) consumer.take(...stage.message('x'));
    first?.();
    await turn();
    expect(count).toBe(50_000);
  });

  it('hands back what waited when it ends, and calls nobody any more', async () => {
    const stage = new Stage();
    const { begun, handler, end } = manual();
    const consumer = stage.handler(handler);
    for (const text of ['a', 'b', 'c']) consumer.take(...stage.message(text, text === 'c' ? 0 : 1));
    expect(consumer.end().map(({ message }) => message.text())).toEqual(['b', 'c']);
    await end(0);
    expect(begun).toEqual(['a']);
    expect(stage.acknowledged).toEqual([1]);
  });
});

describe('the backlog of QoS 0 messages', () => {
  it('lets reading pause at its bound, and go on at half of it', async () => {
    const stage = new Stage({ maximumMessages: 4 });
    stage.canPause = true;
    const { handler, end } = manual();
    const consumer = stage.handler(handler);
    for (let index = 0; index < 4; index++) consumer.take(...stage.message('x'));
    expect(stage.lags).toEqual([]);
    consumer.take(...stage.message('x'));
    expect(stage.lags).toEqual([true]);
    // What a chunk still holds is kept.
    consumer.take(...stage.message('x'));
    expect(consumer.dropped).toBe(0);
    for (let index = 0; index < 3; index++) await end(index);
    expect(stage.lags).toEqual([true]);
    await end(3);
    expect(stage.lags).toEqual([true, false]);
  });

  it('is bounded in bytes too', () => {
    const stage = new Stage({ maximumMessages: 1_000, maximumBytes: 100 });
    const consumer = stage.handler(manual().handler);
    stage.canPause = true;
    consumer.take(...stage.message('first'));
    consumer.take(...stage.message('x'.repeat(99)));
    expect(stage.lags).toEqual([]);
    consumer.take(...stage.message('x'));
    expect(stage.lags).toEqual([true]);
  });

  it('drops and counts where reading cannot pause, and says so once', async () => {
    const stage = new Stage({ maximumMessages: 2 });
    const { handler, end } = manual();
    const consumer = stage.handler(handler);
    for (let index = 0; index < 6; index++) consumer.take(...stage.message('x'));
    expect(consumer.dropped).toBe(3);
    expect(stage.errors.map(({ code }) => code)).toEqual(['queueFull']);
    consumer.take(...stage.message('kept', 1));
    expect(consumer.dropped).toBe(3);
    for (let index = 0; index < 4; index++) await end(index);
    for (let index = 0; index < 4; index++) consumer.take(...stage.message('x'));
    expect(stage.errors).toHaveLength(2);
  });

  it('does not count messages of QoS 1 and 2: the window of the server bounds those', () => {
    const stage = new Stage({ maximumMessages: 2 });
    const consumer = stage.handler(manual().handler);
    for (let index = 0; index < 50; index++) consumer.take(...stage.message('x', 1));
    expect(consumer.dropped).toBe(0);
    expect(stage.lags).toEqual([]);
  });
});

describe('IteratorConsumer', () => {
  const iterate = (consumer: IteratorConsumer) => ({ [Symbol.asyncIterator]: () => consumer });

  it('gives messages in order, and acknowledges each when the next one is asked for', async () => {
    const stage = new Stage();
    const consumer = stage.iterator();
    const waiting = consumer.next();
    consumer.take(...stage.message('a', 1));
    consumer.take(...stage.message('b', 1));
    expect((await waiting).value?.text()).toBe('a');
    expect(stage.acknowledged).toEqual([]);
    expect((await consumer.next()).value?.text()).toBe('b');
    expect(stage.acknowledged).toEqual([1]);
    void consumer.next();
    expect(stage.acknowledged).toEqual([1, 2]);
  });

  it('ends with a break: nothing is held any more, and whoever owns it is told', async () => {
    const stage = new Stage();
    let returned = 0;
    const consumer = stage.iterator({}, () => {
      returned += 1;
    });
    for (const text of ['a', 'b', 'c']) consumer.take(...stage.message(text, 1));
    for await (const message of iterate(consumer)) {
      expect(message.text()).toBe('a');
      break;
    }
    expect(stage.acknowledged).toEqual([1, 2, 3]);
    expect(consumer.dropped).toBe(2);
    expect(returned).toBe(1);
    expect(await consumer.next()).toEqual({ done: true, value: undefined });
  });

  it('still gives what it holds when it ends, and then the reason', async () => {
    const stage = new Stage();
    const consumer = stage.iterator();
    consumer.take(...stage.message('a'));
    const reason = new MqttError('sessionTakenOver', 'x');
    consumer.end(reason);
    expect((await consumer.next()).value?.text()).toBe('a');
    await expect(consumer.next()).rejects.toBe(reason);
    const quiet = stage.iterator();
    const waiting = quiet.next();
    quiet.end(undefined);
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it('drops the oldest of QoS 0 by default, and none of QoS 1 and 2', async () => {
    const stage = new Stage();
    const consumer = stage.iterator({ bufferSize: 2 });
    for (const text of ['a', 'b', 'c']) consumer.take(...stage.message(text));
    expect(consumer.dropped).toBe(1);
    for (const text of ['d', 'e']) consumer.take(...stage.message(text, 1));
    consumer.take(...stage.message('f'));
    // In front are messages of QoS 0 still.
    expect(consumer.dropped).toBe(2);
    const got: (string | undefined)[] = [];
    for (let index = 0; index < 4; index++) got.push((await consumer.next()).value?.text());
    expect(got).toEqual(['c', 'd', 'e', 'f']);
  });

  it('drops a newcomer of QoS 0 when messages of QoS 1 are in front', () => {
    const stage = new Stage();
    const consumer = stage.iterator({ bufferSize: 2 });
    for (const text of ['a', 'b', 'c']) consumer.take(...stage.message(text, 1));
    consumer.take(...stage.message('d'));
    expect(consumer.dropped).toBe(1);
    expect(stage.acknowledged).toEqual([]);
  });

  it('drops by the policy that was chosen, and acknowledges what it drops', () => {
    const stage = new Stage();
    const oldest = stage.iterator({ bufferSize: 1, overflow: 'dropOldest' });
    oldest.take(...stage.message('a', 1));
    oldest.take(...stage.message('b', 1));
    expect(stage.acknowledged).toEqual([1]);
    const newest = stage.iterator({ bufferSize: 1, overflow: 'dropNewest' });
    newest.take(...stage.message('c', 1));
    newest.take(...stage.message('d', 1));
    expect(stage.acknowledged).toEqual([1, 4]);
    expect([oldest.dropped, newest.dropped]).toEqual([1, 1]);
  });

  it('pauses reading for QoS 0 when told to, where that can be', async () => {
    const stage = new Stage();
    stage.canPause = true;
    const consumer = stage.iterator({ bufferSize: 2, overflow: 'pause' });
    consumer.take(...stage.message('a'));
    expect(stage.lags).toEqual([]);
    consumer.take(...stage.message('b'));
    expect(stage.lags).toEqual([true]);
    consumer.take(...stage.message('c'));
    expect(consumer.dropped).toBe(0);
    await consumer.next();
    expect(stage.lags).toEqual([true]);
    await consumer.next();
    expect(stage.lags).toEqual([true, false]);
    stage.canPause = false;
    for (const text of ['d', 'e', 'f']) consumer.take(...stage.message(text));
    expect(consumer.dropped).toBe(2);
  });
});
