import { describe, expect, it } from 'vitest';
import { EngineHarness, persistent } from '../../testkit/src/engine-harness.ts';
import {
  connack,
  disconnect,
  puback,
  pubcomp,
  publish,
  pubrec,
} from '../../testkit/src/packet-builders.ts';
import type { TransportEnd } from './request.ts';

/** The server closes; another connection resumes the session. What was sent on it so far. */
function again(h: EngineHarness, sessionPresent = true, by: TransportEnd = 'server'): string[] {
  h.cut(by);
  h.takeSent();
  h.open(persistent);
  h.server(connack({ sessionPresent }));
  return h.takeSentShort().slice(1);
}

function refusals(h: EngineHarness) {
  return h.take('published').filter(({ outcome }) => outcome.kind === 'failed');
}

describe.each([
  ['5.0', 1],
  ['5.0', 2],
  ['3.1.1', 1],
  ['3.1.1', 2],
] as const)('a message at which the server closes, %s, QoS %i', (version, qos) => {
  const done = (h: EngineHarness, id: number) => {
    if (qos === 1) h.server(puback(id));
    else h.server(pubrec(id), pubcomp(id));
  };

  it('is given up at the third close, alone on its way, and its identifier stays retired', () => {
    const h = new EngineHarness({ version }).resumable();
    const ticket = h.publish('poison', { qos, payload: 'four' });
    expect(again(h)).toEqual(['publish 1 dup']);
    expect(again(h)).toEqual(['publish 1 dup']);
    expect(refusals(h)).toEqual([]);
    expect(again(h)).toEqual([]);
    expect(refusals(h)).toEqual([
      {
        type: 'published',
        ticket,
        outcome: {
          kind: 'failed',
          code: 'publishRefused',
          message:
            'the server closed the connection 3 times in a row right after the message of 4 bytes to "poison": it is not sent again',
        },
      },
    ]);
    const last = h.committed.at(-1);
    expect(last).toMatchObject({ type: 'outDone', packetIdentifier: 1, cause: 'serverLimit' });
    h.publishMany(65_534);
    const used = new Set(h.takeSentShort());
    expect(used.has('publish 1')).toBe(false);
    const restored = new EngineHarness({ version });
    restored.engine.restore(h.committed, h.now);
    restored.open(persistent);
    expect(restored.takeEvents().some(({ type }) => type === 'published')).toBe(false);
  });

  it('is found at the head of many, and the rest flows', () => {
    const h = new EngineHarness({ version }).resumable();
    for (const topic of ['poison', 'b', 'c']) h.publish(topic, { qos });
    expect(again(h)).toEqual(['publish 1 dup', 'publish 2 dup', 'publish 3 dup']);
    for (let strikes = 0; strikes < 3; strikes++) expect(again(h)).toEqual(['publish 1 dup']);
    expect(again(h)).toEqual(['publish 2 dup', 'publish 3 dup']);
    expect(refusals(h)).toHaveLength(1);
    done(h, 2);
    done(h, 3);
    expect(refusals(h)).toEqual([]);
  });

  it.each([true, false])(
    'is found in the middle, where acknowledgements before it leave: %s',
    (leave) => {
      const h = new EngineHarness({ version }).resumable();
      for (const topic of ['a', 'b', 'poison', 'd', 'e']) h.publish(topic, { qos });
      const taken = new Set<number>();
      /** Acknowledges what comes, up to the poison; tells whether that was met. */
      const serve = (): boolean => {
        for (let sent = h.takeSentShort(); sent.length > 0; sent = h.takeSentShort()) {
          const identifiers = sent
            .filter((packet) => packet.startsWith('publish '))
            .map((packet) => Number(packet.split(' ')[1]));
          const met = identifiers.includes(3);
          const before = met ? identifiers.slice(0, identifiers.indexOf(3)) : identifiers;
          for (const identifier of met && !leave ? [] : before) {
            done(h, identifier);
            taken.add(identifier);
          }
          if (met) return true;
        }
        return false;
      };
      let connections = 1;
      for (; serve() && connections < 30; connections++) {
        h.cut('server');
        h.open(persistent);
        h.server(connack({ sessionPresent: true }));
      }
      expect([...taken].sort()).toEqual([1, 2, 4, 5]);
      expect(refusals(h)).toMatchObject([{ ticket: 3, outcome: { code: 'publishRefused' } }]);
      expect(connections).toBeLessThan(leave ? 7 : 12);
    },
  );

  it('is one thing, a network that breaks each time another', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('t', { qos });
    for (let breaks = 0; breaks < 9; breaks++) {
      h.cut();
      h.open(persistent);
      h.server(connack({ sessionPresent: true }));
    }
    expect(refusals(h)).toEqual([]);
    done(h, 1);
    expect(refusals(h)).toEqual([]);
  });

  it('is cleared by an acknowledgement, of whichever message, and by nothing else', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('t', { qos });
    again(h);
    again(h);
    h.server(publish('incoming', 'x', { qos: 0 }));
    h.engine.subscribe({ subscriptions: [], properties: {} }, h.now);
    done(h, 1);
    h.publish('t', { qos });
    again(h);
    again(h);
    expect(refusals(h)).toEqual([]);
    again(h);
    expect(refusals(h)).toHaveLength(1);
  });

  it('starts again from the first strike in another life', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('t', { qos });
    again(h);
    again(h);
    const next = new EngineHarness({ version });
    next.engine.restore(h.committed, next.now);
    next.open(persistent);
    next.server(connack({ sessionPresent: true }));
    again(next);
    again(next);
    expect(refusals(next)).toEqual([]);
    again(next);
    expect(refusals(next)).toHaveLength(1);
  });

  it('is found although the application subscribes on every connection', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('poison', { qos });
    for (let closes = 0; closes < 2; closes++) {
      h.subscribe(['a/#']);
      again(h);
    }
    for (let strikes = 0; strikes < 3; strikes++) {
      h.subscribe(['a/#']);
      expect(h.takeSentShort()).toEqual([]);
      expect(refusals(h)).toEqual([]);
      again(h);
    }
    expect(refusals(h)).toHaveLength(1);
    h.subscribe(['a/#']);
    expect(h.takeSentShort()).toEqual(['subscribe 2']);
  });

  it('holds requests back until the server has answered it, or takes its time', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('slow', { qos });
    again(h);
    again(h);
    h.subscribe(['a/#']);
    expect(h.takeSentShort()).toEqual([]);
    h.advance(2_000);
    expect(h.takeSentShort()).toEqual(['subscribe 2']);
  });

  it('is found in sessions that the server does not keep, too', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('t', { qos });
    expect([again(h, false), again(h, false)]).toEqual([['publish 2'], ['publish 3']]);
    expect(again(h, false)).toEqual([]);
    expect(refusals(h)).toHaveLength(1);
  });
});

