import { PacketType } from '@mqtt-kit/packet';
import { connack, connectPacket, disconnect, publish, suback, will } from '@mqtt-kit/testkit';
import { connect } from 'mqtt-kit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EngineHarness } from '../../../packages/testkit/src/engine-harness.ts';
import { bytes } from '../support/bytes.ts';
import { RawServer, soon } from '../support/raw-server.ts';
import { rejection, Stage, watch } from '../support/stage.ts';
import { expectNotEncoded, hexOf, toHex, versions, writtenHex } from './statement-support.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

async function listening(version: '5.0' | '3.1.1'): Promise<RawServer> {
  const server = new RawServer(version);
  await server.listen();
  onTestFinished(() => server.close());
  return server;
}

describe.each(versions)('CONNECT, %s', (version) => {
  const v5 = version === '5.0';
  /** Protocol name and level. */
  const protocol = `00 04 4d 51 54 54 ${v5 ? '05' : '04'}`;
  const none = v5 ? ' 00' : '';
  const head = (remaining: number, flags: string): string =>
    `10 ${(remaining + (v5 ? 1 : 0)).toString(16).padStart(2, '0')} ${protocol} ${flags} 00 00${none}`;

  it('[MQTT-3.1.0-1] [MQTT3-3.1.0-1] is the first packet, whatever waits to be sent', () => {
    const harness = new EngineHarness({ version });
    harness.publish('t', { qos: 1 });
    harness.publish('t');
    harness.subscribe(['t']);
    harness.start();
    expect(writtenHex(harness)).toBe('');
    harness.engine.transportOpened(harness.now);
    expect(toHex(harness.engine.takeBatch()!.bytes).slice(0, 2)).toBe('10');
  });

  it('[MQTT-3.1.0-1] [MQTT3-3.1.0-1] is the first packet on a socket, again after a reconnection', async () => {
    const server = await listening(version);
    const client = await connect(server.url, { version, reconnect: { minDelayMs: 1 } });
    const publishing = watch(client.publish('t', 'x', { qos: 1 }));
    server.connections[0]!.socket.destroy();
    const second = await server.connection(2);
    await second.until('a packet', () => second.packets.length > 0);
    expect(server.connections.map(({ packets }) => packets[0]?.firstByte)).toEqual([0x10, 0x10]);
    await client.close({ timeoutMs: 0 });
    await publishing.done;
  });

  it('[MQTT-3.1.3-3] [MQTT3-3.1.3-3] begins its payload with the client identifier, empty too', () => {
    expect(hexOf(version, connectPacket({ version, clientId: '' }))).toBe(
      `${head(12, '02')} 00 00`,
    );
    expect(hexOf(version, connectPacket({ version, clientId: 'ab' }))).toBe(
      `${head(14, '02')} 00 02 61 62`,
    );
  });

  it('[MQTT-3.1.3-4] [MQTT3-3.1.3-4] has the client identifier in UTF-8', () => {
    expect(hexOf(version, connectPacket({ version, clientId: 'é😀' }))).toBe(
      `${head(18, '02')} 00 06 c3 a9 f0 9f 98 80`,
    );
    expectNotEncoded(version, connectPacket({ version, clientId: '\ud83d' }));
  });

  it('[MQTT-3.1.3-1] [MQTT3-3.1.3-1] has the fields of its payload in order', () => {
    const packet = connectPacket({
      version,
      clientId: 'c',
      username: 'u',
      password: utf8('p'),
      will: will('w', 'm', v5 ? { properties: { willDelayInterval: 1 } } : {}),
    });
    const willProperties = v5 ? ' 05 18 00 00 00 01' : '';
    expect(hexOf(version, packet)).toBe(
      `${head(v5 ? 31 : 25, 'c6')} 00 01 63${willProperties} 00 01 77 00 01 6d 00 01 75 00 01 70`,
    );
  });

  it('[MQTT-3.1.2-16] [MQTT3-3.1.2-18] [MQTT-3.1.2-18] [MQTT3-3.1.2-20] has no field for a user name and a password that are not given', () => {
    expect(hexOf(version, connectPacket({ version, clientId: 'c' }))).toBe(
      `${head(13, '02')} 00 01 63`,
    );
    // A user name alone: nothing stands behind it.
    expect(hexOf(version, connectPacket({ version, clientId: 'c', username: 'u' }))).toBe(
      `${head(16, '82')} 00 01 63 00 01 75`,
    );
  });

  it('[MQTT-3.1.2-17] [MQTT3-3.1.2-19] has a field for a user name that is given, empty too', () => {
    expect(hexOf(version, connectPacket({ version, clientId: 'c', username: '' }))).toBe(
      `${head(15, '82')} 00 01 63 00 00`,
    );
  });

  it('[MQTT-3.1.2-19] [MQTT3-3.1.2-21] has a field for a password that is given, byte for byte', () => {
    const password = Uint8Array.of(0xff, 0x00);
    expect(hexOf(version, connectPacket({ version, clientId: 'c', username: 'u', password }))).toBe(
      `${head(20, 'c2')} 00 01 63 00 01 75 00 02 ff 00`,
    );
  });

  it('[MQTT-3.1.3-12] [MQTT3-3.1.3-11] has the user name in UTF-8', () => {
    expect(hexOf(version, connectPacket({ version, clientId: 'c', username: 'é' }))).toBe(
      `${head(17, '82')} 00 01 63 00 02 c3 a9`,
    );
    expectNotEncoded(version, connectPacket({ version, username: '\udc00' }));
  });

  it('[MQTT-3.1.2-9] [MQTT3-3.1.2-9] has all fields of a will, empty ones too', () => {
    const empty = v5 ? ' 00' : '';
    expect(hexOf(version, connectPacket({ version, clientId: 'c', will: will('w') }))).toBe(
      `${head(v5 ? 19 : 18, '06')} 00 01 63${empty} 00 01 77 00 00`,
    );
  });

  it('[MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT3-3.1.2-11] [MQTT3-3.1.2-13] [MQTT3-3.1.2-15] has no bits of a will without a will', () => {
    for (const fields of [{}, { username: 'u', password: utf8('p') }]) {
      const flags = Number.parseInt(
        hexOf(version, connectPacket({ version, ...fields })).split(' ')[9]!,
        16,
      );
      expect(flags & 0b0011_1100).toBe(0);
    }
  });

  it('[MQTT-3.1.2-12] [MQTT3-3.1.2-14] has a Will QoS of 0, 1 or 2', async () => {
    for (const qos of [0, 1, 2] as const) {
      const packet = connectPacket({ version, will: will('w', '', { qos }) });
      const flags = Number.parseInt(hexOf(version, packet).split(' ')[9]!, 16);
      expect((flags >> 3) & 3).toBe(qos);
    }
    expectNotEncoded(version, connectPacket({ version, will: will('w', '', { qos: 3 as never }) }));
    const stage = new Stage();
    const connecting = stage.connect({ version, will: { topic: 'w', qos: 3 as never } });
    expect(await rejection(connecting)).toMatchObject({ code: 'invalidArgument' });
    expect(stage.broker.connections).toEqual([]);
  });

  it('[MQTT-3.1.3-11] [MQTT3-3.1.3-10] has the will topic in UTF-8', () => {
    const empty = v5 ? ' 00' : '';
    expect(hexOf(version, connectPacket({ version, clientId: 'c', will: will('é') }))).toBe(
      `${head(v5 ? 20 : 19, '06')} 00 01 63${empty} 00 02 c3 a9 00 00`,
    );
    expectNotEncoded(version, connectPacket({ version, will: will('\ud800') }));
  });
});

