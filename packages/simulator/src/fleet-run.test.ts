import type { ConnectOptions, MqttClient, PublishOptions } from '@mqtt-kit/core';
import { describe, expect, it } from 'vitest';
import { fault } from './fault.ts';
import { type FleetRunOptions, fleetWith } from './fleet.ts';
import type { FleetDefinition } from './fleet-definition.ts';

/** What clients were asked for, in the order of asking. QoS and retain are told where they are not 0 and false. */
interface Asked {
  readonly clients: ConnectOptions[];
  /** `CLIENT TOPIC PAYLOAD` of what was published, and `CLIENT closed` with the reason. */
  readonly log: string[];
}

/** A client that takes everything at once. It has no network. */
function client(number: number, log: { push(line: string): void }): MqttClient {
  const fake = {
    status: { state: 'connected' },
    connected: true,
    server: { reasons: true },
    on: () => fake,
    publish(topic: string, payload: unknown, { qos = 0, retain = false }: PublishOptions = {}) {
      const text = payload instanceof Uint8Array ? new TextDecoder().decode(payload) : payload;
      log.push(`${number} ${topic} ${text}`);
      if (qos !== 0 || retain) log.push(`  at ${qos}${retain ? ', retained' : ''}`);
      return Promise.resolve({});
    },
    subscribe: () => Promise.resolve({}),
    close({ reasonCode = 0 } = {}) {
      log.push(`${number} closed ${reasonCode}`);
      return Promise.resolve({});
    },
  };
  return fake as unknown as MqttClient;
}

async function run(
  definition: FleetDefinition,
  options: FleetRunOptions,
  told: (line: string) => void = () => {},
): Promise<Asked & { readonly summary: Awaited<ReturnType<ReturnType<typeof fleetWith>['run']>> }> {
  const clients: ConnectOptions[] = [];
  const log: string[] = [];
  const made = fleetWith(async (_url, given = {}) => {
    clients.push(given);
    return client(clients.length, {
      push(line) {
        log.push(line);
        told(line);
      },
    });
  }, definition);
  const summary = await made.run('mqtt://nowhere', {
    speed: Number.POSITIVE_INFINITY,
    connectRate: 1e6,
    start: 0,
    ...options,
  });
  return { clients, log, summary };
}

const counting: FleetDefinition = {
  name: 'x',
  every: '1s',
  stagger: false,
  signals: { a: 'counter()' },
  publish: { '{id}': 'a' },
};

describe('a run', () => {
  it('sends at its end what was held back for the next message', async () => {
    const { log } = await run(
      { ...counting, faults: [fault.outOfOrder({ every: '2s' })] },
      { for: '3s' },
    );
    expect(log).toEqual(['1 x-1 0', '1 x-1 1', '1 x-1 2', '1 closed 0']);
  });

  it('sends no more readings than it may, also of what was held back', async () => {
    const { log, summary } = await run(
      { ...counting, count: 3, faults: [fault.outOfOrder({ every: '2s' })] },
      { count: 4, connections: 1 },
    );
    expect(summary).toMatchObject({ readings: 4, sent: 4, failed: 0 });
    expect(log).toEqual(['1 x-1 0', '1 x-2 0', '1 x-3 0', '1 x-1 1', '1 closed 0']);
  });

  it('spreads devices evenly over shared connections, which have no will', async () => {
    const { clients, log } = await run(
      { ...counting, count: 5, presence: true },
      { connections: 2, for: '500ms', clientId: 'gate-{connection}' },
    );
    expect(clients.map(({ clientId, will }) => [clientId, will])).toEqual([
      ['gate-0', undefined],
      ['gate-1', undefined],
    ]);
    const devices = (number: number): string[] =>
      log.filter((line) => line.startsWith(`${number} x-`)).map((line) => line.slice(2));
    expect(devices(1)).toEqual(['x-1 0', 'x-3 0', 'x-5 0']);
    expect(devices(2)).toEqual(['x-2 0', 'x-4 0']);
  });

  it('publishes at the QoS and with the retain flag of the definition', async () => {
    const publish = { a: { payload: 'a', qos: 2 }, b: { payload: 'a', retain: true } } as const;
    const { log } = await run({ ...counting, qos: 1, publish }, { for: '10ms' });
    expect(log).toEqual(['1 a 0', '  at 2', '1 b 0', '  at 1, retained', '1 closed 0']);
  });

  it('gives each device a will, a name, and the options of the run', async () => {
    const { clients } = await run(
      {
        ...counting,
        count: 2,
        presence: { topic: 'p/{n}', offline: 'gone', qos: 0, retain: false },
      },
      { for: '10ms', clientId: 'sim-{n:03}', connection: { keepAliveSeconds: 7 } },
    );
    expect(clients).toMatchObject([
      {
        clientId: 'sim-001',
        keepAliveSeconds: 7,
        topicAliases: false,
        waitForConnection: true,
        will: { topic: 'p/1', payload: 'gone', qos: 0, retain: false },
      },
      { clientId: 'sim-002', will: { topic: 'p/2' }, waitForConnection: false },
    ]);
  });

  it('takes a device away with its will, and brings it back with a client of its own', async () => {
    const stop = new AbortController();
    const { log } = await run(
      { ...counting, presence: true, faults: [fault.offline({ every: '2s', for: '1s' })] },
      { speed: 50, signal: stop.signal },
      // On a busy machine it may be away again before it has read anything.
      (line) => /^(?!1 )\d+ x-1 /.test(line) && stop.abort(),
    );
    expect(log.slice(0, 7)).toEqual([
      '1 x/x-1/status online',
      '  at 1, retained',
      '1 x-1 0',
      '1 x-1 1',
      '1 closed 4',
      '2 x/x-1/status online',
      '  at 1, retained',
    ]);
    const last = log.at(-1)?.split(' ')[0];
    expect(log.slice(-4)).toEqual([
      expect.stringMatching(`^${last} x-1 \\d+$`),
      `${last} x/x-1/status offline`,
      '  at 1, retained',
      `${last} closed 0`,
    ]);
  });

  it('opens one client for a device that came and went before its turn', async () => {
    // The second device has its turn after a tenth of a second; it is away twice before that.
    const { clients, log } = await run(
      {
        ...counting,
        count: 2,
        every: '1d',
        faults: [fault.offline({ every: '1s', for: '500ms' })],
      },
      { for: '20s', speed: 100, connectRate: 10 },
    );
    const closed = log
      .filter((line) => line.includes('closed'))
      .map((line) => +(line.split(' ')[0] ?? 0));
    expect(new Set(closed).size).toBe(clients.length);
    expect(closed).toHaveLength(clients.length);
  });

  it('ends at once when it is stopped, however slowly connections are opened', async () => {
    const stop = new AbortController();
    const beganMs = performance.now();
    const running = run(
      { ...counting, count: 3 },
      { speed: 1, connectRate: 0.01, signal: stop.signal },
    );
    setTimeout(() => stop.abort(), 20);
    expect((await running).clients).toHaveLength(1);
    expect(performance.now() - beganMs).toBeLessThan(50_000);
  });

  it.each([
    [{ clientId: 'same' }, 'clientId must differ from connection to connection'],
    [{ clientId: '{room}' }, '{room} is no name here'],
    [{ connections: 1.5 }, 'connections must be "perDevice" or a whole number above 0'],
    [{ count: 1.5 }, 'count must be a whole number above 0'],
    [{ for: 0 }, 'for must be more than 0'],
  ])('is refused with %j', async (options, problem) => {
    await expect(run({ ...counting, count: 2 }, options)).rejects.toThrow(problem);
  });
});
