import { pingresp, publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { EngineHarness } from '../../../packages/testkit/src/engine-harness.ts';
import { Stage } from '../support/stage.ts';
import { versions } from './statement-support.ts';

/** When each PINGREQ leaves within a time, in milliseconds from now; the server answers each. */
function pings(harness: EngineHarness, durationMs: number, stepMs: number): number[] {
  const found: number[] = [];
  for (let atMs = stepMs; atMs <= durationMs; atMs += stepMs) {
    harness.advance(stepMs);
    for (const packet of harness.takeSentShort()) {
      if (packet !== 'pingreq') continue;
      found.push(atMs);
      harness.server(pingresp());
    }
  }
  return found;
}

/** Whether every gap, the one before the first included, is within a limit. */
function expectGaps(times: readonly number[], limitMs: number, endMs: number): void {
  let last = 0;
  for (const time of [...times, endMs]) {
    expect(time - last).toBeLessThanOrEqual(limitMs);
    last = time;
  }
}

describe.each(versions)('Keep Alive, %s', (version) => {
  it('[MQTT-3.1.2-20] [MQTT3-3.1.2-23] sends PINGREQ within the interval of the last packet sent', () => {
    for (const keepAliveSeconds of [1, 10, 60]) {
      const harness = new EngineHarness({ version }).connected({ keepAliveSeconds });
      const limitMs = keepAliveSeconds * 1000;
      expectGaps(pings(harness, limitMs * 5, limitMs / 20), limitMs, limitMs * 5);
      expect(harness.closed).toBe(false);
    }
  });

  it('[MQTT-3.1.2-20] [MQTT3-3.1.2-23] is not postponed by what comes in', () => {
    const harness = new EngineHarness({ version }).connected({ keepAliveSeconds: 1 });
    const found: number[] = [];
    for (let atMs = 50; atMs <= 3_000; atMs += 50) {
      harness.advance(50);
      harness.server(publish('t'));
      if (harness.takeSentShort().includes('pingreq')) {
        found.push(atMs);
        harness.server(pingresp());
      }
    }
    expectGaps(found, 1_000, 3_000);
  });

  it('[MQTT-3.1.2-20] [MQTT3-3.1.2-23] sends the bytes C0 00 over a link', async () => {
    const stage = new Stage();
    await stage.connect({ version, keepAliveSeconds: 1 });
    const before = stage.server().receivedBytes.length;
    await stage.advance(1_000);
    expect([...stage.server().receivedBytes.subarray(before)]).toEqual([0xc0, 0x00]);
  });
});

describe('Server Keep Alive', () => {
  const connected = (serverKeepAlive: number) =>
    new EngineHarness().connected({ keepAliveSeconds: 60 }, { properties: { serverKeepAlive } });

  it('[MQTT-3.1.2-21] [MQTT-3.2.2-21] takes the place of what CONNECT said', () => {
    expectGaps(pings(connected(1), 5_000, 50), 1_000, 5_000);
    // Longer than asked for: the server's word holds, both ways.
    expect(pings(connected(600), 400_000, 1_000)).toEqual([]);
  });

  it('[MQTT-3.1.2-21] [MQTT-3.2.2-21] of 0 turns PINGREQ off', () => {
    expect(pings(connected(0), 600_000, 1_000)).toEqual([]);
  });
});
