/** From a topic name to its subscriptions: alone, and within a client that receives. */
import { bundleProgram } from '../harness/bundle.mjs';
import { run } from '../harness/processes.mjs';
import { amount, contestants } from './traffic.mjs';

/** @param {import('../bench.mjs').Bench} bench @returns {import('../harness/measure.mjs').Cell[]} */
export function dispatchCells(bench) {
  /** @type {Promise<string> | undefined} */
  let program;
  const traffic = {
    direction: /** @type {const} */ ('receive'),
    qos: /** @type {const} */ (0),
    ...amount(bench, 0, 64),
    size: 64,
  };
  return [
    {
      name: 'dispatch',
      group: 'Dispatch alone, one topic name',
      columns: 'nanoseconds',
      quick: true,
      contestants: [
        {
          name: 'mqtt-kit',
          measure: async () => {
            program ??= bundleProgram('run-dispatch.ts');
            const { stdout } = await run(process.execPath, [await program, 60 * bench.share]);
            return JSON.parse(stdout);
          },
        },
      ],
    },
    ...[1, 10, 100, 1000, 10_000].map((filters) => ({
      name: `filters-${filters}`,
      group: 'Receiving with many filters, QoS 0, 64 bytes',
      contestants: contestants(bench, 'batching', { ...traffic, filters }, ['mqtt-kit', 'MQTT.js']),
    })),
  ];
}
