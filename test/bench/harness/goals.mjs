/**
 * What is to be reached, and what was: ratios are the lower quartile of the pairs, so that a goal reached by luck in
 * half of them does not count.
 */
import { ratios } from './measure.mjs';
import { median, quantile } from './statistics.mjs';

/** @typedef {import('./measure.mjs').Row} Row */
/**
 * @typedef {object} Goal
 * @property {string} title
 * @property {number} bound
 * @property {string} unit
 * @property {boolean} atMost
 * @property {(rows: readonly Row[]) => number | undefined} measuredIn
 * @typedef {{ title: string, bound: number, unit: string, atMost: boolean, value: number | undefined }} Judged
 */

/** @param {readonly Row[]} rows @returns {readonly Judged[]} */
export function judge(rows) {
  return goals.map(({ measuredIn, ...goal }) => ({ ...goal, value: measuredIn(rows) }));
}

const batching = '64 bytes, server that batches its answers';
const single = '64 bytes, server that sends each answer alone';
const mosquitto = '64 bytes, real mosquitto';
const sizes = 'Other sizes, server that batches';
const versions = 'Versions and properties, 64 bytes';
const clients = 'clients in one process, each';
const queue = 'Messages queued offline';
const codec = 'Codec alone';

/** @param {readonly Row[]} rows @param {string} group how it begins or ends @param {string} name */
function find(rows, group, name) {
  return rows.find(
    (row) => (row.group.startsWith(group) || row.group.endsWith(group)) && row.name === name,
  );
}

/**
 * Another takes so many times as much.
 *
 * @param {string} group @param {string} row @param {string} other @param {number} bound @returns {Goal}
 */
function times(group, row, other, bound) {
  const where = group.startsWith('64 bytes') ? group.replace('64 bytes, ', '') : '';
  return {
    title: `${row}${where === '' ? '' : `, ${where}`}: ${other}`,
    bound,
    unit: '×',
    atMost: false,
    measuredIn: (rows) => {
      const found = find(rows, group, row);
      const pairs = found === undefined ? [] : ratios(found, other, 'cpuUs');
      return pairs.length === 0 ? undefined : quantile(pairs, 0.25);
    },
  };
}

/**
 * The first takes at most so many times as much as another: told on the cautious side, too.
 *
 * @param {string} title @param {string} group @param {string} row @param {string} other @param {number} bound
 * @returns {Goal}
 */
function within(title, group, row, other, bound) {
  return {
    title,
    bound,
    unit: '×',
    atMost: true,
    measuredIn: (rows) => {
      const found = find(rows, group, row);
      const pairs = found === undefined ? [] : ratios(found, other, 'cpuUs');
      return pairs.length === 0 ? undefined : 1 / quantile(pairs, 0.25);
    },
  };
}

/**
 * A figure of mqtt-kit alone, the median.
 *
 * @param {string} title @param {string} group @param {string} row @param {string} unit @param {number} bound
 * @param {boolean} atMost @param {(sample: import('./measure.mjs').Sample) => number} of @returns {Goal}
 */
function figure(title, group, row, unit, bound, atMost, of) {
  return {
    title,
    bound,
    unit,
    atMost,
    measuredIn: (rows) => {
      const samples = find(rows, group, row)?.measured[0]?.samples;
      return samples === undefined ? undefined : median(samples.map(of));
    },
  };
}

/** 5.0 beside 3.1.1, both of mqtt-kit. @param {string} row @returns {Goal} */
function dearer(row) {
  return {
    title: `${row}: 5.0 beside 3.1.1`,
    bound: 1.15,
    unit: '×',
    atMost: true,
    measuredIn: (rows) => {
      const found = find(rows, versions, row);
      const pairs = found === undefined ? [] : ratios(found, 'mqtt-kit 5.0', 'cpuUs');
      return pairs.length === 0 ? undefined : median(pairs);
    },
  };
}

