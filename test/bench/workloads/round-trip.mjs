/** One message there and back, then the next: what a client adds to the way of a single message. */
import { runNode } from '../harness/processes.mjs';

/** @param {import('../bench.mjs').Bench} bench @returns {import('../harness/measure.mjs').Cell[]} */
export function roundTripCells({ servers, share }) {
  const count = Math.ceil(10_000 * share);
  return [
    {
      name: 'round-trip',
      group: 'Round trip, QoS 0, one message at a time',
      columns: 'trips',
      quick: true,
      contestants: ['mqtt-kit', 'MQTT.js', 'bare socket'].map((name) => ({
        name,
        measure: () =>
          servers.unchecked(64, async (url) => ({
            'there and back': await runNode('run-round-trip.mjs', [name, count, url]),
          })),
      })),
    },
  ];
}
