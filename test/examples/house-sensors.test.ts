import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../setup/aedes.ts';
import { type Child, startChild } from '../setup/child-process.ts';
import { until } from '../setup/until.ts';
import { root } from '../tidy/tree.ts';

/** The example as a reader runs it, watched by a client that is not ours. */

let broker: EmbeddedAedes;
let watcher: Awaited<ReturnType<typeof connectAsync>>;
const seen = new Map<string, string[]>();

beforeAll(async () => {
  broker = await startAedes('3.1.1');
  watcher = await connectAsync(broker.url('tcp'));
  watcher.on('message', (topic, payload) => {
    seen.set(topic, [...(seen.get(topic) ?? []), `${payload}`]);
  });
  await watcher.subscribeAsync('house/#', { qos: 1 });
});
afterAll(async () => {
  await watcher.endAsync();
  await broker.stop();
});
beforeEach(() => seen.clear());

const rooms = ['bathroom', 'bedroom', 'kitchen'];
const last = (topic: string): string | undefined => seen.get(topic)?.at(-1);

function startSensors(): Child {
  const words = ['apps/examples/house-sensors.js', broker.url('tcp')];
  return startChild(process.execPath, words, { cwd: root });
}

async function everyRoom(status: string): Promise<void> {
  const all = (): boolean => rooms.every((room) => last(`house/${room}/status`) === status);
  await until(all, `every room is ${status}`);
}

describe('apps/examples/house-sensors.js', () => {
  it('sends plausible readings of every room, and says goodbye', async () => {
    const sensors = startSensors();
    await everyRoom('online');
    const enough = (): boolean =>
      rooms.every((room) => (seen.get(`house/${room}/humidity`)?.length ?? 0) >= 2);
    await until(enough, 'two readings of each room');
    for (const room of rooms) {
      const temperatures = seen.get(`house/${room}/temperature`) ?? [];
      expect(
        temperatures.every((text) => /^\d\d\.\d$/.test(text) && +text > 12 && +text < 30),
      ).toBe(true);
      const humidities = seen.get(`house/${room}/humidity`) ?? [];
      expect(humidities.every((text) => /^\d\d$/.test(text) && +text > 30 && +text < 75)).toBe(
        true,
      );
    }
    expect(await sensors.stop('SIGINT')).toEqual({ code: 0, signal: null });
    await everyRoom('offline');
    expect(sensors.stderr).toBe('');
  });

  it('is reported offline by its last wills when it is killed', async () => {
    const sensors = startSensors();
    await everyRoom('online');
    await sensors.stop('SIGKILL');
    await everyRoom('offline');
  });

  it('comes back after the broker was away', async () => {
    const sensors = startSensors();
    await everyRoom('online');
    seen.clear();
    // What it retained is gone with it: everything that is seen from here on was said anew.
    await broker.stop();
    await broker.start();
    await everyRoom('online');
    await until(() => last('house/kitchen/temperature') !== undefined, 'a reading');
    await sensors.stop();
  });

  it('says in a few lines why it cannot start', async () => {
    const words = ['apps/examples/house-sensors.js', 'mqtt://127.0.0.1:1'];
    const sensors = startChild(process.execPath, words, { cwd: root });
    expect(await sensors.ended).toMatchObject({ code: 1 });
    expect(sensors.stderr).toMatch(/127\.0\.0\.1/);
    expect(sensors.stderr.trim().split('\n').length).toBeLessThan(4);
  });
});
