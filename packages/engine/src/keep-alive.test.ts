import { describe, expect, it } from 'vitest';
import { EngineHarness } from '../../testkit/src/engine-harness.ts';
import { connack, pingresp, puback, publish } from '../../testkit/src/packet-builders.ts';

const seconds = 1000;

/** Connected with keep-alive 60 s. */
function harness(keepAliveSeconds = 60, serverKeepAlive?: number): EngineHarness {
  const properties = serverKeepAlive === undefined ? {} : { serverKeepAlive };
  return new EngineHarness().connected({ keepAliveSeconds }, { properties });
}

describe.each(['5.0', '3.1.1'] as const)('keep-alive, %s', (version) => {
  it('[MQTT-3.1.2-20] sends PINGREQ within the interval when nothing else was sent', () => {
    const h = new EngineHarness({ version }).connected({ keepAliveSeconds: 1 });
    h.advance(1 * seconds);
    expect(h.takeSentShort()).toEqual(['pingreq']);
  });

  it('ends a connection without an answer to PINGREQ, silently', () => {
    const h = new EngineHarness({ version }).connected({ keepAliveSeconds: 60 });
    h.advance(80 * seconds);
    expect(h.takeSentShort()).toEqual(['pingreq']);
    expect([h.closed, h.takeEnd()]).toEqual([
      true,
      { kind: 'keepAliveTimeout', silentMs: 75 * seconds },
    ]);
  });
});

