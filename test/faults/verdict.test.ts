import { PacketType } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { judge, type LaneRecord, type Verdict } from './verdict.ts';
import type { WireEvent } from './wire-trace.ts';

const types = {
  CONNECT: PacketType.connect,
  CONNACK: PacketType.connack,
  PUBLISH: PacketType.publish,
  PUBREC: PacketType.pubrec,
  PUBREL: PacketType.pubrel,
  PUBCOMP: PacketType.pubcomp,
} as const;

/**
 * `< PUBLISH 7 100`: the server sends message 100 under the identifier 7. Of a CONNACK the number is Session Present.
 * They come 100 ms one after the other, from 100 on.
 */
function trace(text: string): WireEvent[] {
  return text
    .split(',')
    .map((packet) => packet.trim().split(' '))
    .map(([way, type, identifier, number], index) => ({
      fromServer: way === '<',
      connection: 1,
      type: types[type as keyof typeof types],
      identifier: Number(identifier),
      number: number === undefined ? -1 : Number(number),
      atMs: 100 * (index + 1),
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
    outages: record.outages ?? [],
    isTrusted: record.isTrusted ?? false,
    qos: record.qos ?? 2,
    delivery: record.delivery ?? 'at-least-once',
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
    // PUBREL was sent, and cut off: the receiver never heard it.
    const released = '< PUBLISH 7 99, > PUBREC 7, < PUBREL 7';
    const forgotten = { receiverLog: '', in: `${released}, < CONNACK 1, ${taken}` };
    expect(verdict(forgotten)).toMatchObject({ lost: 0, lostByServer: 1 });
    const finished = { receiverLog: '', in: `${released}, > PUBCOMP 7, ${taken}` };
    expect(verdict(finished)).toMatchObject({ lost: 1, lostByServer: 0 });
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

  it('excuses no mark where the receiver keeps its own record', () => {
    const receiverLog = 'h 100 0 7\nh 100 1 7\n';
    expect(verdict({ receiverLog })).toMatchObject({ doubled: 0, redelivered: 1 });
    const record = { receiverLog, delivery: 'transactional' } as const;
    expect(verdict(record)).toMatchObject({ doubled: 1, redelivered: 0 });
    // At QoS 1 a second delivery may hold the same message, but no delivery comes twice.
    expect(verdict({ ...record, qos: 1 })).toMatchObject({ doubled: 1 });
    const resent = { ...record, receiverLog: 'h 100 0 7\nh 100 0 8\n' };
    expect(verdict({ ...resent, qos: 1 })).toMatchObject({ doubled: 0 });
    expect(verdict(resent)).toMatchObject({ doubled: 1 });
  });

  it('believes of a server that saves its sessions only that it forgets what it had not saved', () => {
    const record = { receiverLog: '', in: '< CONNACK 1', isTrusted: true };
    expect(verdict(record)).toMatchObject({ lost: 1, lostByServer: 0 });
    // The last packet of the exchange was seen at 400.
    const outages = (savedAtMs: number) => [{ savedAtMs, endedAtMs: 500 }];
    expect(verdict({ ...record, outages: outages(350) })).toMatchObject({ lost: 0 });
    expect(verdict({ ...record, outages: outages(450) })).toMatchObject({ lost: 1 });
    expect(verdict({ ...record, outages: [{ savedAtMs: 0, endedAtMs: 50 }] })).toMatchObject({
      lost: 1,
    });
  });

  it('counts sessions that are gone without an outage', () => {
    const record = { in: `< CONNACK 0, ${taken}, < CONNACK 0`, isTrusted: true };
    expect(verdict(record)).toMatchObject({ sessionsLost: 1 });
    const outages = [{ savedAtMs: 450, endedAtMs: 550 }];
    expect(verdict({ ...record, outages })).toMatchObject({ sessionsLost: 0 });
    // The server ended behind the second CONNECT, at 700, and its answer was read later than the news of its end.
    const late = `> CONNECT 0, < CONNACK 0, ${taken}, > CONNECT 0, < CONNACK 1, < CONNACK 0`;
    const end = { savedAtMs: 50, endedAtMs: 750 };
    expect(verdict({ in: late, isTrusted: true, outages: [end] }).sessionsLost).toBe(0);
    const tooEarly = [{ ...end, endedAtMs: 650 }];
    expect(verdict({ in: late, isTrusted: true, outages: tooEarly }).sessionsLost).toBe(1);
    expect(verdict({ ...record, in: `< CONNACK 0, < CONNACK 1, ${taken}` }).sessionsLost).toBe(0);
    // Killed before it heard of its session, a client begins another one.
    expect(verdict({ ...record, in: `< CONNACK 1, < CONNACK 0, ${taken}` }).sessionsLost).toBe(0);
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