describe('a close that is no strike', () => {
  const four = (h: EngineHarness, one: () => void): number => {
    for (let times = 0; times < 4; times++) one();
    return refusals(h).length;
  };
  const resume = (h: EngineHarness): void => {
    h.takeSent();
    h.open(persistent);
    h.server(connack({ sessionPresent: true }));
  };

  it('comes long after the message', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 1 });
    const late = () => {
      h.advance(2_001);
      again(h);
    };
    expect(four(h, late)).toBe(0);
  });

  it('comes before anything of the message has left', () => {
    const h = new EngineHarness().resumable();
    h.tellsWritten = false;
    h.publish('t', { qos: 1 });
    expect(four(h, () => again(h))).toBe(0);
    h.tellsWritten = true;
    expect(four(h, () => again(h))).toBe(1);
  });

  it('is an end of our own making', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 1 });
    expect(four(h, () => again(h, true, 'ourselves'))).toBe(0);
    expect(four(h, () => again(h, true, 'ourselves'))).toBe(0);
  });

  it('comes while a SUBSCRIBE is open, too', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 1 });
    const subscribing = () => {
      h.subscribe(['f']);
      again(h);
    };
    expect(four(h, subscribing)).toBe(0);
    expect(four(h, () => again(h))).toBe(1);
  });

  it('comes with a message of QoS 0 beside it', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 1 });
    h.publish('maybe poison');
    h.cut('server');
    resume(h);
    expect(refusals(h)).toEqual([]);
    again(h);
    again(h);
    expect(refusals(h)).toEqual([]);
  });

  it.each([0x89, 0x8b, 0x8d, 0x96, 0x98, 0x9f, 0xa0])('has a reason of its own, 0x%x', (code) => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 1 });
    const one = () => {
      h.server(disconnect(code));
      h.cut('server');
      resume(h);
    };
    expect(four(h, one)).toBe(0);
  });

  it('is one when DISCONNECT blames the message', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 1 });
    for (let times = 0; times < 3; times++) {
      h.server(disconnect(0x95));
      h.cut('server');
      resume(h);
    }
    expect(refusals(h)).toHaveLength(1);
  });
});

