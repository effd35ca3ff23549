import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DefinitionError } from './definition-error.ts';
import { fault } from './fault.ts';
import { type FleetLimits, fleet } from './fleet.ts';
import type { FleetDefinition } from './fleet-definition.ts';
import { messageLine } from './message-line.ts';
import { type PresetName, preset, presetNames } from './presets.ts';
import { noise, walk } from './random-signals.ts';
import { recording } from './recording.ts';
import type { SimulatedMessage } from './simulated-device.ts';
import { clock, constant, counter, drift } from './waveforms.ts';

const minute = 60_000;
const hour = 60 * minute;

function messages(
  definition: FleetDefinition | FleetDefinition[],
  limits: FleetLimits = { for: '1h' },
): SimulatedMessage[] {
  return [...fleet(definition).messages({ start: 0, ...limits })];
}

/** Time and payload of the readings. */
function readings(definition: FleetDefinition, limits?: FleetLimits): [number, string][] {
  return messages(definition, limits)
    .filter(({ kind }) => kind === 'reading')
    .map(({ timeMs, payload }) => [timeMs, `${payload as string}`]);
}

/** One device that publishes a field as plain text every minute. */
function sensor(
  value: FleetDefinition['signals'][string],
  more: Partial<FleetDefinition> = {},
): FleetDefinition {
  return {
    every: '1m',
    stagger: false,
    signals: { value },
    publish: { 'sensor/{id}': 'value' },
    ...more,
  };
}

