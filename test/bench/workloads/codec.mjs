/** The codec alone, beside mqtt-packet: one packet after the other, each with all its fields. */
import { bundleProgram } from '../harness/bundle.mjs';
import { run } from '../harness/processes.mjs';

/** @param {import('../bench.mjs').Bench} bench @returns {import('../harness/measure.mjs').Cell[]} */
export function codecCells({ share }) {
  /** @type {Promise<string> | undefined} */
  let program;
  return [
    {
      name: 'codec',
      group: 'Codec alone, one packet',
      columns: 'nanoseconds',
      quick: true,
      contestants: ['mqtt-kit', 'mqtt-packet'].map((side) => ({
        name: side,
        measure: async () => {
          program ??= bundleProgram('run-codec.ts');
          const { stdout } = await run(process.execPath, [await program, side, 60 * share]);
          return JSON.parse(stdout);
        },
      })),
    },
  ];
}