describe('a connection that begins with care', () => {
  const careful = () => {
    const h = new EngineHarness().resumable();
    for (const topic of ['a', 'b', 'c', 'd', 'e']) h.publish(topic, { qos: 1 });
    again(h);
    expect(again(h)).toEqual(['publish 1 dup']);
    return h;
  };

  it('sends more with each acknowledgement', () => {
    const h = careful();
    const waiting = h.publish('at most once');
    expect([waiting > 0, h.takeSentShort()]).toEqual([true, []]);
    h.server(puback(1));
    expect(h.takeSentShort()).toEqual(['publish 2 dup', 'publish 3 dup', 'publish at most once']);
    h.server(puback(2), puback(3));
    expect(h.takeSentShort()).toEqual(['publish 4 dup', 'publish 5 dup']);
  });

  it('lets everything flow when the server takes its time', () => {
    const h = careful();
    h.publish('at most once');
    h.advance(1_999);
    expect(h.takeSentShort()).toEqual([]);
    h.advance(1);
    expect(h.takeSentShort()).toEqual([
      'publish 2 dup',
      'publish 3 dup',
      'publish 4 dup',
      'publish 5 dup',
      'publish at most once',
    ]);
    expect(h.publish('t')).toBe(0);
  });
});

describe('an end that weighs half as much', () => {
  it.each([
    ['is a reset', () => {}, 'network' as const],
    [
      'comes before the message has left whole',
      (h: EngineHarness) => h.writable(false),
      'server' as const,
    ],
  ])('%s', (_what, before, by) => {
    const h = new EngineHarness().resumable();
    h.publish('large', { qos: 1, payload: 'four' });
    for (let times = 1; times < 6; times += 1) {
      before(h);
      expect(again(h, true, by)).toEqual(['publish 1 dup']);
    }
    before(h);
    expect(again(h, true, by)).toEqual([]);
    expect(refusals(h)).toMatchObject([
      {
        outcome: {
          code: 'publishRefused',
          message:
            'the connection broke 6 times in a row right after the message of 4 bytes to "large": it is not sent again',
        },
      },
    ]);
  });

  it('adds to closes in order', () => {
    const h = new EngineHarness().resumable();
    h.publish('large', { qos: 1 });
    for (const by of ['network', 'server', 'network'] as const) again(h, true, by);
    expect(refusals(h)).toEqual([]);
    again(h);
    expect(refusals(h)).toHaveLength(1);
  });

  it('makes the next connection begin with one message alone, so that the one to blame is found', () => {
    const h = new EngineHarness().resumable();
    h.publishMany(5);
    expect(again(h, true, 'network')).toHaveLength(5);
    expect(again(h, true, 'network')).toHaveLength(5);
    expect(again(h, true, 'network')).toEqual(['publish 1 dup']);
    h.server(puback(1));
    expect(h.takeSentShort()).toEqual(['publish 2 dup', 'publish 3 dup']);
  });

  it('is taken back by an acknowledgement', () => {
    const h = new EngineHarness().resumable();
    h.publish('first', { qos: 1 });
    for (let times = 0; times < 5; times += 1) again(h, true, 'network');
    h.server(puback(1));
    h.publish('second', { qos: 1 });
    for (let times = 0; times < 5; times += 1) again(h, true, 'network');
    expect(refusals(h)).toEqual([]);
  });
});

it('lets nothing flow any more on a connection that is found dead at the same time', () => {
  const h = new EngineHarness().resumable();
  h.publishMany(2);
  again(h);
  expect(again(h, false)).toEqual(['publish 3']);
  // Both deadlines have passed when the timer comes: nobody answered, and nothing came for too long.
  h.sleep(91_000);
  h.takeSent();
  expect(h.take('disconnected').at(-1)).toMatchObject({ reason: { kind: 'keepAliveTimeout' } });
  h.open(persistent);
  h.server(connack({ sessionPresent: true }));
  expect(h.takeSentShort().slice(1)).toEqual(['publish 3 dup']);
  h.server(puback(3));
  // The second was never sent in this session.
  expect(h.takeSentShort()).toEqual(['publish 4']);
});
