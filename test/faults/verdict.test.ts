import { PacketType } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { judge, type LaneRecord, type Verdict } from './verdict.ts';
import type { WireEvent } from './wire-trace.ts';

const types = {
  CONNACK: PacketType.connack,
  PUBLISH: PacketType.publish,
  PUBREC: PacketType.pubrec,
  PUBREL: PacketType.pubrel,
  PUBCOMP: PacketType.pubcomp,
} as const;

/** `< PUBLISH 7 100`: the server sends message 100 under the identifier 7. Of a CONNACK the number is Session Present. */
function trace(text: string): WireEvent[] {
  return text
    .split(',')
    .map((packet) => packet.trim().split(' '))
    .map(([way, type, identifier, number]) => ({
      fromServer: way === '<',
      connection: 1,
      type: types[type as keyof typeof types],
      identifier: Number(identifier),
      number: number === undefined ? -1 : Number(number),
    }));
}

const sent = '> PUBLISH 1 100, < PUBREC 1, > PUBREL 1, < PUBCOMP 1';
const taken = '< PUBLISH 7 100, > PUBREC 7, < PUBREL 7, > PUBCOMP 7';

function verdict(
  record: Partial<Omit<LaneRecord, 'publisherTrace' | 'receiverTrace'>> & {
    readonly out?: string;
    readonly in?: string;
  },
): Verdict {
  return judge({
    publisherLog: record.publisherLog ?? 'a 100\nk 100\n',
    receiverLog: record.receiverLog ?? 's\nh 100 0\n',
    publisherTrace: trace(record.out ?? sent),
    receiverTrace: trace(record.in ?? taken),
    qos: record.qos ?? 2,
  });
}

describe('the verdict on a lane', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(verdict({})).toMatchObject({ lost: 0, doubled: 0, refused: 0, misordered: 0 });
  });

  it('blames the client for what it confirmed and never handled', () => {
    expect(verdict({ receiverLog: 's\n' })).toMatchObject({ lost: 1, lostByServer: 0 });
  });

  it('blames the client for what it accepted and the server never confirmed', () => {
    const record = { receiverLog: '', out: '> PUBLISH 1 100', in: '< CONNACK 1' };
    expect(verdict(record)).toMatchObject({ lost: 1, lostByServer: 0 });
  });

  it('blames the server for what it confirmed and never passed on', () => {
    const record = { receiverLog: '', in: '< CONNACK 1' };
    expect(verdict(record)).toMatchObject({ lost: 0, lostByServer: 1 });
  });

  it('blames the server for an identifier that another message still had', () => {
    const record = { receiverLog: '', in: `< PUBLISH 7 99, > PUBREC 7, < CONNACK 1, ${taken}` };
    expect(verdict(record)).toMatchObject({ lost: 0, lostByServer: 1 });
  });

  it('blames the client for a second handling that no second exchange explains', () => {
    const record = { receiverLog: 'h 100 0\nh 100 0\n' };
    expect(verdict({ ...record })).toMatchObject({ doubled: 1, doubledByServer: 0 });
    const repeated = `< PUBLISH 7 100, > PUBREC 7, < CONNACK 1, ${taken}`;
    expect(verdict({ ...record, in: repeated })).toMatchObject({ doubled: 1 });
  });

  it('blames the client for sending a message in two exchanges', () => {
    const out = `${sent}, < CONNACK 1, > PUBLISH 2 100, < PUBREC 2, > PUBREL 2, < PUBCOMP 2`;
    const record = { receiverLog: 'h 100 0\nh 100 0\n', out, in: `${taken}, ${taken}` };
    expect(verdict(record)).toMatchObject({ doubled: 1, doubledByServer: 0 });
  });

  it('blames the server for PUBLISH behind its PUBREL, and for a session that it lost', () => {
    const record = { receiverLog: 'h 100 0\nh 100 0\n', in: `${taken}, ${taken}` };
    expect(verdict(record)).toMatchObject({ doubled: 0, doubledByServer: 1 });
    const out = `> PUBLISH 1 100, < CONNACK 0, ${sent}`;
    expect(verdict({ ...record, out })).toMatchObject({ doubled: 0, doubledByServer: 1 });
  });

  it('counts what is marked as redelivered apart', () => {
    const record = { receiverLog: 'h 100 0\nh 100 1\n' };
    expect(verdict(record)).toMatchObject({ doubled: 0, redelivered: 1 });
  });

  it('sees refusals and wrong orders', () => {
    expect(verdict({ publisherLog: 'a 100\nr 100 queue full\n' })).toMatchObject({ refused: 1 });
    const late = '> PUBLISH 2 101, > PUBLISH 1 100';
    expect(verdict({ out: late })).toMatchObject({ misordered: 1 });
    const record = { receiverLog: 'h 101 0\nh 100 0\n', in: '< PUBLISH 7 100, < PUBLISH 8 101' };
    expect(verdict(record)).toMatchObject({ misordered: 1 });
  });

  it('reads no half lines', () => {
    expect(verdict({ publisherLog: 'a 100\nk 100\na 10' })).toMatchObject({ accepted: 1 });
  });
});
