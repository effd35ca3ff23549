import { describe, expect, it } from 'vitest';
import { describeBytes, describePacket, packetTypeName } from './describe-packet.ts';
import {
  connectPacket,
  disconnect,
  pingreq,
  publish,
  pubrel,
  subscribe,
  subscription,
} from './packet-builders.ts';

describe('describePacket', () => {
  it('shows what a packet carries in one line, and leaves absent values out', () => {
    expect(describePacket(pingreq())).toBe('PINGREQ');
    expect(describePacket(pubrel(7))).toBe('PUBREL packetIdentifier=7 reasonCode=0');
    expect(describePacket(publish('a/b', 'hello', { qos: 1 }))).toBe(
      'PUBLISH topic="a/b" payload="hello" qos=1 retain=false dup=false packetIdentifier=1',
    );
    expect(describePacket(disconnect(0x8e, { reasonString: 'other' }))).toBe(
      'DISCONNECT reasonCode=142 properties={"reasonString":"other"}',
    );
    expect(describePacket(subscribe(3, [subscription('#', { qos: 2 })]))).toContain(
      '{"topicFilter":"#","qos":2',
    );
  });

  it('shows bytes that are no text as hexadecimal numbers, and cuts long payloads', () => {
    expect(describePacket(publish('t', Uint8Array.of(0, 255)))).toContain('payload="hex 00 ff"');
    expect(describePacket(publish('t', Buffer.from('hello')))).toContain('payload="hello"');
    expect(describePacket(publish('t', 'x'.repeat(1_000)))).toContain('x... (1000 bytes)');
    expect(describeBytes(new Uint8Array(100), 2)).toBe('00 00 ... (100 bytes)');
  });

  it('names types as the specification does', () => {
    expect(packetTypeName(connectPacket())).toBe('connect');
  });
});
