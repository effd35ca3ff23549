import { disconnect, pubrec } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage, watch } from './client-stage.test-support.ts';
import type { ConnectOptions } from './options.ts';

const kept = { clientId: 'me', cleanStart: false } as const;

const connects = (stage: ClientStage): number => stage.broker.connections.length;

describe.each(['5.0', '3.1.1'] as const)(
  'a session of the server that is unknown here, %s',
  (version) => {
    const unknown = (options: Partial<ConnectOptions>, present = () => true) => {
      const stage = new ClientStage({ sessionPresent: present });
      return { stage, connecting: stage.connect({ ...kept, version, ...options }) };
    };

    it('[MQTT-3.2.2-4] ends the connection, and with foreignSession error the client', async () => {
      const { stage, connecting } = unknown({ foreignSession: 'error' });
      await expect(connecting).rejects.toMatchObject({ code: 'sessionLost' });
      expect(connects(stage)).toBe(1);
      expect(stage.link.openEnds).toBe(0);
    });

    it('is adopted when told so: an event tells, and QoS 2 stays closed until the server begins anew', async () => {
      let present = true;
      const { stage, connecting } = unknown({ foreignSession: 'adopt' }, () => present);
      const client = await connecting;
      const events: string[] = [];
      client.on('sessionAdopted', () => events.push('adopted'));
      client.on('sessionDiscarded', () => events.push('discarded'));
      client.on('sessionLost', () => events.push('lost'));
      await stage.clock.advance(0);
      expect(events).toEqual(['adopted']);
      const refused = watch(client.publish('t', 'x', { qos: 2 }));
      const taken = watch(client.publish('t', 'x', { qos: 1 }));
      await stage.clock.settle();
      expect([refused.code, taken.state]).toEqual(['serverLimit', 'resolved']);
      expect(stage.sent('publish').map(({ qos }) => qos)).toEqual([1]);

      await stage.reconnect();
      const again = watch(client.publish('t', 'x', { qos: 2 }));
      await stage.clock.settle();
      expect([again.code, events]).toEqual(['serverLimit', ['adopted']]);

      present = false;
      await stage.reconnect();
      await stage.clock.advance(0);
      const open = watch(client.publish('t', 'x', { qos: 2 }));
      await stage.clock.settle();
      expect([open.state, events]).toEqual(['resolved', ['adopted', 'lost']]);
    });

    it('does not take a QoS 2 message with it that was queued before', async () => {
      const stage = new ClientStage({ sessionPresent: () => true });
      const options = { ...kept, version, foreignSession: 'adopt' } as const;
      const client = await stage.connect({ ...options, waitForConnection: false });
      const published = watch(client.publish('t', 'x', { qos: 2 }));
      await stage.clock.settle();
      expect(published.code).toBe('serverLimit');
      expect(stage.sent('publish')).toEqual([]);
    });

    it('is told of when it was thrown away, once', async () => {
      let presented = 0;
      const { stage, connecting } = unknown({}, () => {
        presented += 1;
        return presented === 1;
      });
      const client = await connecting;
      let discarded = 0;
      client.on('sessionDiscarded', () => {
        discarded += 1;
      });
      await stage.clock.advance(0);
      await stage.reconnect();
      await stage.clock.advance(0);
      expect(discarded).toBe(1);
    });

    it('[MQTT-3.2.2-2] [MQTT3-3.2.2-1] is a breach where CONNECT asked for a new one, whatever the policy', async () => {
      for (const foreignSession of ['reset', 'adopt', 'error'] as const) {
        const stage = new ClientStage({ sessionPresent: () => true });
        const options = { version, foreignSession, reconnect: false } as const;
        await expect(stage.connect(options)).rejects.toMatchObject({ code: 'protocolError' });
      }
    });

    it('[MQTT-3.2.2-6] [MQTT3-3.2.2-4] is none in a refusal, which changes nothing of ours', async () => {
      const stage = new ClientStage({
        sessionPresent: (number) => number > 2,
        refuse: (number) => (number === 2 ? 0x88 : 0),
      });
      const client = await stage.connect({ ...kept, version });
      stage.held.add('publish');
      const published = watch(client.publish('t', 'x', { qos: 2 }));
      await stage.clock.settle();
      stage.held.clear();
      await stage.reconnect();
      await stage.clock.advanceUntil(() => connects(stage) === 3);
      await stage.clock.settle();
      expect(
        stage.sent('publish').map(({ packetIdentifier, dup }) => [packetIdentifier, dup]),
      ).toEqual([[1, true]]);
      expect(published.value).toMatchObject({ attempts: 2, sessionLost: undefined });
    });
  },
);

