/** A store on disk, one `fdatasync` before each acknowledgement counts: how many writers share one. */
import { runNode } from '../harness/processes.mjs';

/** @param {import('../bench.mjs').Bench} bench @returns {import('../harness/measure.mjs').Cell[]} */
export function durableStoreCells({ servers, share }) {
  const amounts = /** @type {const} */ ([
    [1, 200],
    [100, 20_000],
    [1000, 60_000],
  ]);
  return amounts.map(([writers, count]) => ({
    name: `store-${writers}`,
    group: 'Store on disk, durability power, QoS 1',
    quick: writers === 100,
    contestants: ['mqtt-kit', 'fdatasync alone'].map((name) => ({
      name,
      measure: () =>
        servers.unchecked(64, async (url) => ({
          [`${writers.toLocaleString('en')} writers`]: await runNode('run-store.mjs', [
            name,
            writers,
            Math.ceil(count * share),
            url,
          ]),
        })),
    })),
  }));
}