describe('the messages of a fleet', () => {
  it('are all fields as JSON every ten seconds, unless the definition says more', () => {
    const list = messages({ signals: { a: 1, b: 'a + 1' }, stagger: false }, { for: '25s' });
    expect(list.map(({ timeMs }) => timeMs)).toEqual([0, 10_000, 20_000]);
    expect(list[0]).toEqual({
      kind: 'reading',
      device: 'fleet-1',
      timeMs: 0,
      topic: 'fleet/fleet-1',
      payload: '{"a":1,"b":2}',
      qos: 0,
      retain: false,
    });
  });

  it('fill templates of topics and payloads, with attributes and fields', () => {
    const list = messages(
      {
        name: 'house',
        devices: [
          { id: 'k', room: 'kitchen' },
          { id: 'b', room: 'bath' },
        ],
        stagger: false,
        signals: { t: constant(21.5), kind: "'temp'" },
        publish: { '{name}/{room}/{n:03}/{kind}': '{"celsius":{t},"from":"{id}"}' },
      },
      { count: 2 },
    );
    expect(list.map(({ topic, payload }) => [topic, payload])).toEqual([
      ['house/kitchen/001/temp', '{"celsius":21.5,"from":"k"}'],
      ['house/bath/002/temp', '{"celsius":21.5,"from":"b"}'],
    ]);
  });

  it('take payloads of functions: text, bytes, and anything else as JSON', () => {
    const payloads = (make: () => Uint8Array | string | { a: number }): unknown[] =>
      messages(sensor(1, { publish: { x: make } }), { count: 1 }).map(({ payload }) => payload);
    expect(payloads(() => 'text')).toEqual(['text']);
    expect(payloads(() => new Uint8Array([1, 255]))).toEqual([new Uint8Array([1, 255])]);
    expect(payloads(() => ({ a: 1 }))).toEqual(['{"a":1}']);
    expect(
      messageLine(
        messages(sensor(1, { publish: { x: () => new Uint8Array([255]) } }), { count: 1 })[0]!,
      ),
    ).toContain('"payloadBase64":"/w=="');
  });

  it('see the other fields, in whatever order they are written', () => {
    const list = readings(
      sensor(({ b }) => b * 2, {
        signals: { value: ({ b }) => b * 2, b: 'c + 1', c: drift(60) },
      }),
      { for: '3m' },
    );
    expect(list.map(([, payload]) => payload)).toEqual(['2', '4', '6']);
  });

  it('come at other phases for each device, and at one moment within a device', () => {
    const list = messages(
      { count: 50, every: '10s', signals: { a: 1 }, publish: { 'a/{id}': 'a', 'b/{id}': 'a' } },
      { for: '10s' },
    );
    expect(list).toHaveLength(100);
    const times = list.filter(({ topic }) => topic.startsWith('a/')).map(({ timeMs }) => timeMs);
    expect(new Set(times).size).toBeGreaterThan(45);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    for (const { topic, timeMs } of list) {
      const twin = list.find((other) => other.topic === topic.replace(/^a/, 'b'));
      if (topic.startsWith('a/')) expect(twin?.timeMs).toBe(timeMs);
    }
  });

  it('jitter together within a device, where they have one rhythm', () => {
    const list = messages(
      { every: '10s', jitter: 0.5, signals: { a: 1 }, publish: { a: 'a', b: 'a' } },
      { for: '5m' },
    );
    const times = (topic: string): number[] =>
      list.filter((message) => message.topic === topic).map(({ timeMs }) => timeMs);
    expect(times('a').length).toBeGreaterThan(28);
    expect(times('a')).toEqual(times('b'));
  });

  it('jitter around their times, never out of order', () => {
    const times = readings(sensor(1, { jitter: 1 }), { for: '10h' }).map(([timeMs]) => timeMs);
    const offsets = times.map((timeMs, index) => timeMs - index * minute);
    expect(Math.max(...offsets.map(Math.abs))).toBeLessThanOrEqual(minute / 2);
    expect(new Set(offsets).size).toBeGreaterThan(500);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
  });

  it('leave out what has not changed, when only changes are asked for', () => {
    const list = readings(
      sensor('steps(1, 3m, 2, 2m)', { publish: { x: { payload: 'value', changesOnly: true } } }),
      { for: '10m' },
    );
    expect(list).toEqual([
      [0, '1'],
      [3 * minute, '2'],
      [5 * minute, '1'],
      [8 * minute, '2'],
    ]);
  });

  it('begin and end with presence, at the limits of time and count', () => {
    const list = messages(sensor(1, { presence: true }), { for: '2m' });
    expect(
      list.map(({ kind, timeMs, topic, payload, retain }) => [
        kind,
        timeMs,
        topic,
        payload,
        retain,
      ]),
    ).toEqual([
      ['online', 0, 'fleet/fleet-1/status', 'online', true],
      ['reading', 0, 'sensor/fleet-1', '1', false],
      ['reading', minute, 'sensor/fleet-1', '1', false],
      ['offline', 2 * minute, 'fleet/fleet-1/status', 'offline', true],
    ]);
    expect(messages(sensor(1), { count: 7 })).toHaveLength(7);
  });

  it('introduce the device to Home Assistant', () => {
    const [config] = messages(
      sensor(1, {
        signals: { temperature: 20 },
        publish: { 'h/{id}': '*' },
        presence: true,
        discovery: 'homeassistant',
        id: 'room 1',
      }),
      { count: 1 },
    );
    expect(config).toMatchObject({
      kind: 'discovery',
      topic: 'homeassistant/sensor/fleet_room_1/temperature/config',
      retain: true,
    });
    expect(JSON.parse(config?.payload as string)).toEqual({
      name: 'temperature',
      unique_id: 'fleet_room_1_temperature',
      state_topic: 'h/room 1',
      value_template: '{{ value_json.temperature }}',
      device_class: 'temperature',
      unit_of_measurement: '°C',
      availability_topic: 'fleet/room 1/status',
      payload_available: 'online',
      payload_not_available: 'offline',
      device: {
        identifiers: ['fleet_room_1'],
        name: 'room 1',
        model: 'fleet',
        manufacturer: 'mqtt-kit',
      },
    });
  });
});

