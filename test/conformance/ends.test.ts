import { publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { errors, Stage, statuses, watch } from './support/stage.ts';

describe('an end in the middle of something', () => {
  it('leaves a client closed when a listener for the loss closes it', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const seen = statuses(client);
    client.on('error', () => void client.close());
    stage.link.current.cut();
    await stage.advance(120_000);
    expect(seen.at(-1)?.state).toBe('closed');
    expect(client.status.state).toBe('closed');
    expect(stage.broker.connections).toHaveLength(1);
  });

  it('asks for no more credentials when a listener closes the client over a failure of them', async () => {
    const stage = new Stage();
    let asked = 0;
    const credentials = () => {
      asked += 1;
      if (asked > 1) throw new Error('no token');
      return {};
    };
    const client = await stage.connect({ credentials });
    client.on('error', (error) => {
      if (error.message.includes('no token')) void client.close();
    });
    stage.link.current.cut();
    await stage.advance(120_000);
    expect(client.status.state).toBe('closed');
    expect(asked).toBe(2);
  });

  it('is told once when no further attempt is made', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const told = errors(client);
    stage.server().sendRaw('e0 02 8e 00');
    await stage.settle();
    expect(told.map(({ code }) => code)).toEqual(['sessionTakenOver']);
    expect(client.status.state).toBe('closed');
  });

  it('acknowledges what an ended iterator holds, so that others go on, and still gives it', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const ended = await client.subscribe('a', { qos: 1 });
    await client.subscribe('b', { qos: 1 }, () => {});
    stage.server().send(publish('a', 'kept', { qos: 1, packetIdentifier: 1 }));
    await stage.settle();
    await ended.unsubscribe();
    stage.server().send(publish('b', '', { qos: 1, packetIdentifier: 2 }));
    await stage.settle();
    expect(stage.sent('puback').map(({ packetIdentifier }) => packetIdentifier)).toEqual([1, 2]);
    const texts: string[] = [];
    for await (const message of ended) texts.push(message.text());
    expect(texts).toEqual(['kept']);
  });

  it('hands a copy for a filter that is being ended to nobody else', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: string[] = [];
    const ending = await client.subscribe('a/#', { qos: 2 }, () => {});
    await client.subscribe('a/+', { qos: 2 }, (message) => got.push(message.text()));
    const [first, second] = stage
      .sent('subscribe')
      .map(({ properties }) => properties.subscriptionIdentifiers ?? []);
    stage.hold.add('unsubscribe');
    const left = watch(ending.unsubscribe());
    for (const [index, subscriptionIdentifiers] of [first, second].entries()) {
      const packetIdentifier = index + 1;
      const properties = { subscriptionIdentifiers: subscriptionIdentifiers ?? [] };
      stage.server().send(publish('a/b', 'one', { qos: 2, packetIdentifier, properties }));
    }
    await stage.settle();
    expect(got).toEqual(['one']);
    expect(stage.sent('pubrec')).toHaveLength(2);
    expect(left.settled).toBe(false);
  });

  it('tells of messages that never left that they never left', async () => {
    const stage = new Stage({ link: { connect: () => ({ outcome: 'hang' }) } });
    const client = await stage.connect({ waitForConnection: false, queue: { maxMessages: 1 } });
    const waiting = ['1', '2', '3'].map((payload) => client.publish('t', payload, { qos: 1 }));
    const result = await client.close();
    const codes = (await Promise.allSettled(waiting)).map(
      (settled) => settled.status === 'rejected' && settled.reason.code,
    );
    expect(codes).toEqual(['clientClosed', 'queueFull', 'queueFull']);
    expect(result).toEqual({ unsent: 1, unacknowledged: 0 });
  });

  it('lets many requests share a signal, and aborts them all', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.hold.add('publish');
    const abort = new AbortController();
    const { signal } = abort;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listeners += 1;
      add(...given);
    };
    const all = Array.from({ length: 50 }, () => client.publish('t', '', { qos: 1, signal }));
    abort.abort();
    const settled = await Promise.allSettled(all);
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
    expect(listeners).toBe(1);
  });
});
