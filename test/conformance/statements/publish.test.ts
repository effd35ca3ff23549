import { PacketType, type Properties } from '@mqtt-kit/packet';
import { connack, publish, pubrec, pubrel } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { EngineHarness, persistent } from '../../../packages/testkit/src/engine-harness.ts';
import { publish as rawPublish, string } from '../support/bytes.ts';
import { rejection, Stage } from '../support/stage.ts';
import {
  expectBreach,
  expectNotEncoded,
  hexOf,
  versions,
  writtenHex,
} from './statement-support.ts';

describe.each(versions)('PUBLISH, %s', (version) => {
  const v5 = version === '5.0';
  const none = v5 ? ' 00' : '';
  const head = (first: string, remaining: number): string =>
    `${first} ${(remaining + (v5 ? 1 : 0)).toString(16).padStart(2, '0')}`;

  it('[MQTT-3.3.2-1] [MQTT3-3.3.2-1] begins with its topic in UTF-8', () => {
    expect(hexOf(version, publish('é', 'x'))).toBe(`${head('30', 5)} 00 02 c3 a9${none} 78`);
    const identified = publish('é', 'x', { qos: 1, packetIdentifier: 0x1234 });
    expect(hexOf(version, identified)).toBe(`${head('32', 7)} 00 02 c3 a9 12 34${none} 78`);
  });

  it('[MQTT-2.2.1-2] [MQTT3-2.3.1-5] [MQTT-4.3.1-1] [MQTT3-4.3.1-1] of QoS 0 has no identifier and no DUP', () => {
    const harness = new EngineHarness({ version }).connected();
    const before = harness.batches.length;
    harness.publish('t', { payload: 'x' });
    harness.publish('t', { payload: 'x', retain: true });
    const written = harness.batches.slice(before).flatMap(({ bytes }) => bytes);
    expect(written.map((chunk) => Buffer.from(chunk).toString('hex'))).toEqual(
      ['30', '31'].map((first) => `${head(first, 4)} 00 01 74${none} 78`.replaceAll(' ', '')),
    );
    expectNotEncoded(version, { ...publish('t'), packetIdentifier: 1 });
  });

  it('[MQTT-2.2.1-2] [MQTT3-2.3.1-5] of QoS 0 is read without an identifier', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.serverBytes(rawPublish(version, { topic: 't', payload: '00 07' }));
    expect(harness.take('message')).toMatchObject([
      { packet: { packetIdentifier: undefined, payload: Uint8Array.of(0, 7) } },
    ]);
  });

  it('[MQTT-3.3.1-2] [MQTT3-3.3.1-2] of QoS 0 with DUP ends the connection, and is not sent', () => {
    expectBreach(version, [0x81, 0x82], rawPublish(version, { flags: 8 }));
    expectNotEncoded(version, publish('t', '', { dup: true }));
  });

  it('[MQTT-3.3.1-2] [MQTT3-3.3.1-2] of QoS 0 has no DUP when it was queued over a broken connection', () => {
    const harness = new EngineHarness({ version }).resumable();
    harness.cut();
    harness.publish('t');
    harness.open(persistent);
    harness.server(connack({ sessionPresent: true }));
    expect(harness.takeSent()).toMatchObject([{ type: 1 }, { type: 3, qos: 0, dup: false }]);
  });

  it('[MQTT-3.3.1-1] [MQTT3-3.3.1-1] has DUP when it is sent again, and not before', () => {
    const harness = new EngineHarness({ version }).resumable();
    harness.publish('one', { qos: 1 });
    harness.publish('two', { qos: 2 });
    expect(harness.takeSent()).toMatchObject([{ dup: false }, { dup: false }]);
    harness.reconnect();
    expect(harness.takeSent()).toMatchObject([
      { topic: 'one', dup: true },
      { topic: 'two', dup: true },
    ]);
    expect(writtenHex(harness)).toContain(`${head('3a', 7)} 00 03 6f 6e 65 00 01`);
    expect(writtenHex(harness)).toContain(`${head('3c', 7)} 00 03 74 77 6f 00 02`);
  });

  it.each(['a/+', 'a/#', '+', '#', 'a+b'])(
    '[MQTT-3.3.2-2] [MQTT3-3.3.2-2] [MQTT-4.7.0-1] [MQTT3-4.7.1-1] has no wildcard in its topic: %s',
    async (topic) => {
      expectBreach(version, [0x82, 0x90], rawPublish(version, { topic }));
      expectNotEncoded(version, publish(topic));
      const stage = new Stage();
      const client = await stage.connect({ version });
      expect(await rejection(client.publish(topic, 'x'))).toMatchObject({
        code: 'invalidArgument',
      });
      await stage.settle();
      expect(stage.sent('publish')).toEqual([]);
    },
  );

  it('[MQTT-3.3.4-1] [MQTT3-3.3.4-1] is answered by its QoS: nothing, PUBACK, PUBREC', () => {
    const harness = new EngineHarness({ version }).connected();
    for (const qos of [0, 1, 2] as const) {
      harness.server(publish('t', '', qos === 0 ? {} : { qos, packetIdentifier: 40 + qos }));
      for (const { delivery } of harness.take('message')) harness.acknowledge(delivery);
      expect(harness.takeSentShort()).toEqual([[], ['puback 41'], ['pubrec 42']][qos]);
    }
  });

  it('[MQTT-2.2.1-5] [MQTT3-2.3.1-6] lends its identifier to every packet of its exchange', () => {
    const harness = new EngineHarness({ version }).connected();
    const before = harness.batches.length;
    harness.server(
      publish('t', '', { qos: 1, packetIdentifier: 0x1234 }),
      publish('t', '', { qos: 2, packetIdentifier: 0xabcd }),
    );
    for (const { delivery } of harness.take('message')) harness.acknowledge(delivery);
    harness.server(pubrel(0xabcd));
    harness.publish('t', { qos: 2 });
    harness.server(pubrec(1));
    const written = harness.batches.slice(before).flatMap(({ bytes }) => bytes);
    const packets = written.map((chunk) => Buffer.from(chunk).toString('hex'));
    expect(packets.join('')).toContain('40021234');
    expect(packets.join('')).toContain('5002abcd');
    expect(packets.join('')).toContain('7002abcd');
    expect(packets.at(-1)).toBe('62020001');
  });
});

