import type { Message } from '@mqtt-kit/core';
import { disconnect, publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { errors, reconnecting, Stage, statuses, texts, watch } from './support/stage.ts';

/** A connected client with a handler on `#`, and what it got. */
async function listening(version: '5.0' | '3.1.1' = '5.0') {
  const stage = new Stage();
  const client = await stage.connect({ version });
  const got: Message[] = [];
  await client.subscribe('#', { qos: 2 }, (message) => got.push(message));
  return { stage, client, got, seen: statuses(client), lost: errors(client) };
}

describe('a malformed packet', () => {
  it.each([
    ['a QoS of 3', '36 05 00 01 74 00 07', 0x81],
    ['Packet Identifier 0', '32 06 00 01 74 00 00 00', 0x82],
    ['an unknown property', '30 05 00 01 74 01 7f', 0x81],
  ])(
    '[MQTT-4.13.1-1] is answered by DISCONNECT, closed, reported and left behind: %s',
    async (_name, bytes, reasonCode) => {
      const { stage, client, got, seen, lost } = await listening();
      stage.server().sendRaw(bytes);
      await stage.settle();
      expect(stage.sent('disconnect')).toMatchObject([{ reasonCode }]);
      expect(stage.server().received.at(-1)?.type).toBe(14);
      expect(stage.server().isClosed).toBe(true);
      const code = reasonCode === 0x81 ? 'malformedPacket' : 'protocolError';
      expect(reconnecting(seen)[0]?.reason.code).toBe(code);
      expect(lost.length).toBeGreaterThanOrEqual(1);
      await stage.clock.advanceUntil(() => client.connected);
      await stage.settle();
      stage.server(2).send(publish('after', 'x'));
      await stage.settle();
      expect(got.map(({ topic }) => topic)).toEqual(['after']);
    },
  );

  it('[MQTT3-4.8.0-1] under 3.1.1 is closed without a word', async () => {
    const { stage, client, seen } = await listening('3.1.1');
    const before = stage.server().receivedBytes.length;
    stage.server().sendRaw('36 04 00 01 74 00');
    await stage.settle();
    expect(stage.server().receivedBytes).toHaveLength(before);
    expect(stage.server().isClosed).toBe(true);
    expect(reconnecting(seen)[0]?.reason.code).toBe('malformedPacket');
    await stage.clock.advanceUntil(() => client.connected);
  });

  it('does not settle requests as if they had been answered', async () => {
    const { stage, client } = await listening();
    stage.hold.add('publish');
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    await stage.settle();
    const { packetIdentifier = 0 } = stage.sent('publish')[0]!;
    // A reason code that PUBACK has not.
    stage
      .server()
      .sendRaw(Uint8Array.of(0x40, 3, packetIdentifier >> 8, packetIdentifier & 255, 0x42));
    await stage.settle();
    expect(published.resolved).toBe(false);
    stage.hold.clear();
    await stage.clock.advanceUntil(() => published.settled);
    expect(published.resolved).toBe(true);
  });
});

describe('a packet over the limit', () => {
  it('is refused by its fixed header, before a byte of it is kept', async () => {
    for (const version of ['5.0', '3.1.1'] as const) {
      const stage = new Stage();
      const client = await stage.connect({ version, maximumPacketSize: 1_024 });
      const seen = statuses(client);
      if (version === '5.0') {
        expect(stage.sent('connect')[0]?.properties.maximumPacketSize).toBe(1_024);
      }
      // 1,025 bytes are announced; the fixed header is all that comes.
      stage.server().sendRaw('30 fe 07');
      await stage.settle();
      expect(stage.server().isClosed).toBe(true);
      expect(reconnecting(seen)).toHaveLength(1);
      if (version === '5.0') expect(stage.sent('disconnect')).toMatchObject([{ reasonCode: 0x95 }]);
    }
  });

  it('is one byte larger than one that is taken', async () => {
    const stage = new Stage();
    const client = await stage.connect({ maximumPacketSize: 1_024 });
    const got: Message[] = [];
    await client.subscribe('#', (message) => got.push(message));
    const largest = publish('t', 'x'.repeat(1_024 - 7));
    expect(stage.server().encode(largest)).toHaveLength(1_024);
    stage.server().send(largest);
    await stage.settle();
    expect(got).toHaveLength(1);
    expect(client.connected).toBe(true);
  });
});

describe('a packet that a server may not send', () => {
  it.each([
    ['CONNECT', '10 0d 00 04 4d 51 54 54 05 02 00 00 00 00 00'],
    ['SUBSCRIBE', '82 07 00 01 00 00 01 74 00'],
    ['UNSUBSCRIBE', 'a2 06 00 01 00 00 01 74'],
    ['PINGREQ', 'c0 00'],
    ['AUTH without a method', 'f0 06 18 04 15 00 01 6d'],
  ])('is a protocol error: %s', async (_name, bytes) => {
    const { stage, seen } = await listening();
    stage.server().sendRaw(bytes);
    await stage.settle();
    expect(stage.sent('disconnect')).toMatchObject([{ reasonCode: 0x82 }]);
    expect(reconnecting(seen)[0]?.reason.code).toBe('protocolError');
  });
});

describe('bytes that break a rule of the encoding', () => {
  it.each([
    ['[MQTT-1.5.4-1] ill-formed UTF-8', '30 05 00 02 c0 80 00', 0x81],
    ['[MQTT-1.5.4-2] U+0000', '30 04 00 01 00 00', 0x81],
    ['[MQTT-2.1.3-1] reserved flags', 'd1 00', 0x81],
    ['[MQTT-3.6.1-1] reserved flags of PUBREL', '60 02 00 01', 0x81],
    ['[MQTT-1.5.5-1] a length that is not the shortest', 'd0 80 00', 0x81],
    ['a property twice', '30 08 00 01 74 04 01 00 01 00', 0x82],
  ])('are refused: %s', async (_name, bytes, reasonCode) => {
    const { stage, got } = await listening();
    stage.server().sendRaw(bytes);
    await stage.settle();
    expect(stage.sent('disconnect')).toMatchObject([{ reasonCode }]);
    expect(got).toEqual([]);
  });
});

describe('DISCONNECT of the server', () => {
  it('is told with its reason and its Reason String', async () => {
    const { stage, client, seen } = await listening();
    stage.server().send(disconnect(0x8b, { reasonString: 'back in a minute' }));
    await stage.settle();
    expect(stage.sent('disconnect')).toHaveLength(0);
    expect(stage.server().isClosed).toBe(true);
    expect(reconnecting(seen)[0]?.reason).toMatchObject({
      reasonCode: 0x8b,
      reasonString: 'back in a minute',
    });
    await stage.clock.advanceUntil(() => client.connected);
  });
});

describe('what follows a breach in the same chunk', () => {
  it('is neither delivered nor answered', async () => {
    const { stage, client, got } = await listening();
    stage.hold.add('publish');
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    await stage.settle();
    const { packetIdentifier = 0 } = stage.sent('publish')[0]!;
    const before = stage.server().received.length;
    stage
      .server()
      .sendRaw(
        [
          '30 05 00 01 61 00 31',
          'd1 00',
          '30 05 00 01 62 00 32',
          '32 07 00 01 63 00 05 00 33',
          `40 02 ${(packetIdentifier >> 8).toString(16).padStart(2, '0')} ${(packetIdentifier & 255).toString(16).padStart(2, '0')}`,
          'd1 00',
        ].join(' '),
      );
    await stage.settle();
    expect(texts(got)).toEqual(['1']);
    expect(stage.server().received.slice(before)).toMatchObject([{ type: 14, reasonCode: 0x81 }]);
    expect(published.settled).toBe(false);
  });
});