describe('the same seed', () => {
  const text = (definition: FleetDefinition | FleetDefinition[], limits: FleetLimits): string =>
    [...fleet(definition).messages(limits)].map((message) => `${messageLine(message)}\n`).join('');

  it('gives the same bytes of every preset, everywhere', () => {
    const digest = (name: PresetName, seed: number): string =>
      createHash('sha256')
        .update(text(preset(name, { seed }), { for: '2h', count: 3000 }))
        .digest('hex')
        .slice(0, 16);
    for (const name of presetNames) {
      expect(digest(name, 1)).toBe(digest(name, 1));
      expect(digest(name, 1)).not.toBe(digest(name, 2));
    }
    const digests = presetNames.map((name) => [name, digest(name, 1)]);
    expect(Object.fromEntries(digests)).toMatchInlineSnapshot(`
      {
        "energy": "9350b333d6f70e95",
        "factory": "ff1a5b3b5debbce4",
        "house": "982a3ef4eac30455",
        "vehicles": "793311ad13b52586",
        "weather": "86835ab86b71c667",
      }
    `);
  });

  it('gives a device the same data with more devices, fields and faults beside it', () => {
    const small: FleetDefinition = {
      count: 2,
      jitter: 0.3,
      signals: { a: walk({ step: 1 }), b: noise(1) },
      publish: { 'a/{id}': 'a', 'b/{id}': 'b' },
      faults: [fault.dropout({ chance: 0.1 })],
    };
    const large: FleetDefinition = {
      ...small,
      count: 5,
      signals: { c: noise(3), ...small.signals, d: 'a + noise(1)' },
      publish: { ...small.publish, 'd/{id}': 'd' },
      faults: [
        fault.duplicate({ meanEvery: '5h' }),
        ...(small.faults ?? []),
        fault.stuck({ every: '9h', for: '1m' }),
      ],
    };
    const of = (definition: FleetDefinition): string[] =>
      messages(definition)
        .filter(({ topic }) => /^[ab]\/fleet-[12]$/.test(topic))
        .map(messageLine);
    expect(of(small).length).toBeGreaterThan(1000);
    expect([...new Set(of(large))]).toEqual(of(small));
  });
});

