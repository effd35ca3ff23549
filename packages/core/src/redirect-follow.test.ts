import type { Packet } from '@mqtt-kit/packet';
import { connack, disconnect, puback, publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage, watch } from './client-stage.test-support.ts';
import type { TransportTarget } from './transport.ts';

/** A stage that writes down where the client goes. */
function staged() {
  const tried: string[] = [];
  const stage = new ClientStage({
    link: {
      connect: (_attempt, { scheme, hostname, port }: TransportTarget) => {
        tried.push(`${scheme}://${hostname}:${port}`);
        return { outcome: 'accept' };
      },
    },
  });
  return { stage, tried };
}

const elsewhere = (code: number, serverReference: string): Packet =>
  disconnect(code, { serverReference });

describe('a redirect', () => {
  it('is reported, and followed only when the options say so', async () => {
    const { stage, tried } = staged();
    const client = await stage.connect();
    stage.server.send(elsewhere(0x9c, 'b'));
    await stage.clock.advance(60_000);
    expect(tried).toEqual(['mqtt://h:1883']);
    expect(client.status).toMatchObject({
      state: 'closed',
      reason: {
        code: 'serverRefused',
        hint: "Connect to b instead; redirects: 'follow' goes there.",
        properties: { serverReference: 'b' },
      },
    });
  });

  it('leads elsewhere for one connection by 0x9C, at once, and for good by 0x9D', async () => {
    for (const [code, expected] of [
      [0x9c, ['h', 'b', 'h']],
      [0x9d, ['h', 'b', 'b']],
    ] as const) {
      const { stage, tried } = staged();
      const client = await stage.connect({ redirects: 'follow', username: 'u', password: 'p' });
      stage.server.send(elsewhere(code, 'b'));
      await stage.clock.settle();
      await stage.clock.advance(0);
      expect(client.status).toMatchObject({ state: 'connected', server: 'mqtt://b:1883' });
      expect(stage.sent('connect')).toMatchObject([{ username: 'u' }]);
      stage.link.current.cut();
      await stage.clock.advance(1_000);
      expect(tried).toEqual(expected.map((host) => `mqtt://${host}:1883`));
      expect(stage.statuses.map(({ state }) => state)).toContain('reconnecting');
    }
  });

  it('is followed when CONNACK has it, before `connect` resolves', async () => {
    const { stage, tried } = staged();
    stage.held.add('connect');
    const connecting = watch(stage.connect({ redirects: 'follow' }));
    await stage.clock.settle();
    stage.server.send(
      connack({ reasonCode: 0x9d, properties: { serverReference: '[::1]:1999 c' } }),
    );
    stage.held.clear();
    await stage.clock.settle();
    await stage.clock.advance(0);
    expect(tried).toEqual(['mqtt://h:1883', 'mqtt://::1:1999']);
    expect(connecting.state).toBe('resolved');
  });

  it('is not followed out of encryption, nor in a circle', async () => {
    const { stage } = staged();
    const secure = await stage.connect({ redirects: 'follow' }, 'mqtts://h');
    stage.server.send(elsewhere(0x9c, 'mqtt://b'));
    await stage.clock.advance(60_000);
    expect(secure.status).toMatchObject({
      reason: {
        hint: 'Connect to mqtt://b instead; it is not gone to: mqtt://b:1883 is not encrypted.',
      },
    });
    const circle = staged();
    const client = await circle.stage.connect({ redirects: 'follow' });
    for (let times = 0; times < 9; times++) {
      // Messages on the way round are no reason to go on.
      if (!circle.stage.server.isClosed) {
        circle.stage.server.send(publish('t', 'x'), elsewhere(0x9c, 'h'));
      }
      await circle.stage.clock.advance(100);
    }
    expect(circle.tried).toHaveLength(6);
    expect(client.status).toMatchObject({ state: 'closed', reason: { code: 'serverRefused' } });
  });

  it('is followed any number of times, with connections that stand in between', async () => {
    const { stage, tried } = staged();
    const client = await stage.connect({ redirects: 'follow' });
    for (let times = 0; times < 9; times++) {
      await stage.clock.advance(10_000);
      stage.server.send(elsewhere(0x9c, 'h'));
      await stage.clock.advance(100);
    }
    expect(tried).toHaveLength(10);
    expect(client.connected).toBe(true);
  });
});

describe('a network that breaks a few times each second', () => {
  it('delays the client no more than once in a while, as long as messages get through', async () => {
    const stage = new ClientStage({ sessionPresent: (connection) => connection > 1 });
    stage.held.add('publish');
    const client = await stage.connect({ clientId: 'c', cleanStart: false });
    stage.link.delayMs = 10;
    const delays: number[] = [];
    client.on('status', (status) => {
      if (status.state === 'reconnecting') delays.push(status.delayMs);
    });
    for (let breaks = 0; breaks < 100; breaks++) {
      await stage.clock.advanceUntil(() => client.connected);
      void client.publish('t', 'x', { qos: 1 });
      await stage.clock.advance(20);
      for (const { packetIdentifier } of stage.sent('publish')) {
        stage.server.send(puback(packetIdentifier as number));
      }
      await stage.clock.advance(200);
      // Now and then by a proxy, which ends connections in order.
      stage.link.current.cut(breaks % 3 === 0 ? 'orderly' : 'reset');
      await stage.clock.advance(20);
    }
    expect(Math.max(...delays)).toBeLessThan(100);
    expect(delays.length).toBeGreaterThanOrEqual(100);
  });
});
