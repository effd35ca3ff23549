import type { Properties } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { EngineHarness } from '../../testkit/src/engine-harness.ts';
import { auth, connack, disconnect, puback, suback } from '../../testkit/src/packet-builders.ts';

const method = { authenticationMethod: 'M' };
const bytes = (...values: number[]) => Uint8Array.from(values);
const challenge = (properties: Properties = method, reasonCode = 0x18) =>
  auth(reasonCode, properties);

const authenticate = (h: EngineHarness, data?: Uint8Array): void => {
  h.engine.authenticate(data, h.now);
  h.settle();
};

/** CONNECT with a method has left. */
function opened(): EngineHarness {
  const h = new EngineHarness();
  h.open({ properties: { ...method, authenticationData: bytes(1) }, pipeline: true });
  h.takeSent();
  return h;
}

function connected(): EngineHarness {
  return new EngineHarness().connected({ properties: method }, { properties: method });
}

describe('enhanced authentication', () => {
  it('[MQTT-4.12.0-3] [MQTT-4.12.0-5] answers each challenge with AUTH 0x18 and the same method', () => {
    const h = opened();
    for (const round of [2, 3, 4]) {
      h.server(challenge({ ...method, authenticationData: bytes(round) }));
      expect(h.take('authentication')).toMatchObject([
        { reasonCode: 0x18, method: 'M', data: bytes(round) },
      ]);
      authenticate(h, bytes(round + 10));
    }
    expect(h.takeSent()).toMatchObject(
      [12, 13, 14].map((round) => ({
        reasonCode: 0x18,
        properties: { ...method, authenticationData: bytes(round) },
      })),
    );
    h.server(connack({ properties: method }));
    expect(h.take('connected')).toHaveLength(1);
  });

  it('[MQTT-3.1.2-30] sends nothing but AUTH until CONNACK', () => {
    const h = opened();
    h.publish('t');
    h.publish('t', { qos: 1 });
    h.subscribe(['t']);
    h.server(challenge());
    authenticate(h);
    expect(h.takeSentShort()).toEqual(['auth 0x18']);
    h.server(connack({ properties: method }));
    expect(h.takeSentShort()).toEqual(['subscribe 1', 'publish t', 'publish 2']);
  });

  it('may be ended by a refusal at any point, without a method', () => {
    const h = opened();
    h.server(challenge());
    h.server(connack({ reasonCode: 0x87 }));
    expect(h.takeEnd()).toMatchObject({ kind: 'refused' });
  });

  it.each([
    ['AUTH with another method', challenge({ authenticationMethod: 'N' })],
    ['AUTH 0x00 before CONNACK', challenge(method, 0)],
    ['CONNACK with another method', connack({ properties: { authenticationMethod: 'N' } })],
    ['[MQTT-4.12.0-5] CONNACK without the method', connack()],
  ])('ends on a breach: %s', (_, packet) => {
    const h = opened();
    h.server(packet);
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
    // DISCONNECT only where CONNACK has come. [MQTT-4.13.1-1]
    expect(h.takeSentShort()).toEqual(packet.type === 2 ? ['disconnect 0x82'] : []);
  });

  it('ends on a second challenge before the first is answered', () => {
    const h = opened();
    h.server(challenge(), challenge());
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
  });

  it('[MQTT-4.12.0-6] ends on AUTH, or a method in CONNACK, when CONNECT had none', () => {
    for (const packet of [challenge(), connack({ properties: method })]) {
      const h = new EngineHarness();
      h.open();
      h.server(packet);
      expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
    }
    const later = new EngineHarness().connected();
    later.server(challenge());
    expect(later.takeSentShort()).toEqual(['disconnect 0x82']);
  });
});

describe('re-authentication', () => {
  it('[MQTT-4.12.1-1] starts with AUTH 0x19, goes through its rounds, and ends with AUTH 0x00', () => {
    const h = connected();
    authenticate(h, bytes(1));
    expect(h.takeSentShort()).toEqual(['auth 0x19']);
    h.server(challenge());
    expect(h.take('authentication')).toMatchObject([{ reasonCode: 0x18 }]);
    authenticate(h, bytes(2));
    expect(h.takeSentShort()).toEqual(['auth 0x18']);
    h.server(challenge(method, 0));
    expect(h.take('authentication')).toMatchObject([{ reasonCode: 0x00 }]);
    authenticate(h);
    expect(h.takeSentShort()).toEqual(['auth 0x19']);
  });

  it('lets other traffic go on', () => {
    const h = connected();
    authenticate(h);
    h.publish('t', { qos: 1 });
    h.subscribe(['t']);
    h.server(puback(1), suback(2, [0]));
    expect(h.takeSentShort()).toEqual(['auth 0x19', 'publish 1', 'subscribe 2']);
    expect(h.engine.awaitingAnswer).toBe(true);
  });

  it('refuses a second one while one runs', () => {
    const h = connected();
    authenticate(h);
    expect(() => authenticate(h)).toThrow(/under way/);
    expect(h.takeSentShort()).toEqual(['auth 0x19']);
  });

  it('[MQTT-4.12.0-7] is refused when CONNECT had no method', () => {
    const h = new EngineHarness().connected();
    expect(() => authenticate(h)).toThrow(/no authenticationMethod/);
    expect(h.takeSent()).toEqual([]);
  });

  it('is refused before the server has asked', () => {
    const h = opened();
    expect(() => authenticate(h)).toThrow(/server's turn/);
  });

  it('does nothing without a connection', () => {
    const h = connected();
    h.cut();
    authenticate(h, bytes(1));
    h.start({ properties: method });
    authenticate(h, bytes(1));
    expect(h.takeSent()).toEqual([]);
  });

  it('is told of failure by DISCONNECT', () => {
    const h = connected();
    authenticate(h);
    h.server(disconnect(0x87));
    expect(h.takeEnd()).toMatchObject({ kind: 'serverDisconnected', packet: { reasonCode: 0x87 } });
  });

  it('ends the connection when the server starts it, or says success to nothing', () => {
    for (const reasonCode of [0x18, 0x00]) {
      const h = connected();
      h.server(challenge(method, reasonCode));
      expect(h.takeSentShort()).toEqual(['disconnect 0x82']);
    }
  });

  it('[MQTT-3.2.2-15] does not send what the server would not take', () => {
    const h = new EngineHarness().connected(
      { properties: method },
      { properties: { ...method, maximumPacketSize: 20 } },
    );
    expect(() => authenticate(h, new Uint8Array(20))).toThrow(/at most 20/);
    authenticate(h, new Uint8Array(2));
    expect(h.takeSentShort()).toEqual(['auth 0x19']);
  });
});
