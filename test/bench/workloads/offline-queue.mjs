/** Messages queued without a connection: what each holds, and what it takes to send them all when there is one. */
import { runNode } from '../harness/processes.mjs';

/** @param {import('../bench.mjs').Bench} bench @returns {import('../harness/measure.mjs').Cell[]} */
export function offlineQueueCells({ servers }) {
  const group =
    'Messages queued offline, QoS 1, 64 bytes, then sent (memory: of each beyond its payload)';
  // Of more than 65,535 MQTT.js loses some: its packet identifiers come round again.
  return [
    { name: 'offline-10000', count: 10_000, names: ['mqtt-kit', 'MQTT.js'] },
    { name: 'offline-100000', count: 100_000, names: ['mqtt-kit'] },
  ].map(({ name, count, names }) => ({
    name,
    group,
    columns: 'queue',
    quick: true,
    contestants: names.map((library) => ({
      name: library,
      measure: () =>
        servers.unchecked(64, async (url) => ({
          [`${count.toLocaleString('en')} messages`]: await runNode(
            'run-offline.mjs',
            [library, count, url],
            ['--expose-gc'],
          ),
        })),
    })),
  }));
}