describe('faults', () => {
  it('stuck: the value stays what it was when it began, and comes back', () => {
    const list = readings(
      sensor(drift(60), { faults: [fault.stuck({ every: '10m', for: '3m' })] }),
      { for: '15m' },
    );
    expect(list.map(([, payload]) => +payload)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 13, 14,
    ]);
  });

  it('spike: a single value is off, by its size', () => {
    const list = readings(sensor('20', { faults: [fault.spike({ every: '5m', size: 7 })] }), {
      for: '21m',
    });
    const off = list.filter(([, payload]) => payload !== '20');
    expect(off.map(([timeMs]) => timeMs / minute)).toEqual([5, 10, 15, 20]);
    expect(off.every(([, payload]) => payload === '27' || payload === '13')).toBe(true);
  });

  it('drift: the value moves away, keeps its decimals, and recovers', () => {
    const faults = [fault.drift({ every: '10m', for: '4m', perHour: 60, recovery: '2m' })];
    const list = readings(sensor(constant(5).round(1), { faults }), { for: '18m' });
    expect(list.slice(9).map(([, payload]) => +payload)).toEqual([5, 5, 6, 7, 8, 9, 7, 5, 5]);
    const odd = readings(sensor(constant(5).round(1), { every: '7s', faults }), { for: '18m' });
    expect(odd.every(([, payload]) => /^\d+(\.\d)?$/.test(payload))).toBe(true);
  });

  it('dropout and duplicate: what a counter shows', () => {
    const chance = readings(
      sensor(counter(), { every: '1s', faults: [fault.dropout({ chance: 0.1 })] }),
      { for: '3h' },
    );
    expect(Math.abs(chance.length / 10_800 - 0.9)).toBeLessThan(0.012);
    const doubled = readings(sensor(counter(), { faults: [fault.duplicate({ every: '3m' })] }), {
      for: '7m',
    });
    expect(doubled.map(([, payload]) => +payload)).toEqual([0, 1, 2, 3, 3, 4, 5, 6, 6]);
  });

  it('by chance: each at other times than the others', () => {
    const faults = [fault.dropout({ chance: 0.3 }), fault.duplicate({ chance: 0.3 })];
    const seen = readings(sensor(counter(), { faults }), { for: '10h' }).map(([, text]) => +text);
    const doubled = seen.length - new Set(seen).size;
    expect(Math.abs(new Set(seen).size / 600 - 0.7)).toBeLessThan(0.08);
    expect(Math.abs(doubled / new Set(seen).size - 0.3)).toBeLessThan(0.08);
  });

  it('out of order: a message comes after the next one, and none is lost', () => {
    const list = readings(sensor(counter(), { faults: [fault.outOfOrder({ every: '3m' })] }), {
      for: '10m',
    });
    expect(list.map(([, payload]) => +payload)).toEqual([0, 1, 2, 4, 3, 5, 7, 6, 8, 9]);
  });

  it('clock skew: the times in payloads are wrong, those of messages are not', () => {
    const list = readings(
      sensor(clock('ms'), { faults: [fault.clockSkew({ every: '2m', for: '1m', by: '-30s' })] }),
      { for: '4m' },
    );
    expect(list).toEqual([
      [0, '0'],
      [minute, '60000'],
      [2 * minute, '90000'],
      [3 * minute, '180000'],
    ]);
  });

  it('offline: the will is published, nothing is sent, and it comes back', () => {
    const list = messages(
      sensor(counter(), { presence: true, faults: [fault.offline({ every: '5m', for: '2m' })] }),
      { for: '9m' },
    );
    expect(list.map(({ kind, timeMs }) => `${kind} ${timeMs / minute}`)).toEqual([
      'online 0',
      'reading 0',
      'reading 1',
      'reading 2',
      'reading 3',
      'reading 4',
      'will 5',
      'online 7',
      'reading 7',
      'reading 8',
      'offline 9',
    ]);
  });

  it('a reconnect storm meets all devices at once, chance each at another time', () => {
    const wills = (one: FleetDefinition['faults']): number[] =>
      messages({ ...sensor(1), count: 40, presence: true, faults: one ?? [] }, { for: '6h' })
        .filter(({ kind }) => kind === 'will')
        .map(({ timeMs }) => timeMs);
    expect(new Set(wills([fault.reconnectStorm({ every: '2h' })]))).toEqual(
      new Set([2 * hour, 4 * hour]),
    );
    const alone = wills([fault.offline({ meanEvery: '1h', for: '1m' })]);
    expect(new Set(alone).size).toBe(alone.length);
    // 40 devices for 6 hours, once an hour on average.
    expect(alone.length).toBeGreaterThan(180);
    expect(alone.length).toBeLessThan(300);
  });

  it('leave the true value to the fields that depend on it', () => {
    const [, , spiked] = readings(
      sensor('10', {
        signals: { value: '10', other: 'value + 1' },
        publish: { x: ['value', 'other'] },
        faults: [fault.spike({ every: '2m', size: 5, fields: ['value'] })],
      }),
      { for: '3m' },
    );
    expect(JSON.parse(spiked?.[1] ?? '')).toEqual({
      value: expect.toSatisfy((x) => x === 15 || x === 5),
      other: 11,
    });
  });
});