describe('PUBLISH', () => {
  it('[MQTT-3.3.2-13] has Response Topic in UTF-8', () => {
    expect(hexOf('5.0', publish('t', '', { properties: { responseTopic: 'é' } }))).toBe(
      '30 09 00 01 74 05 08 00 02 c3 a9',
    );
    expectNotEncoded('5.0', publish('t', '', { properties: { responseTopic: '\ud800' } }));
    expectBreach('5.0', 0x81, rawPublish('5.0', { props: ['08 00 02 c3 28'] }));
  });

  it.each(['r/+', 'r/#', '#'])(
    '[MQTT-3.3.2-14] has no wildcard in Response Topic: %s',
    async (responseTopic) => {
      expectNotEncoded('5.0', publish('t', '', { properties: { responseTopic } }));
      expectBreach(
        '5.0',
        [0x82, 0x90],
        rawPublish('5.0', { props: ['08', string(responseTopic)] }),
      );
      const stage = new Stage();
      const client = await stage.connect({ version: '5.0' });
      expect(await rejection(client.publish('t', '', { responseTopic }))).toMatchObject({
        code: 'invalidArgument',
      });
      expect(stage.sent('publish')).toEqual([]);
    },
  );

  it('[MQTT-3.3.2-19] has Content Type in UTF-8', () => {
    expect(hexOf('5.0', publish('t', '', { properties: { contentType: 'é' } }))).toBe(
      '30 09 00 01 74 05 03 00 02 c3 a9',
    );
    expectNotEncoded('5.0', publish('t', '', { properties: { contentType: '\udfff' } }));
    expectBreach('5.0', 0x81, rawPublish('5.0', { props: ['03 00 02 c3 28'] }));
  });

  it('[MQTT-3.3.4-6] from a client has no Subscription Identifier', async () => {
    const properties: Properties = { subscriptionIdentifiers: [1] };
    expectNotEncoded('5.0', publish('t', '', { properties }));
    const stage = new Stage();
    const client = await stage.connect({ version: '5.0' });
    const options = { subscriptionIdentifiers: [1] } as object;
    expect(await rejection(client.publish('t', '', options))).toMatchObject({
      code: 'invalidArgument',
    });
    expect(stage.sent('publish')).toEqual([]);
  });
});

