import type { Packet } from '@mqtt-kit/packet';
import { disconnect, FaultyStore, puback, publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage, watch } from './client-stage.test-support.ts';

/** A broker that ends the connection when a certain message comes, as `end` says. */
class PoisonStage extends ClientStage {
  readonly taken: string[] = [];
  readonly end: (stage: ClientStage) => void;

  constructor(end: (stage: ClientStage) => void = (stage) => stage.server.end()) {
    super({ sessionPresent: (connection) => connection > 1 });
    this.end = end;
  }

  /** Plays the broker until nothing happens any more. */
  async play(ms: number): Promise<void> {
    this.held.add('publish');
    const seen = new WeakSet<Packet>();
    for (let passed = 0; passed < ms; passed += 5) {
      await this.clock.advance(5);
      if (this.broker.connections.length === 0 || this.server.isClosed) continue;
      for (const packet of this.sent('publish')) {
        if (seen.has(packet)) continue;
        seen.add(packet);
        if (packet.topic === 'poison') {
          this.end(this);
          break;
        }
        this.taken.push(packet.topic);
        if (packet.qos === 1) this.server.send(puback(packet.packetIdentifier as number));
      }
    }
  }
}

describe.each(['5.0', '3.1.1'] as const)('a message that the server closes at, %s', (version) => {
  it('is rejected, and what is before and behind it arrives', async () => {
    const stage = new PoisonStage();
    const client = await stage.connect({ version, clientId: 'c', cleanStart: false });
    const topics = ['a', 'b', 'poison', 'd', 'e'];
    const published = topics.map((topic) => watch(client.publish(topic, 'four', { qos: 1 })));
    await stage.play(20_000);
    expect(published.map(({ state }) => state)).toEqual([
      'resolved',
      'resolved',
      'rejected',
      'resolved',
      'resolved',
    ]);
    expect(published[2]?.error).toMatchObject({
      code: 'publishRefused',
      reasonCode: undefined,
      message:
        'the server closed the connection 3 times in a row right after the message of 4 bytes to "poison": it is not sent again',
    });
    expect(new Set(stage.taken)).toEqual(new Set(['a', 'b', 'd', 'e']));
  });

  it('is found, after twice as many, by resets, too, as a server makes them that does not read it all', async () => {
    const stage = new PoisonStage((broken) => broken.link.current.cut());
    const client = await stage.connect({ version, clientId: 'c', cleanStart: false });
    const topics = ['a', 'b', 'poison', 'd', 'e'];
    const published = topics.map((topic) => watch(client.publish(topic, 'x', { qos: 1 })));
    await stage.play(60_000);
    const states = published.map(({ state }) => state);
    expect(states).toEqual(['resolved', 'resolved', 'rejected', 'resolved', 'resolved']);
    expect(published[2]?.error?.message).toContain('the connection broke 6 times in a row');
  });

  it('is found by the next start, too, which tells it by the error event', async () => {
    const store = new FaultyStore({ manner: () => 'now' });
    const stage = new PoisonStage();
    const options = { version, clientId: 'c', store } as const;
    const first = await stage.connect(options);
    const published = watch(first.publish('poison', 'x', { qos: 1 }));
    await stage.play(5);
    const closed = watch(first.close({ timeoutMs: 0 }));
    await stage.clock.advance(2_000);
    expect(closed.value).toEqual({ unsent: 0, unacknowledged: 1, kept: 1 });
    expect(published.code).toBe('outcomeUnknown');
    expect(published.error?.hint).toContain('store keeps it');
    const next = await stage.connect(options);
    await stage.play(20_000);
    const codes = stage.errors.map(({ code }) => code).filter((code) => code !== 'connectionLost');
    expect(codes).toEqual(['publishRefused']);
    const good = watch(next.publish('good', 'x', { qos: 1 }));
    await stage.play(100);
    expect(good.state).toBe('resolved');
    const retired = stage.sent('publish').find(({ topic }) => topic === 'good')?.packetIdentifier;
    expect(retired).not.toBe(1);
  });
});

describe('close with a durable store', () => {
  it('tells what the store keeps, unsent and sent, and nobody takes it back', async () => {
    const store = new FaultyStore({ manner: () => 'now' });
    const stage = new ClientStage({ connack: { receiveMaximum: 1 }, sessionPresent: (n) => n > 1 });
    const client = await stage.connect({ clientId: 'c', store });
    stage.held.add('publish');
    const [sent, waiting] = ['sent', 'waiting'].map((topic) =>
      watch(client.publish(topic, 'x', { qos: 1 })),
    );
    const closed = watch(client.close({ timeoutMs: 100 }));
    await stage.clock.advance(2_000);
    expect(closed.value).toEqual({ unsent: 1, unacknowledged: 1, kept: 2 });
    expect([sent?.code, waiting?.code]).toEqual(['outcomeUnknown', 'clientClosed']);
    await stage.connect({ clientId: 'c', store });
    await stage.clock.settle();
    stage.server.send(puback(1));
    await stage.clock.settle();
    expect(stage.sent('publish').map(({ topic }) => topic)).toEqual(['sent', 'waiting']);
  });
});

describe('a DISCONNECT that blames the message', () => {
  it('counts, one that blames the server does not', async () => {
    for (const [code, state] of [
      [0x95, 'rejected'],
      [0x8b, 'pending'],
    ] as const) {
      const stage = new PoisonStage((stage) => {
        stage.server.send(publish('incoming', 'x'), disconnect(code));
        stage.server.end();
      });
      const client = await stage.connect({ clientId: 'c', cleanStart: false });
      const published = watch(client.publish('poison', 'x', { qos: 2 }));
      await stage.play(20_000);
      expect(published.state).toBe(state);
    }
  });
});