/** @type {readonly (readonly [group: string, direction: string, bounds: readonly (readonly [number, number])[], first: number])[]} */
const perMessage = [
  [
    batching,
    'publish',
    [
      [12, 8],
      [8, 6],
      [9, 8],
    ],
    0,
  ],
  [
    batching,
    'receive',
    [
      [9, 9],
      [12, 14],
      [12, 10],
    ],
    0,
  ],
  [
    single,
    'publish',
    [
      [4, 3],
      [4, 3],
    ],
    1,
  ],
  [
    mosquitto,
    'publish',
    [
      [7, 3],
      [2, 1.3],
      [2, 1.6],
    ],
    0,
  ],
];

/** @type {readonly Goal[]} */
const goals = [
  ...perMessage.flatMap(([group, direction, bounds, first]) =>
    bounds.flatMap(([mqttJs, libmosquitto], at) => [
      times(group, `${direction} QoS ${first + at}`, 'MQTT.js', mqttJs),
      times(group, `${direction} QoS ${first + at}`, 'libmosquitto', libmosquitto),
    ]),
  ),
  ...[/** @type {const} */ (['publish', 1.1]), /** @type {const} */ (['receive', 1.5])].flatMap(
    ([direction, mqttJs]) => {
      const row = `${direction} QoS 0, 65,536 B`;
      return [
        times(sizes, row, 'MQTT.js', mqttJs),
        times(sizes, row, 'libmosquitto', 0.6),
        within(`${row}: beside the bare socket`, sizes, row, 'bare socket', 1.5),
      ];
    },
  ),
  figure(
    'dispatch, 10,000 filters, uncached',
    'Dispatch',
    '10,000 filters, uncached',
    ' µs',
    2,
    true,
    cpuOf,
  ),
  figure(
    'dispatch, 10,000 filters, cached',
    'Dispatch',
    '10,000 filters, cached',
    ' µs',
    0.15,
    true,
    cpuOf,
  ),
  within(
    'clients: CPU beside bare sockets',
    clients,
    'connect, and be connected',
    'bare socket',
    2,
  ),
  figure(
    'clients: memory of each',
    clients,
    'connect, and be connected',
    ' kB',
    20,
    true,
    kilobytesOf,
  ),
  figure(
    'queued message: memory beyond its payload',
    queue,
    '100,000 messages',
    ' B',
    200,
    true,
    bytesOf,
  ),
  times(queue, '10,000 messages', 'MQTT.js', 10),
  within('round trip: beside the bare socket', 'Round trip', 'there and back', 'bare socket', 1.25),
  figure(
    'store on disk, 100 writers',
    'Store on disk',
    '100 writers',
    ' per second',
    20_000,
    false,
    perSecondOf,
  ),
  ...['encode', 'decode'].flatMap((way) => [
    times(codec, `${way} 3.1.1 PUBLISH QoS 0 64 B`, 'mqtt-packet', 10),
    times(codec, `${way} 5.0 PUBLISH QoS 1 64 B`, 'mqtt-packet', 10),
    times(codec, `${way} 5.0 PUBLISH QoS 1 64 B, 4 properties`, 'mqtt-packet', 10),
    times(codec, `${way} 5.0 PUBACK`, 'mqtt-packet', 10),
  ]),
  ...['publish', 'receive'].flatMap((direction) =>
    [0, 1, 2].map((qos) => dearer(`${direction} QoS ${qos}`)),
  ),
];

/** @param {import('./measure.mjs').Sample} sample */
function cpuOf({ cpuUs = Number.NaN }) {
  return cpuUs;
}

/** @param {import('./measure.mjs').Sample} sample */
function bytesOf({ memoryBytes = Number.NaN }) {
  return memoryBytes;
}

/** @param {import('./measure.mjs').Sample} sample */
function kilobytesOf({ memoryBytes = Number.NaN }) {
  return memoryBytes / 1000;
}

/** @param {import('./measure.mjs').Sample} sample */
function perSecondOf({ wallUs = Number.NaN }) {
  return 1e6 / wallUs;
}
