/** What a page loads: the client bundled for browsers, minified and compressed. */
import { gzipSync } from 'node:zlib';
import { bundle } from '../../browser/bundle.mjs';

/** @param {import('../bench.mjs').Bench} _bench @returns {import('../harness/measure.mjs').Cell[]} */
export function bundleSizeCells(_bench) {
  return [
    {
      name: 'bundle-size',
      group: 'Bundle for browsers',
      columns: 'bytes',
      quick: true,
      constant: true,
      contestants: [
        ['mqtt-kit', "export { connect } from 'mqtt-kit';"],
        ['MQTT.js', "export { connect } from 'mqtt';"],
      ].map(([name = '', program = '']) => ({
        name,
        measure: async () => {
          const { code } = await bundle(program);
          return {
            'connect alone': {
              gzipBytes: gzipSync(code, { level: 9 }).length,
              minifiedBytes: code.length,
            },
          };
        },
      })),
    },
  ];
}