describe('what the server cannot do', () => {
  const failures = (harness: EngineHarness): unknown[] =>
    harness.take('published').map(({ outcome }) => outcome.kind === 'failed' && outcome.code);

  it.each([0, 1] as const)(
    '[MQTT-3.2.2-11] is not asked for: QoS above Maximum QoS %i',
    (maximumQos) => {
      const harness = new EngineHarness();
      // Queued before the server said so, and published afterwards.
      harness.publish('t', { qos: 2 });
      harness.open();
      harness.takeSent();
      harness.server(connack({ properties: { maximumQos } }));
      harness.publish('t', { qos: 2 });
      for (let qos = 0; qos <= maximumQos; qos += 1) harness.publish('t', { qos: qos as 0 | 1 });
      const sent = harness.takeSent() as { qos: number }[];
      expect(sent.map(({ qos }) => qos)).toEqual(maximumQos === 0 ? [0] : [0, 1]);
      expect(failures(harness)).toEqual(['serverLimit', 'serverLimit']);
      expect(harness.closed).toBe(false);
    },
  );

  it('[MQTT-3.2.2-14] is not asked for: to retain', () => {
    const harness = new EngineHarness();
    harness.publish('t', { retain: true, qos: 1 });
    harness.open();
    harness.takeSent();
    harness.server(connack({ properties: { retainAvailable: 0 } }));
    harness.publish('t', { retain: true, qos: 1 });
    harness.publish('plain', { qos: 1 });
    expect(harness.takeSent()).toMatchObject([{ topic: 'plain', retain: false }]);
    expect(failures(harness)).toEqual(['serverLimit', 'serverLimit']);
  });

  it('[MQTT-3.2.2-15] is not sent: a packet above Maximum Packet Size, by one byte', () => {
    const harness = new EngineHarness().connected({}, { properties: { maximumPacketSize: 100 } });
    // 2 bytes of fixed header, 3 of topic, 2 of identifier, 1 of properties.
    harness.publish('t', { qos: 1, payload: new Uint8Array(92) });
    expect(harness.takeSent()).toHaveLength(1);
    harness.publish('t', { qos: 1, payload: new Uint8Array(93) });
    harness.subscribe(['x'.repeat(100)]);
    harness.unsubscribe(['x'.repeat(100)]);
    expect(harness.takeSent()).toEqual([]);
    const failed = harness.takeEvents().map((event) => 'outcome' in event && event.outcome);
    expect(failed).toMatchObject(Array(3).fill({ kind: 'failed', code: 'serverLimit' }));
    expect(harness.closed).toBe(false);
  });

  it('[MQTT-3.2.2-15] is not sent: what was queued before the limit was known', () => {
    const harness = new EngineHarness();
    harness.publish('t', { qos: 1, payload: new Uint8Array(200) });
    harness.open();
    harness.takeSent();
    harness.server(connack({ properties: { maximumPacketSize: 100 } }));
    expect(harness.takeSent()).toEqual([]);
    expect(failures(harness)).toEqual(['serverLimit']);
  });
});

