import { type FleetDefinition, type FleetRunOptions, fault, fleet } from 'mqtt-kit/simulator';
import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../setup/until.ts';
import { watchedServer } from './watched-server.ts';

/** Fleets on a real server, watched by a client that is not ours. */

const watched = watchedServer();
const { seen, payloads } = watched;
beforeEach(() => {
  seen.length = 0;
});

let number = 0;
/** A fleet whose topics no other test uses. */
function named(definition: Omit<FleetDefinition, 'name'>): {
  name: string;
  run: (options: FleetRunOptions) => ReturnType<ReturnType<typeof fleet>['run']>;
} {
  const name = `run${number++}`;
  const made = fleet({ ...definition, name });
  return { name, run: (options) => made.run(watched.server.url('plain'), options) };
}

describe('a run', () => {
  it('publishes what messages() says, as fast as it goes, and counts it', async () => {
    const definition: FleetDefinition = {
      name: 'same',
      seed: 3,
      count: 20,
      every: '1m',
      jitter: 0.2,
      qos: 1,
      signals: { a: 'walk(20, 0.2, 15..30).round(2)' },
      presence: true,
    };
    const limits = { for: '1h', start: 0 } as const;
    const summary = await fleet(definition).run(watched.server.url('plain'), {
      ...limits,
      speed: Number.POSITIVE_INFINITY,
      connections: 1,
    });
    const planned = [...fleet(definition).messages(limits)];
    const readings = planned.filter(({ kind }) => kind === 'reading').length;
    expect(readings).toBeGreaterThan(1100);
    expect(summary).toMatchObject({
      devices: 20,
      connected: 1,
      readings,
      sent: planned.length,
      acknowledged: planned.length,
      failed: 0,
      firstError: undefined,
    });
    await until(() => seen.length === planned.length, 'all messages');
    for (const topic of new Set(planned.map((message) => message.topic))) {
      const expected = planned.filter((message) => message.topic === topic);
      expect(payloads(topic)).toEqual(expected.map(({ payload }) => payload));
    }
  });

  it('gives each device a client, with a birth, and a goodbye when somebody stops it', async () => {
    const stop = new AbortController();
    const { name, run } = named({
      count: 5,
      every: '50ms',
      qos: 1,
      signals: { a: 'counter()' },
      presence: true,
    });
    const running = run({ signal: stop.signal, clientId: `${'{name}'}-{id}` });
    const readings = (n: number): number => payloads(`${name}/${name}-${n}`).length;
    await until(() => [1, 2, 3, 4, 5].every((n) => readings(n) >= 3), 'three readings of each');
    expect(watched.server.log).toContain(` as ${name}-${name}-5 `);
    stop.abort();
    const summary = await running;
    expect(summary).toMatchObject({ devices: 5, connected: 5, failed: 0, reconnects: 0 });
    await until(
      () =>
        [1, 2, 3, 4, 5].every((n) => payloads(`${name}/${name}-${n}/status`).at(-1) === 'offline'),
      'every device said goodbye',
    );
    expect(payloads(`${name}/${name}-3/status`)).toEqual(['online', 'offline']);
    const counted = payloads(`${name}/${name}-3`).map((text) => JSON.parse(text).a);
    expect(counted).toEqual(counted.map((_, index) => counted[0] + index));
  });

  it('passes time as fast as it is told', async () => {
    const { name, run } = named({ every: '1m', stagger: false, signals: { a: 1 } });
    const summary = await run({ for: '10m', speed: 600 });
    expect(summary.readings).toBe(10);
    expect(summary.durationMs).toBeGreaterThanOrEqual(990);
    await until(() => payloads(`${name}/${name}-1`).length === 10, 'ten readings');
  });

  it('obeys commands: the state of one device changes, and it says so at once', async () => {
    const { name, run } = named({
      count: 2,
      every: '1h',
      stagger: false,
      state: { target: 20, on: false },
      signals: { target: 'target', on: 'on', power: 'on ? 1500 : 0' },
      commands: {
        '{name}/{id}/target/set': 'target',
        '{name}/{id}/set': ['target', 'on'],
        '{name}/{id}/boost': (device, message) => {
          device.state['target'] = Number(device.state['target']) + Number(message.text());
          device.report();
        },
      },
    });
    const stop = new AbortController();
    const errors: string[] = [];
    const running = run({ signal: stop.signal, onError: (error) => errors.push(error.message) });
    const [topic, other] = [`${name}/${name}-1`, `${name}/${name}-2`];
    await until(
      () => payloads(topic).length === 1 && payloads(other).length === 1,
      'first readings',
    );
    await until(
      () =>
        watched.server.log.includes(`${topic}/boost`) &&
        watched.server.log.includes(`${other}/set`),
      'subscriptions',
    );
    await watched.publish(`${topic}/target/set`, '23.5');
    await until(() => payloads(topic).length === 2, 'an answer');
    await watched.publish(`${topic}/set`, '{"on":true,"color":"red"}');
    await until(() => payloads(topic).length === 3, 'an answer');
    await watched.publish(`${topic}/boost`, '2');
    await until(() => payloads(topic).length === 4, 'an answer');
    await watched.publish(`${topic}/set`, 'warmer');
    await until(() => errors.length === 1, 'a mistake is told');
    expect(payloads(topic).map((text) => JSON.parse(text))).toEqual([
      { target: 20, on: false, power: 0 },
      { target: 23.5, on: false, power: 0 },
      { target: 23.5, on: true, power: 1500 },
      { target: 25.5, on: true, power: 1500 },
    ]);
    expect(payloads(other)).toHaveLength(1);
    expect(errors[0]).toContain('expects a JSON object with target or on');
    stop.abort();
    expect(await running).toMatchObject({ commands: 4, failed: 0 });
  });

  it('loses the connection of a device without a word, so that its will is seen, and restores it', async () => {
    const { name, run } = named({
      count: 2,
      every: '50ms',
      // At QoS 0 a reading may leave with CONNECT and overtake what waits for the server's answer.
      qos: 1,
      signals: { a: 'counter()' },
      presence: true,
      faults: [fault.offline({ every: '1500ms', for: '500ms' })],
    });
    const summary = await run({ for: '2500ms' });
    expect(summary).toMatchObject({ absences: 2, reconnects: 0 });
    // What was under way when the connection was lost has failed.
    expect(summary.failed).toBeLessThan(10);
    const status = `${name}/${name}-1/status`;
    await until(() => payloads(status).length === 4, 'all of its presence');
    expect(payloads(status)).toEqual(['online', 'offline', 'online', 'offline']);
    const order = seen.filter(({ topic }) => topic.startsWith(`${name}/${name}-1`));
    const will = order.findIndex(({ payload }) => payload === 'offline');
    const back = order.findIndex(({ payload }, place) => place > will && payload === 'online');
    // A reading that was under way when the connection was lost is sent again, before anything new.
    const reading = ({ payload }: { readonly payload: string }): number =>
      Number(/\d+/.exec(payload)?.[0]);
    const first = order.slice(back + 1).find(({ payload }) => /\d/.test(payload));
    for (const resent of order.slice(will + 1, back)) {
      expect(reading(resent)).toBeLessThan(reading(first ?? resent));
    }
  });

  it('says goodbye for a device where a connection has no way to, under 3.1.1 and when it is shared', async () => {
    for (const options of [{ connection: { version: '3.1.1' } }, { connections: 1 }] as const) {
      const { name, run } = named({
        every: '100ms',
        signals: { a: 1 },
        presence: true,
        faults: [fault.offline({ every: '600ms', for: '300ms' })],
      });
      await run({ for: '1150ms', ...options });
      const status = `${name}/${name}-1/status`;
      await until(() => payloads(status).length === 4, 'all of its presence');
      expect(payloads(status)).toEqual(['online', 'offline', 'online', 'offline']);
    }
  });

  it('comes back after the server was away, and says again who is there', async () => {
    const { name, run } = named({
      count: 3,
      every: '50ms',
      qos: 1,
      signals: { a: 'counter()' },
      presence: true,
    });
    const stop = new AbortController();
    const running = run({ signal: stop.signal });
    const devices = [1, 2, 3].map((n) => `${name}/${name}-${n}`);
    await until(() => devices.every((topic) => payloads(topic).length > 2), 'readings');
    await watched.server.stop();
    await until(() => !watched.watcher.connected, 'the watcher has noticed');
    // Before anything can come: devices may be back earlier than the watcher.
    seen.length = 0;
    await watched.server.start();
    await until(
      () =>
        devices.every(
          (topic) => payloads(`${topic}/status`).includes('online') && payloads(topic).length > 5,
        ),
      'births and readings after the restart',
    );
    stop.abort();
    const summary = await running;
    expect(summary.reconnects).toBe(3);
  });

  it('fails at once where no server listens, and when a limit cannot be', async () => {
    const { run } = named({ signals: { a: 1 } });
    await expect(fleet({ signals: { a: 1 } }).run('mqtt://127.0.0.1:1')).rejects.toMatchObject({
      code: 'connectionRefused',
    });
    await expect(run({ speed: 0 })).rejects.toMatchObject({ code: 'invalidArgument' });
    await expect(run({ connections: 0 })).rejects.toMatchObject({ code: 'invalidArgument' });
    await expect(run({ connectRate: -1 })).rejects.toMatchObject({ code: 'invalidArgument' });
    await expect(run({ clientId: '{room}' })).rejects.toMatchObject({ code: 'invalidArgument' });
  });

  it('rejects with what a function of the definition throws, and leaves no connection', async () => {
    const { name, run } = named({
      every: '20ms',
      presence: true,
      signals: {
        a: (_fields, _device, { reading }) => {
          if (reading === 3) throw new RangeError('out of ideas');
          return reading;
        },
      },
    });
    await expect(run({})).rejects.toThrow('out of ideas');
    const status = `${name}/${name}-1/status`;
    await until(() => payloads(status).length === 2, 'a goodbye');
    expect(payloads(status)).toEqual(['online', 'offline']);
    expect(payloads(`${name}/${name}-1`)).toHaveLength(3);
  });

  it('tells how far it is, and ends before it began when it was stopped before', async () => {
    const { run } = named({ every: '20ms', signals: { a: 1 } });
    const told: number[] = [];
    const summary = await run({
      count: 30,
      progressEvery: '50ms',
      onProgress: ({ readings }) => told.push(readings),
    });
    expect(summary.readings).toBe(30);
    expect(told.length).toBeGreaterThan(2);
    expect([...told].sort((a, b) => a - b)).toEqual(told);
    expect(await run({ signal: AbortSignal.abort() })).toMatchObject({ sent: 0, connected: 0 });
  });
});
