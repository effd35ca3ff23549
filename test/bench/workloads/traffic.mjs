/**
 * Publishing and receiving, one message after the other with a window of them under way: the cost per message of each
 * client, by quality of service, size, kind of server, protocol version and properties.
 *
 * @typedef {object} Traffic
 * @property {'publish' | 'receive'} direction
 * @property {0 | 1 | 2} qos
 * @property {number} count
 * @property {number} window
 * @property {number} size
 * @property {'3.1.1' | '5.0'} [version] without it each client's default: 5.0 for mqtt-kit, 3.1.1 for the others
 * @property {boolean} [properties]
 * @property {number} [filters]
 */
import { run, runNode } from '../harness/processes.mjs';
import { Servers } from '../harness/servers.mjs';

const qualities = /** @type {const} */ ([0, 1, 2]);
const directions = /** @type {const} */ (['publish', 'receive']);

/** As many messages as take a good part of a second with the slowest client. */
const counts = /** @type {const} */ ([200_000, 80_000, 40_000]);

/**
 * How many times as many the first group has, which is what a message costs: with fewer of them much of the time goes
 * into compiling, of the client that takes least the greatest part. `--share` shows that.
 */
const lasting = 4;
/** What is left of them in groups whose cells are compared with each other; together they would take an hour. */
const bySize = 0.4;
const byVersion = 0.5;

/** @param {import('../bench.mjs').Bench} bench @returns {import('../harness/measure.mjs').Cell[]} */
export function trafficCells(bench) {
  return [...sixtyFourBytes(bench), ...sizes(bench), ...versions(bench)];
}

/** @param {import('../bench.mjs').Bench} bench */
function sixtyFourBytes(bench) {
  const servers = /** @type {const} */ (['batching', 'single', 'mosquitto']).filter(
    (server) => server !== 'mosquitto' || Servers.hasMosquitto,
  );
  return servers.flatMap((server) =>
    directions.flatMap((direction) =>
      qualities
        // At QoS 0 the server answers nothing, and what it sends it batches as it likes.
        .filter((qos) => server !== 'single' || qos > 0)
        .map((qos) => {
          const times = server === 'batching' ? lasting : 1;
          const traffic = { direction, qos, ...amount(bench, qos, 64, times), size: 64 };
          const suffix = server === 'batching' ? '' : `-${server}`;
          return {
            name: `${direction}-${qos}${suffix}`,
            group: `64 bytes, ${serverNames[server]}`,
            quick: direction === 'publish' || server === 'batching',
            contestants: contestants(bench, server, traffic, [
              'mqtt-kit',
              'MQTT.js',
              'libmosquitto',
            ]),
          };
        }),
    ),
  );
}

/** @param {import('../bench.mjs').Bench} bench */
function sizes(bench) {
  return [16, 1024, 16_384, 65_536].flatMap((size) =>
    directions.flatMap((direction) =>
      qualities.map((qos) => {
        const times = size === 65_536 ? 1 : bySize;
        const traffic = { direction, qos, ...amount(bench, qos, size, times), size };
        const socket = qos === 0 ? ['bare socket'] : [];
        return {
          name: `${direction}-${qos}-${size}`,
          group: 'Other sizes, server that batches',
          quick: size === 65_536 && qos === 0,
          contestants: contestants(bench, 'batching', traffic, [
            'mqtt-kit',
            'MQTT.js',
            'libmosquitto',
            ...socket,
          ]),
        };
      }),
    ),
  );
}

/** @param {import('../bench.mjs').Bench} bench */
function versions(bench) {
  return directions.flatMap((direction) =>
    qualities.map((qos) => {
      const plain = { direction, qos, ...amount(bench, qos, 64, byVersion), size: 64 };
      /** @type {[string, Partial<Traffic>][]} */
      const kinds = [
        ['3.1.1', { version: '3.1.1' }],
        ['5.0', { version: '5.0' }],
        ['5.0, 3 properties', { version: '5.0', properties: true }],
      ];
      return {
        name: `version-${direction}-${qos}`,
        group: 'Versions and properties, 64 bytes',
        quick: qos < 2,
        contestants: ['mqtt-kit', 'MQTT.js'].flatMap((library) =>
          kinds.flatMap(([kind, also]) =>
            contestants(bench, 'batching', { ...plain, ...also }, [library]).map((one) => ({
              ...one,
              name: `${library} ${kind}`,
            })),
          ),
        ),
      };
    }),
  );
}

const serverNames = {
  batching: 'server that batches its answers',
  single: 'server that sends each answer alone',
  mosquitto: 'real mosquitto',
};

/** @param {import('../bench.mjs').Bench} bench @param {0 | 1 | 2} qos @param {number} size @param {number} times */
export function amount(bench, qos, size, times = 1) {
  // Large messages cost by their bytes.
  const fewer = Math.max(1, size / 1024);
  const count = Math.ceil(((times * counts[qos] * bench.share) / fewer) * (size > 1024 ? 2 : 1));
  const window = qos === 0 ? 1000 : 100;
  return { count, window: Math.max(10, Math.min(window, Math.floor(4_000_000 / size))) };
}

/**
 * @param {import('../bench.mjs').Bench} bench @param {import('../harness/servers.mjs').ServerName} server
 * @param {Traffic} traffic @param {readonly string[]} names
 * @returns {import('../harness/measure.mjs').Contestant[]}
 */
export function contestants(bench, server, traffic, names) {
  const { direction, qos, count, window, size, properties = false } = traffic;
  const row = (/** @type {import('../harness/measure.mjs').Sample} */ sample) => ({
    [rowName(traffic)]: sample,
  });
  return names.flatMap((name) => {
    const { libmosquitto } = bench.native;
    if (name === 'libmosquitto' && libmosquitto === undefined) return [];
    const measure = () =>
      bench.servers.check(server, size, properties, async (url) => {
        if (name !== 'libmosquitto' || libmosquitto === undefined) {
          return runNode('run-traffic.mjs', [name, JSON.stringify({ ...traffic, url })]);
        }
        const { port } = new URL(url);
        const { stdout } = await run(libmosquitto, [direction, qos, count, window, size, port]);
        return JSON.parse(stdout);
      });
    return [{ name, measure: async () => row(await measure()) }];
  });
}

/** @param {Traffic} traffic */
function rowName({ direction, qos, size, filters }) {
  const many = filters === undefined ? '' : `, ${filters.toLocaleString('en')} filters`;
  return `${direction} QoS ${qos}${size === 64 ? '' : `, ${size.toLocaleString('en')} B`}${many}`;
}