describe('a replay', () => {
  const csv =
    'time,celsius,"note, text"\n2026-01-01T00:00:00Z,4.5,a\n2026-01-01T00:00:07Z,5,"b ""x"""\n2026-01-01T00:03:00Z,6,\n';

  it('keeps the gaps of the recording', () => {
    const log = recording(csv);
    const list = readings(
      { recording: log, signals: { t: 'column("celsius")' }, publish: { x: 't' } },
      {},
    );
    expect(list).toEqual([
      [0, '4.5'],
      [7000, '5'],
      [180_000, '6'],
    ]);
  });

  it('loops, with a gap of its own, and skips', () => {
    const log = recording(csv, { loop: true, loopGap: '1m', skip: '5s' });
    const list = readings(
      { every: log, signals: { t: log.column('celsius') }, publish: { x: 't' } },
      { count: 5 },
    );
    expect(list).toEqual([
      [2000, '5'],
      [175_000, '6'],
      [235_000, '4.5'],
      [242_000, '5'],
      [415_000, '6'],
    ]);
  });

  it('takes NDJSON with topics and payloads', () => {
    const log = recording(
      '{"ts":1767225601.5,"topic":"a/b","payload":"1"}\n\n{"ts":1767225600,"topic":"c","payload":"x"}\n',
    );
    const list = messages(
      {
        recording: log,
        signals: { topic: log.column('topic'), payload: log.column('payload') },
        publish: { '{topic}': '{payload}' },
      },
      {},
    );
    expect(list.map(({ timeMs, topic, payload }) => [timeMs, topic, payload])).toEqual([
      [0, 'c', 'x'],
      [1500, 'a/b', '1'],
    ]);
  });

  it('reads quoted cells', () => {
    expect(recording(csv).rows[1]?.values).toEqual({
      time: '2026-01-01T00:00:07Z',
      celsius: 5,
      'note, text': 'b "x"',
    });
  });

  it.each([
    ['', {}, 'there are no rows'],
    ['time,a\n', {}, 'there are no rows'],
    ['a,b\n1,2\n', {}, 'no column time or timestamp or ts or date; there are a, b'],
    ['t,b\n1,2\n', { time: 'x' }, 'no column x; there are t, b'],
    ['time,b\n2026-01-01,2\n2026-01-02\n', {}, 'line 3 has 1 cells, the first line names 2'],
    [
      'time,b\nyesterday,2\n',
      {},
      'line 2: time must be ISO 8601 or a number since 1970, not "yesterday"',
    ],
    ['time,b\n2026-01-01,"2\n', {}, 'is no CSV'],
    ['{"time":1}\n{"time"\n', {}, 'line 2 is no JSON: "{\\"time\\""'],
    ['{"time":1}\n[1]\n', {}, 'line 2 must be a JSON object'],
  ] as const)('refuses %j: %s', (text, options, problem) => {
    expect(() => recording(text, options)).toThrow(problem);
  });

  it('refuses a column that is not there', () => {
    expect(() => recording(csv).column('fahrenheit')).toThrow(
      'no column "fahrenheit"; there are time, celsius',
    );
  });
});