describe('CONNECT', () => {
  it('[MQTT-3.1.2-1] names the protocol MQTT, and 0x84 as an answer is told', async () => {
    expect(hexOf('5.0', connectPacket()).slice(6, 26)).toBe('00 04 4d 51 54 54 05');
    const stage = new Stage({ refuse: () => 0x84 });
    expect(await rejection(stage.connect({ version: '5.0' }))).toMatchObject({ reasonCode: 0x84 });
  });

  it('[MQTT-3.1.2-19] of 5.0 may have a password without a user name', () => {
    expect(hexOf('5.0', connectPacket({ clientId: 'c', password: utf8('p') }))).toBe(
      '10 11 00 04 4d 51 54 54 05 42 00 00 00 00 01 63 00 01 70',
    );
  });

  it('[MQTT3-3.1.2-22] of 3.1.1 has no password without a user name', async () => {
    const version = '3.1.1';
    expectNotEncoded(version, connectPacket({ version, password: utf8('p') }));
    const stage = new Stage();
    const connecting = stage.connect({ version, password: 'p' });
    expect(await rejection(connecting)).toMatchObject({ code: 'invalidArgument' });
    expect(stage.broker.connections).toEqual([]);
  });

  it('[MQTT3-3.1.3-7] of 3.1.1 has no empty client identifier without Clean Session', async () => {
    const version = '3.1.1';
    expectNotEncoded(version, connectPacket({ version, clientId: '', cleanStart: false }));
    const stage = new Stage();
    const connecting = stage.connect({ version, clientId: '', cleanStart: false });
    expect(await rejection(connecting)).toMatchObject({ code: 'invalidArgument' });
    expect(stage.broker.connections).toEqual([]);
  });
});

