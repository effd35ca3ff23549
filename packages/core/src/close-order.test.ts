import { FaultyStore, ModelBroker, VirtualClock, VirtualLink } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { connectWith } from './connect.ts';

const plan = {
  refusal: 0,
  receiveMaximum: 65_535,
  maximumPacketSize: 268_435_460,
  maximumQos: 2,
  retainAvailable: true,
  topicAliasMaximum: 0,
  serverKeepAlive: undefined,
  useAliases: false,
  delayAnswers: false,
  window: 10,
} as const;

describe('close', () => {
  it('settles the messages of every flush that waits for a commit', async () => {
    const clock = new VirtualClock();
    const link = new VirtualLink({ clock });
    link.listen(
      new ModelBroker({
        plan: () => plan,
        onBreach: (what) => expect.fail(what),
        onOwned: () => {},
        onTaken: () => {},
        reasonFor: () => 0,
        count: () => {},
      }).accept,
    );
    let late = false;
    const store = new FaultyStore({ manner: () => (late ? 'late' : 'now') });
    const client = await connectWith(
      {
        transports: { mqtt: link.open },
        missingTransports: {},
        clock,
        defaultStore: () => store,
      },
      'mqtt://server',
      { version: '5.0', clientId: 'c', store },
    );
    late = true;
    const ends: string[] = [];
    const note = ({ code }: { code: string }) => ends.push(code);
    // The first flush has a commit to wait for, the second waits behind it.
    client.publish('t', 'stored', { qos: 1 }).catch(note);
    client.publish('t', 'first').catch(note);
    await clock.settle();
    client.publish('t', 'second').catch(note);
    await clock.settle();
    expect(store.pending).toBe(1);
    link.current.cut();
    await clock.settle();
    await client.close({ timeoutMs: 0 });
    expect(ends.sort()).toEqual(['clientClosed', 'clientClosed', 'outcomeUnknown']);
  });

  it('hands out no message of a store that would overtake those it left waiting', async () => {
    const clock = new VirtualClock();
    const link = new VirtualLink({ clock });
    const broker = new ModelBroker({
      plan: () => plan,
      onBreach: (what) => expect.fail(what),
      onOwned: () => {},
      onTaken: () => {},
      reasonFor: () => 0,
      count: () => {},
    });
    link.listen(broker.accept);
    let late = false;
    const store = new FaultyStore({ manner: () => (late ? 'late' : 'now') });
    const seen: number[] = [];
    const start = async (busy: Promise<void> | undefined) => {
      const client = await connectWith(
        {
          transports: { mqtt: link.open },
          missingTransports: {},
          clock,
          defaultStore: () => store,
        },
        'mqtt://server',
        { version: '5.0', clientId: 'c', store },
      );
      await client.subscribe('t', { qos: 1 }, async (message) => {
        seen.push(message.payload[0] ?? 0);
        await busy;
      });
      return client;
    };
    const first = await start(new Promise(() => {}));
    for (const number of [1, 2]) broker.publish('c', 't', Uint8Array.of(number), 1);
    await clock.settle();
    expect(seen).toEqual([1]);
    late = true;
    broker.publish('c', 't', Uint8Array.of(3), 1);
    await clock.settle();
    const closed = first.close({ timeoutMs: 0 });
    late = false;
    store.settle();
    await clock.advance(5_000);
    await closed;
    expect(seen).toEqual([1]);
    const second = await start(undefined);
    await clock.settle();
    expect(seen).toEqual([1, 1, 2, 3]);
    await second.close({ timeoutMs: 0 });
  });
});
