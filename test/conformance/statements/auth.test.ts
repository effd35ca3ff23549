import type { Properties } from '@mqtt-kit/packet';
import { auth, connack, disconnect, puback, suback } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { EngineHarness } from '../../../packages/testkit/src/engine-harness.ts';
import { rejection, Stage, watch } from '../support/stage.ts';
import { toHex } from './statement-support.ts';

const method = { authenticationMethod: 'M' };
const challenge = (properties: Properties = method, reasonCode = 0x18) =>
  auth(reasonCode, properties);

function authenticate(harness: EngineHarness, ...data: number[]): void {
  harness.engine.authenticate(data.length === 0 ? undefined : Uint8Array.from(data), harness.now);
  harness.settle();
}

/** CONNECT with a method has left. */
function opened(): EngineHarness {
  const harness = new EngineHarness();
  harness.open({ properties: method, pipeline: true });
  harness.takeSent();
  return harness;
}

const connected = (): EngineHarness =>
  new EngineHarness().connected({ properties: method }, { properties: method });

describe('an authentication', () => {
  it('[MQTT-3.1.2-30] sends nothing but AUTH until CONNACK', () => {
    const harness = opened();
    harness.publish('t');
    harness.publish('t', { qos: 1 });
    harness.subscribe(['t']);
    harness.unsubscribe(['t']);
    harness.advance(120_000);
    harness.server(challenge());
    authenticate(harness, 1);
    harness.advance(120_000);
    expect(harness.takeSentShort()).toEqual(['auth 0x18']);
    harness.server(connack({ properties: method }));
    expect(harness.takeSentShort()).toHaveLength(4);
  });

  it('[MQTT-3.1.2-30] sends DISCONNECT before CONNACK when it is asked to', () => {
    const harness = opened();
    harness.publish('t');
    harness.disconnect();
    expect(harness.takeSentShort().filter((packet) => packet !== 'disconnect')).toEqual([]);
    expect(harness.closed).toBe(true);
  });

  it('[MQTT-4.12.0-3] [MQTT-4.12.0-5] answers every challenge by AUTH 0x18 with its method', () => {
    const harness = opened();
    for (const round of [1, 2, 3]) {
      const before = harness.batches.length;
      harness.server(challenge({ ...method, authenticationData: Uint8Array.of(round) }));
      authenticate(harness, 0xf0 + round);
      const bytes = harness.batches.slice(before).flatMap((batch) => batch.bytes);
      expect(toHex(bytes)).toBe(`f0 0a 18 08 15 00 01 4d 16 00 01 f${round}`);
    }
  });

  it.each([
    ['AUTH with another method', challenge({ authenticationMethod: 'N' })],
    ['CONNACK with another method', connack({ properties: { authenticationMethod: 'N' } })],
    ['CONNACK without a method', connack()],
  ])('[MQTT-4.12.0-5] ends on %s', (_, packet) => {
    const harness = opened();
    harness.server(packet);
    expect(harness.closed).toBe(true);
    expect(harness.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
  });

  it('[MQTT-4.12.0-5] ends on AUTH without a method', () => {
    const harness = opened();
    harness.serverBytes(Uint8Array.of(0xf0, 2, 0x18, 0));
    expect(harness.closed).toBe(true);
    expect(harness.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
  });

  it('[MQTT-4.12.0-7] is not begun by a client whose CONNECT had no method', async () => {
    const harness = new EngineHarness().connected();
    expect(() => authenticate(harness, 1)).toThrow(/no authenticationMethod/);
    expect(harness.takeSent()).toEqual([]);
    const stage = new Stage();
    const client = await stage.connect({ version: '5.0' });
    expect(await rejection(client.reauthenticate())).toMatchObject({ code: 'invalidArgument' });
    expect(stage.sent('auth')).toEqual([]);
  });

  it('[MQTT-3.15.2-1] never ends by AUTH 0x00 from a client, nor by 0x19 from a server', () => {
    const harness = connected();
    authenticate(harness);
    harness.server(challenge());
    authenticate(harness);
    expect(harness.takeSentShort()).toEqual(['auth 0x19', 'auth 0x18']);
    harness.serverBytes(Uint8Array.of(0xf0, 6, 0x19, 4, 0x15, 0, 1, 0x4d));
    expect(harness.closed).toBe(true);
    expect(harness.takeEnd()).toMatchObject({ kind: 'breach' });
  });
});

describe('a re-authentication', () => {
  it('[MQTT-4.12.1-1] begins by AUTH 0x19 with the same method, and lets everything else go on', () => {
    const harness = connected();
    const before = harness.batches.length;
    authenticate(harness, 1);
    const bytes = harness.batches.slice(before).flatMap((batch) => batch.bytes);
    expect(toHex(bytes)).toBe('f0 0a 19 08 15 00 01 4d 16 00 01 01');
    harness.takeSent();
    harness.publish('t', { qos: 1 });
    harness.subscribe(['t']);
    expect(harness.takeSentShort()).toEqual(['publish 1', 'subscribe 2']);
    harness.server(puback(1), suback(2, [0]), challenge(method, 0));
    expect(harness.take('authentication')).toMatchObject([{ reasonCode: 0 }]);
    expect(harness.closed).toBe(false);
  });

  it('[MQTT-4.12.0-5] ends on AUTH with another method', () => {
    const harness = connected();
    authenticate(harness);
    harness.server(challenge({ authenticationMethod: 'N' }, 0));
    expect(harness.takeSentShort()).toEqual(['auth 0x19', 'disconnect 0x82']);
    expect(harness.closed).toBe(true);
  });

  it('[MQTT-4.12.1-2] that fails at the client ends the connection', async () => {
    const stage = new Stage({ connack: () => method });
    let failing = false;
    const client = await stage.connect({
      version: '5.0',
      reconnect: false,
      authentication: {
        method: 'M',
        start: () => {
          if (failing) throw new Error('no ticket');
          return undefined;
        },
        respond: () => undefined,
      },
    });
    failing = true;
    const again = watch(client.reauthenticate());
    await stage.settle();
    expect(again.settled).toBe(true);
    expect(again.error).toBeDefined();
    expect(stage.server().isClosed).toBe(true);
  });

  it('[MQTT-4.12.1-2] that the server refuses ends the connection, and is told', async () => {
    const stage = new Stage({ connack: () => method });
    const client = await stage.connect({
      version: '5.0',
      reconnect: false,
      authentication: { method: 'M', respond: () => undefined },
    });
    const again = watch(client.reauthenticate());
    await stage.settle();
    stage.server().send(disconnect(0x87));
    await stage.settle();
    expect(again.error).toBeDefined();
    expect(client.status).toMatchObject({ state: 'closed', reason: { reasonCode: 0x87 } });
    expect(stage.server().isClosed).toBe(true);
  });
});