describe('keep-alive', () => {
  it('[MQTT-3.1.2-20] is not postponed by what comes in', () => {
    const h = harness();
    for (let second = 0; second < 59; second++) {
      h.advance(1 * seconds);
      h.server(publish('t'));
    }
    expect(h.takeSentShort()).toEqual(['pingreq']);
  });

  it('is postponed by what goes out, but not for ever when nothing comes in', () => {
    const h = harness();
    for (let second = 0; second < 59; second++) {
      h.advance(1 * seconds);
      h.publish('t');
    }
    expect(h.takeSentShort().filter((packet) => packet === 'pingreq')).toEqual(['pingreq']);
  });

  it('goes by when bytes were written, not by when they were encoded', () => {
    const h = harness();
    h.advance(50 * seconds);
    h.tellsWritten = false;
    h.publish('t');
    h.advance(5 * seconds);
    expect(h.takeSentShort()).toEqual(['publish t', 'pingreq']);
  });

  it('asks again when the answer is out and the interval is over', () => {
    const h = harness();
    for (let second = 0; second < 140; second++) {
      h.advance(1 * seconds);
      h.server(publish('t')); // The server lives, but owes PINGRESP.
    }
    expect(h.takeSentShort()).toEqual(['pingreq', 'pingreq']);
    expect(h.closed).toBe(false);
  });

  it('goes on after PINGRESP', () => {
    const h = harness();
    for (let round = 0; round < 10; round++) {
      h.advance(55 * seconds);
      h.server(pingresp());
    }
    expect(h.takeSentShort()).toEqual(Array.from({ length: 10 }, () => 'pingreq'));
    expect(h.closed).toBe(false);
  });

  it('finds a half-open connection within one and a half intervals', () => {
    const h = harness(10);
    h.advance(15 * seconds);
    expect([h.closed, h.takeEnd()]).toEqual([
      true,
      { kind: 'keepAliveTimeout', silentMs: 15 * seconds },
    ]);
  });

  it('finds it also while QoS 0 messages go out', () => {
    const h = harness(10);
    for (let second = 0; second < 15; second++) {
      h.advance(1 * seconds);
      if (!h.closed) h.publish('t');
    }
    expect(h.closed).toBe(true);
  });

  it('starts the time for the answer anew with every byte', () => {
    const h = harness();
    h.advance(55 * seconds);
    h.advance(15 * seconds);
    h.serverBytes(Uint8Array.of(0x30)); // The beginning of a packet that takes long.
    h.advance(15 * seconds);
    expect(h.closed).toBe(false);
    h.advance(5 * seconds);
    expect(h.closed).toBe(true);
  });

  it('[MQTT-3.1.2-21] [MQTT-3.2.2-21] goes by Server Keep Alive in place of its own', () => {
    const h = harness(60, 1);
    h.advance(1 * seconds);
    expect(h.takeSentShort()).toEqual(['pingreq']);
  });

  it('[MQTT-3.2.2-21] is off when Server Keep Alive is 0', () => {
    const h = harness(60, 0);
    expect(h.engine.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('is off at 0', () => {
    const h = harness(0);
    expect(h.engine.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('holds Server Keep Alive for its connection only', () => {
    const h = harness(60, 1);
    h.reconnect({ keepAliveSeconds: 60 }, {});
    h.takeSent();
    h.advance(50 * seconds);
    expect(h.takeSentShort()).toEqual([]);
  });

  it('does nothing before CONNACK', () => {
    const h = new EngineHarness();
    h.open({ keepAliveSeconds: 1 });
    expect(h.engine.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
    h.advance(100 * seconds);
    expect(h.takeSentShort()).toEqual(['connect']);
  });

  it('counts from the writing of CONNECT, however late CONNACK is', () => {
    const h = new EngineHarness();
    h.open({ keepAliveSeconds: 60 });
    h.advance(50 * seconds);
    h.server(connack());
    h.takeSent();
    h.advance(5 * seconds);
    expect(h.takeSentShort()).toEqual(['pingreq']);
  });

  it('after a sleep asks once more, with a short time for the answer', () => {
    const h = harness();
    h.sleep(3600 * seconds);
    expect([h.takeSentShort(), h.closed]).toEqual([['pingreq'], false]);
    h.advance(5 * seconds);
    expect(h.closed).toBe(true);
  });

  it('after a sleep goes on when the answer comes', () => {
    const h = harness();
    h.sleep(3600 * seconds);
    h.server(pingresp());
    h.advance(30 * seconds);
    expect(h.closed).toBe(false);
  });

  it('gives a second late timer in a row no further time', () => {
    const h = harness();
    h.sleep(3600 * seconds);
    h.sleep(3600 * seconds);
    expect(h.closed).toBe(true);
  });

  it('does not judge while reading is paused, and keeps its own promise', () => {
    const h = harness();
    h.engine.readingPaused(true, h.now);
    h.advance(600 * seconds);
    expect(h.closed).toBe(false);
    expect(h.takeSentShort()).toHaveLength(10);
    h.engine.readingPaused(false, h.now);
    h.advance(19 * seconds);
    expect(h.closed).toBe(false);
    h.server(pingresp());
    h.advance(60 * seconds);
    expect(h.closed).toBe(false);
  });

  it('gives the answer no more time because of a second PINGREQ', () => {
    const h = harness(22);
    h.publish('t', { qos: 1 });
    h.advance(19.8 * seconds);
    h.server(puback(1));
    h.advance(19.9 * seconds);
    expect(h.takeSentShort()).toEqual(['publish 1', 'pingreq', 'pingreq']);
    expect(h.closed).toBe(false);
    h.advance(0.1 * seconds);
    expect(h.closed).toBe(true);
  });

  it('judges again once reading goes on', () => {
    const h = harness();
    h.engine.readingPaused(true, h.now);
    h.advance(600 * seconds);
    h.engine.readingPaused(false, h.now);
    h.advance(90 * seconds);
    expect(h.closed).toBe(true);
  });

  it('sends PINGREQ while a commit is under way', () => {
    const h = harness();
    h.holdBatches = true;
    h.publish('t', { qos: 1 });
    h.advance(60 * seconds);
    expect(h.takeSentShort()).toEqual(['pingreq']);
  });

  it('does not count PINGREQ as awaiting an answer', () => {
    const h = harness();
    h.advance(60 * seconds);
    expect(h.engine.awaitingAnswer).toBe(false);
    h.publish('t', { qos: 1 });
    expect(h.engine.awaitingAnswer).toBe(true);
    h.server(puback(1));
    expect(h.engine.awaitingAnswer).toBe(false);
  });

  it('asks at once when it is told to, and waits a short time for any byte', () => {
    const h = harness();
    h.advance(1 * seconds);
    h.engine.probe(h.now);
    h.engine.probe(h.now);
    h.settle();
    expect(h.takeSentShort()).toEqual(['pingreq']);
    h.advance(4.9 * seconds);
    expect(h.closed).toBe(false);
    h.advance(0.1 * seconds);
    expect([h.closed, h.takeEnd()]).toEqual([
      true,
      { kind: 'keepAliveTimeout', silentMs: 6 * seconds },
    ]);
  });

  it('goes on as before when the answer to such a question comes', () => {
    const h = harness();
    h.engine.probe(h.now);
    h.advance(4 * seconds);
    h.server(pingresp());
    h.advance(50 * seconds);
    expect(h.closed).toBe(false);
    h.takeSentShort();
    h.engine.probe(h.now);
    h.settle();
    expect(h.takeSentShort()).toEqual(['pingreq']);
  });

  it('asks nothing without a connection, or while reading is paused', () => {
    const unconnected = new EngineHarness();
    unconnected.engine.probe(unconnected.now);
    expect(unconnected.engine.takeUrgent()).toBeUndefined();
    const h = harness();
    h.engine.readingPaused(true, h.now);
    h.engine.probe(h.now);
    h.advance(10 * seconds);
    expect([h.closed, h.takeSentShort()]).toEqual([false, []]);
  });

  it('takes a PINGRESP that nobody asked for', () => {
    const h = harness();
    h.server(pingresp(), pingresp());
    expect(h.closed).toBe(false);
  });
});
