/** A thousand clients in one process: what each costs until it is connected, and what it holds then. */
import { runNode } from '../harness/processes.mjs';

/** @param {import('../bench.mjs').Bench} bench @returns {import('../harness/measure.mjs').Cell[]} */
export function manyClientsCells({ servers, share }) {
  const count = share < 1 ? 200 : 1000;
  return [
    {
      name: 'clients',
      group: `${count.toLocaleString('en')} clients in one process, each`,
      columns: 'clients',
      quick: true,
      contestants: ['mqtt-kit', 'MQTT.js', 'bare socket'].map((name) => ({
        name,
        measure: () =>
          servers.unchecked(64, async (url) => ({
            'connect, and be connected': await runNode(
              'run-clients.mjs',
              [name, count, url],
              ['--expose-gc'],
            ),
          })),
      })),
    },
  ];
}