describe('a definition that cannot be', () => {
  const good: FleetDefinition = sensor(1);
  const bad = (change: object): DefinitionError => {
    try {
      fleet({ ...good, ...change } as FleetDefinition);
    } catch (error) {
      if (error instanceof DefinitionError) return error;
      throw error;
    }
    throw new Error('it can be');
  };

  it.each([
    [{ evry: '1s' }, ['evry'], 'a fleet has no "evry", did you mean "every"?'],
    [{ name: '' }, ['name'], 'must be a text'],
    [{ seed: Number.NaN }, ['seed'], 'must be a number or a text'],
    [{ count: 0 }, ['count'], 'must be a whole number from 1'],
    [{ count: 2, id: 'x' }, ['id'], 'must give each device another identifier; given was "x"'],
    [{ id: 'a/{room}' }, ['id'], '{room} is no name here'],
    [{ devices: ['a', 'a'] }, ['devices'], 'another identifier'],
    [{ devices: [{ room: 'x' }] }, ['devices', 0], 'must be an identifier, or an object with id'],
    [{ devices: ['a'], count: 2 }, ['count'], 'does not go with devices'],
    [{ jitter: 2 }, ['jitter'], 'must be from 0 to 1'],
    [{ every: 'often' }, ['every'], 'must be a duration'],
    [{ signals: {} }, ['signals'], 'must have at least one field'],
    [{ signals: { 'a b': 1 } }, ['signals', 'a b'], 'must be a name of letters'],
    [{ signals: { value: 'wolk(1)' } }, ['signals', 'value'], 'did you mean "walk"?'],
    [{ signals: { value: null } }, ['signals', 'value'], 'must be a signal, an expression'],
    [{ publish: {} }, ['publish'], 'must have at least one topic'],
    [{ publish: { x: 'vlue' } }, ['publish', 'x'], 'must be one of value; given was "vlue"'],
    [{ publish: { x: ['value', 'y'] } }, ['publish', 'x', 1], 'must be one of value'],
    [{ publish: { x: '{y}' } }, ['publish', 'x'], '{y} is no name here'],
    [{ publish: { 'a/#': 'value' } }, ['publish', 'a/#'], 'the topic "a/#"'],
    [
      { publish: { x: { payload: 'value', qos: 3 } } },
      ['publish', 'x', 'qos'],
      'must be 0, 1 or 2, not 3',
    ],
    [
      { publish: { x: { payload: 'value', qso: 1 } } },
      ['publish', 'x', 'qso'],
      'did you mean "qos"?',
    ],
    [
      { publish: { x: { payload: 'value', every: '0s' } } },
      ['publish', 'x', 'every'],
      'must be more than 0',
    ],
    [{ presence: { topic: '{temp}' } }, ['presence'], '{temp} is no name here'],
    [{ presence: { retain: 1 } }, ['presence', 'retain'], 'must be true or false'],
    [
      { commands: { 'a/{id}': 'target' } },
      ['commands', 'a/{id}'],
      'must be of the state, which has nothing',
    ],
    [{ commands: { 'a/{id}/#/b': () => {} } }, ['commands', 'a/{id}/#/b'], 'the topic'],
    [{ faults: [{ fault: 'stuk' }] }, ['faults', 0], 'whose fault is one of stuck'],
    [
      { faults: [{ fault: 'stuck' }] },
      ['faults', 0],
      'takes one of every, meanEvery and chance; given was none',
    ],
    [
      { faults: [{ fault: 'stuck', every: '1h', chance: 1 }] },
      ['faults', 0],
      'given were every and chance',
    ],
    [{ faults: [{ fault: 'dropout', chance: 2 }] }, ['faults', 0, 'chance'], 'from 0 to 1'],
    [
      { faults: [{ fault: 'dropout', chance: 0.1, for: '1m' }] },
      ['faults', 0, 'for'],
      'give meanEvery',
    ],
    [
      { faults: [{ fault: 'dropout', every: '1m', for: '2m' }] },
      ['faults', 0, 'for'],
      'must not be longer than every',
    ],
    [{ faults: [{ fault: 'spike', chance: 0.1 }] }, ['faults', 0, 'size'], 'must be a number'],
    [{ faults: [{ fault: 'offline', every: '1h' }] }, ['faults', 0, 'for'], 'is needed'],
    [
      { faults: [{ fault: 'stuck', every: '1h', for: '1m', fields: ['x'] }] },
      ['faults', 0, 'fields', 0],
      'must be one of value',
    ],
    [
      { faults: [{ fault: 'dropout', chance: 0.1, fields: ['value'] }] },
      ['faults', 0, 'fields'],
      'has no "fields"',
    ],
    [{ discovery: { prefx: 'a' } }, ['discovery', 'prefx'], 'did you mean "prefix"?'],
    [{ units: { x: 'm' } }, ['units', 'x'], 'units has no "x"'],
  ])('%j is told at %j: %s', (change, path, problem) => {
    const error = bad(change);
    expect(error.problem).toContain(problem);
    expect(error.path).toEqual(path);
  });

  it('tells fields that need each other when they are computed', () => {
    const run = (): unknown =>
      messages(sensor('b', { signals: { value: 'b', b: 'value' } }), { count: 1 });
    expect(run).toThrow('value and b need each other');
    expect(() => messages(sensor('value'), { count: 1 })).toThrow('value needs itself');
  });

  it('refuses two fleets with one device, and limits that are none', () => {
    expect(() => fleet([good, good])).toThrow('the device "fleet-1" is in fleet 0, too');
    expect(() => messages(good, { for: 'ever' })).toThrow('for must be a duration');
    expect(() => messages(good, { count: 0 })).toThrow('count must be a whole number above 0');
    expect(() => messages(good, { start: 'noon' })).toThrow('start must be a time');
  });

  it('refuses a run without connect', async () => {
    await expect(fleet(good).run('mqtt://localhost')).rejects.toThrow('a run needs connect');
  });

  it('refuses a preset that is none', () => {
    expect(() => preset('hose' as PresetName)).toThrow(
      'there is no preset "hose"; there are house, weather',
    );
  });
});
