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

describe('`stored`', () => {
  it('waits for its own commit, also behind a batch whose connection ended meanwhile', async () => {
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
    const client = await connectWith(
      { transports: { mqtt: link.open }, missingTransports: {}, clock, defaultStore: () => store },
      'mqtt://server',
      { version: '5.0', clientId: 'c', store },
    );
    late = true;
    void client.publish('t', 'one', { qos: 1 });
    await clock.settle();
    // The first commit is under way; this one is encoded for a connection that ends before it can leave.
    void client.publish('t', 'two', { qos: 1 });
    link.current.cut();
    await clock.settle();
    let stored = false;
    void client.publish('t', 'three', { qos: 1 }).stored.then(() => {
      stored = true;
    });
    const seen: boolean[] = [];
    for (let commit = 0; commit < 3; commit++) {
      store.settle();
      await clock.settle();
      const kept = store.journal.filter(({ type }) => type === 'out').length === 3;
      seen.push(stored === kept);
    }
    expect(seen).toEqual([true, true, true]);
    expect(stored).toBe(true);
    late = false;
    await client.close({ timeoutMs: 0 });
  });
});