describe.each(versions)('DISCONNECT, %s', (version) => {
  it('[MQTT-3.14.4-1] [MQTT3-3.14.4-2] is the last packet, whatever comes and whatever is asked', () => {
    const harness = new EngineHarness({ version }).connected({ keepAliveSeconds: 1 });
    harness.server(publish('t', '', { qos: 1, packetIdentifier: 7 }));
    harness.takeEvents();
    harness.disconnect();
    expect(harness.takeSentShort()).toEqual(['disconnect']);
    // A connection that lingers: none of this may reach it.
    harness.acknowledge(1);
    harness.server(publish('t', '', { qos: 1, packetIdentifier: 8 }));
    harness.publish('t', { qos: 1 });
    harness.subscribe(['t']);
    harness.advance(10_000);
    expect(harness.takeSentShort()).toEqual([]);
  });

  it('[MQTT-3.14.4-1] [MQTT3-3.14.4-2] is the last packet on a socket that brings more', async () => {
    const server = await listening(version);
    const client = await connect(server.url, { version });
    const connection = await server.connection(1);
    await client.subscribe('#', () => {});
    connection.answering = false;
    const closing = client.close({ timeoutMs: 0 });
    connection.write(version === '5.0' ? '32 06 00 01 74 00 07 00' : '32 05 00 01 74 00 07');
    await connection.end();
    await closing;
    expect(connection.packets.at(-1)?.firstByte).toBe(0xe0);
    expect([...connection.rest]).toEqual([]);
  });

  it('[MQTT-3.14.4-2] [MQTT3-3.14.4-1] is followed by the close', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.disconnect();
    expect(harness.closed).toBe(true);
    expect(harness.takeEnd()).toEqual({ kind: 'requested' });
  });

  it('[MQTT-3.14.4-2] [MQTT3-3.14.4-1] is followed by the end of the socket, though the server keeps its own open', async () => {
    const server = await listening(version);
    const client = await connect(server.url, { version });
    const connection = await server.connection(1);
    connection.answering = false;
    await soon('close', client.close());
    await connection.end();
    expect(connection.packets.at(-1)?.firstByte).toBe(0xe0);
  });
});

describe('a refusal', () => {
  it('[MQTT-4.13.2-1] in CONNACK ends the connection, though the server leaves it open', () => {
    for (const reasonCode of [0x80, 0x87, 0x9f]) {
      const harness = new EngineHarness();
      harness.open();
      harness.server(connack({ reasonCode }));
      expect(harness.closed).toBe(true);
      expect(harness.takeEnd()).toMatchObject({ kind: 'refused' });
    }
  });

  it('[MQTT-4.13.2-1] in DISCONNECT ends the connection, received or sent', () => {
    const receiving = new EngineHarness().connected();
    receiving.server(disconnect(0x8e));
    expect(receiving.closed).toBe(true);
    const sending = new EngineHarness().connected();
    sending.disconnect(0x81);
    expect(sending.closed).toBe(true);
    expect(sending.takeSentShort()).toEqual(['disconnect 0x81']);
  });
});

describe.each(versions)('the stream, %s', (version) => {
  it('[MQTT-4.2-1] [MQTT3-7.1.2-1] is bytes in order, however they are cut', async () => {
    const server = await listening(version);
    const client = await connect(server.url, { version });
    const connection = await server.connection(1);
    const got: string[] = [];
    await client.subscribe('#', (message) => void got.push(message.text()));
    const none = version === '5.0' ? '00' : '';
    const one = (text: string) =>
      bytes(0x30, 3 + text.length + none.length / 2, '00 01 74', none, utf8(text));
    await connection.writeByteByByte(bytes(one('first'), one('second')));
    connection.write(one('third'), one('fourth'));
    await client.publish('t', 'a'.repeat(100_000), { qos: 1 });
    expect(got).toEqual(['first', 'second', 'third', 'fourth']);
    const sent = connection.packets.find(({ type }) => type === PacketType.publish);
    expect(sent?.body.length).toBe(5 + none.length / 2 + 100_000);
    await client.close({ timeoutMs: 0 });
  });

  it('[MQTT3-7.0.0-2] needs nothing beyond the protocol: a plain server sees plain packets', async () => {
    const server = await listening(version);
    const client = await connect(server.url, { version, clientId: 'c' });
    await client.subscribe('t', () => {});
    await client.publish('t', 'x', { qos: 2 });
    await client.unsubscribe('t');
    await client.close();
    const connection = await server.connection(1);
    await connection.end();
    expect(connection.packets.map(({ type }) => type)).toEqual([1, 8, 3, 6, 10, 14]);
    if (version === '3.1.1') {
      expect([...connection.packets[0]!.body.subarray(0, 8)]).toEqual([0, 4, 77, 81, 84, 84, 4, 2]);
    }
  });
});

describe.each(versions)('a breach, %s', (version) => {
  it('[MQTT3-4.8.0-1] of any kind ends the connection', () => {
    const v5 = version === '5.0';
    const attacks = [
      '00 00',
      'd1 00',
      '36 05 00 01 74 00 01',
      '60 02 00 01',
      '40 00',
      '10 00',
      'c0 00',
      v5 ? '30 04 00 01 23 00' : '30 03 00 01 23',
      '30 02 00 05',
      'd0 ff ff ff ff',
    ];
    for (const attack of attacks) {
      const harness = new EngineHarness({ version }).connected();
      harness.serverBytes(bytes(attack));
      expect(harness.closed, attack).toBe(true);
      expect(harness.takeEnd(), attack).toMatchObject({ kind: 'breach' });
    }
  });

  it('[MQTT3-4.8.0-1] by an answer that fits no request ends the connection', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.publish('t', { qos: 1 });
    harness.server(suback(1, [0]));
    expect(harness.closed).toBe(true);
  });
});