describe.each(['5.0', '3.1.1'] as const)(
  'a session that the server has forgotten, %s',
  (version) => {
    async function lose(options: Partial<ConnectOptions>) {
      const stage = new ClientStage();
      const client = await stage.connect({ ...kept, version, ...options });
      const lost: unknown[] = [];
      client.on('sessionLost', (what) => lost.push(what));
      await client.subscribe(['a', 'b'], () => {});
      await client.subscribe('b', () => {});
      for (const type of ['publish', 'pubrel'] as const) stage.held.add(type);
      const once = watch(client.publish('t', 'once', { qos: 1 }));
      const sent = watch(client.publish('t', 'sent', { qos: 2 }));
      const released = watch(client.publish('t', 'released', { qos: 2 }));
      await stage.clock.settle();
      stage.server.send(pubrec(stage.sent('publish')[2]?.packetIdentifier ?? 0));
      await stage.clock.settle();
      stage.held.clear();
      await stage.reconnect();
      await stage.clock.advance(0);
      return { stage, lost, once, sent, released };
    }

    it('[MQTT-3.2.2-5] is replaced: event and promises tell what that meant', async () => {
      const { stage, lost, once, sent, released } = await lose({});
      expect(lost).toEqual([{ resent: 2, assumedDelivered: 1, rejected: 0, resubscribed: 2 }]);
      expect(once.value).toMatchObject({ attempts: 2, sessionLost: 'resent' });
      expect(sent.value).toMatchObject({ attempts: 2, sessionLost: 'resent' });
      expect(released.value).toMatchObject({ attempts: 1, sessionLost: 'assumedDelivered' });
      expect(stage.sent('publish').map(({ dup }) => dup)).toEqual([false, false]);
    });

    it('rejects what may have been delivered at QoS 2, when told so', async () => {
      const { stage, lost, once, sent, released } = await lose({ lostSession: 'reject' });
      expect(lost).toEqual([{ resent: 1, assumedDelivered: 1, rejected: 1, resubscribed: 2 }]);
      expect([once.state, sent.code, released.state]).toEqual([
        'resolved',
        'sessionLost',
        'resolved',
      ]);
      expect(stage.sent('publish').map(({ qos }) => qos)).toEqual([1]);
    });

    it('says nothing of messages that it never concerned', async () => {
      const { stage } = await lose({});
      const client = await stage.connect({ version });
      const plain = await client.publish('t', 'x', { qos: 2 });
      expect(plain.sessionLost).toBeUndefined();
      expect((await client.publish('t', 'x')).sessionLost).toBeUndefined();
    });
  },
);

describe('lostSession', () => {
  it('is checked', async () => {
    const stage = new ClientStage();
    await expect(stage.connect({ lostSession: 'drop' as 'reject' })).rejects.toThrow(
      'lostSession must be "resend" or "reject"',
    );
  });
});

describe('a re-authentication', () => {
  it('rejects with the word of the server that refuses it', async () => {
    const stage = new ClientStage({ connack: { authenticationMethod: 'm' } });
    stage.held.add('auth');
    const authentication = { method: 'm', respond: () => undefined };
    const client = await stage.connect({ authentication, reconnect: false });
    const refused = watch(client.reauthenticate());
    await stage.clock.settle();
    expect(stage.sent('auth')).toHaveLength(1);
    stage.server.send(disconnect(0x87, { reasonString: 'gone stale' }));
    await stage.clock.settle();
    expect(refused.error).toMatchObject({
      code: 'notAuthorized',
      reasonCode: 0x87,
      reasonString: 'gone stale',
    });
  });

  it('rejects with connectionLost when nobody says why, and with clientClosed when we close', async () => {
    for (const [end, code] of [
      ['cut', 'connectionLost'],
      ['close', 'clientClosed'],
    ] as const) {
      const stage = new ClientStage({ connack: { authenticationMethod: 'm' } });
      stage.held.add('auth');
      const authentication = { method: 'm', respond: () => undefined };
      const client = await stage.connect({ authentication, reconnect: false });
      const ended = watch(client.reauthenticate());
      await stage.clock.settle();
      if (end === 'cut') stage.link.current.cut();
      else void client.close({ timeoutMs: 0 });
      await stage.clock.settle();
      expect(ended.code).toBe(code);
    }
  });
});