describe('what acknowledgements say to people', () => {
  // Under a limit of 5 bytes there is room for an identifier and a code, and for no property.
  const limited = () => new EngineHarness().connected({}, { properties: { maximumPacketSize: 5 } });

  it('[MQTT-3.4.2-2] [MQTT-3.4.2-3] is left out of PUBACK, which goes out', () => {
    const harness = limited();
    harness.server(publish('t', '', { qos: 1, packetIdentifier: 7 }));
    harness.acknowledge(1, 0x87);
    expect(harness.takeSent()).toEqual([
      { type: PacketType.puback, packetIdentifier: 7, reasonCode: 0x87, properties: {} },
    ]);
    expect(writtenHex(harness)).toMatch(/40 03 00 07 87$/);
  });

  it('[MQTT-3.5.2-2] [MQTT-3.5.2-3] is left out of PUBREC, which goes out', () => {
    const harness = limited();
    harness.server(publish('t', '', { qos: 2, packetIdentifier: 7 }));
    harness.acknowledge(1, 0x87);
    expect(harness.takeSent()).toEqual([
      { type: PacketType.pubrec, packetIdentifier: 7, reasonCode: 0x87, properties: {} },
    ]);
    expect(writtenHex(harness)).toMatch(/50 03 00 07 87$/);
  });

  it('[MQTT-3.6.2-2] [MQTT-3.6.2-3] is left out of PUBREL, which goes out', () => {
    const harness = limited();
    harness.server(pubrec(9));
    expect(writtenHex(harness)).toMatch(/62 03 00 09 92$/);
  });

  it('[MQTT-3.7.2-2] [MQTT-3.7.2-3] is left out of PUBCOMP, which goes out', () => {
    const harness = limited();
    harness.server(pubrel(9));
    expect(writtenHex(harness)).toMatch(/70 03 00 09 92$/);
  });

  it('[MQTT-3.14.2-3] [MQTT-3.14.2-4] is left out of DISCONNECT where it does not fit', () => {
    const properties = { reasonString: 'why', userProperties: [['k', 'v']] } as const;
    const roomy = new EngineHarness().connected();
    roomy.disconnect(0x80, properties);
    expect(roomy.takeSent()).toMatchObject([{ reasonCode: 0x80, properties }]);
    for (const maximumPacketSize of [4, 5, 8, 14, 15]) {
      const harness = new EngineHarness().connected({}, { properties: { maximumPacketSize } });
      harness.disconnect(0x80, properties);
      expect(harness.takeSent()).toMatchObject([{ type: PacketType.disconnect, reasonCode: 0x80 }]);
      const last = harness.batches.at(-1)!.bytes.reduce((sum, chunk) => sum + chunk.length, 0);
      expect(last).toBeLessThanOrEqual(maximumPacketSize);
    }
  });

  it('[MQTT-3.15.2-2] [MQTT-3.15.2-3] is left out of AUTH', () => {
    const authenticationMethod = 'M';
    const harness = new EngineHarness().connected(
      { properties: { authenticationMethod } },
      { properties: { authenticationMethod, maximumPacketSize: 8 } },
    );
    harness.engine.authenticate(undefined, harness.now);
    harness.settle();
    // Its 8 bytes are what the packet has to hold.
    expect(writtenHex(harness)).toMatch(/f0 06 19 04 15 00 01 4d$/);
    expect(harness.closed).toBe(false);
  });
});

describe('a queue', () => {
  it('[MQTT-4.3.2-2] [MQTT-4.3.3-2] sends first with DUP 0 what was queued while offline', () => {
    for (const qos of [1, 2] as const) {
      const harness = new EngineHarness();
      harness.publish('t', { qos });
      harness.open();
      harness.takeSent();
      harness.server(connack());
      expect(harness.takeSent()).toMatchObject([{ qos, dup: false, packetIdentifier: 1 }]);
    }
  });
});
