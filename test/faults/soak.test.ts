/**
 * What a client holds on to. In short inside `pnpm test`, where only a real leak stands out from what warming up takes;
 * `pnpm soak` works for long enough to hold it to the figures.
 */
import { describe, expect, it } from 'vitest';
import { requires } from '../setup/requires.ts';
import { leakBytes, nameOf, type SoakCell, type SoakResult, soak, soakCells } from './soak.ts';

const minutes = 60_000;
/** Given by `pnpm soak`. */
const order = process.env['MQTT_KIT_SOAK'];

if (order === undefined) {
  const cells: readonly (SoakCell & { readonly mostBytesEach: number })[] = [
    // Whatever holds on to a message takes more than this.
    { work: 'messages', qos: 2, store: 'file', amount: 18_000, samples: 6, mostBytesEach: 40 },
    { work: 'reconnects', qos: 1, store: 'memory', amount: 180, samples: 6, mostBytesEach: 2048 },
  ];
  describe.runIf(requires('mosquitto'))('a client that works for long', () => {
    it.each(cells)('holds on to nothing: $work', { timeout: 8 * minutes }, async (cell) => {
      const [result] = await soak([cell]);
      expect(result?.changed).toEqual([]);
      expect(result?.bytesEach).toBeLessThan(cell.mostBytesEach);
    });
  });
} else {
  const { messages, reconnects, only } = JSON.parse(order) as {
    readonly messages: number;
    readonly reconnects: number;
    readonly only: string;
  };
  it('soak', { timeout: 24 * 60 * minutes }, async () => {
    const cells = soakCells(messages, reconnects).filter((cell) => nameOf(cell).includes(only));
    expect(cells, `cells whose name includes "${only}"`).not.toEqual([]);
    const results = await soak(cells, (result) => console.log(lineOf(result)));
    const leaks = results.filter(({ cell, bytesEach, changed }) => {
      return bytesEach > leakBytes[cell.work] || changed.length > 0;
    });
    expect(leaks.map(lineOf)).toEqual([]);
  });
}

function lineOf({ cell, bytesEach, uncertainty, changed, samples }: SoakResult): string {
  const figures =
    cell.work === 'messages'
      ? `${mebibytes(bytesEach)} ± ${mebibytes(uncertainty)} MiB for a million`
      : `${kibibytes(bytesEach)} ± ${kibibytes(uncertainty)} KiB each`;
  const first = samples[0];
  const constant = `${first?.handles.length} handles and ${first?.listeners} listeners throughout`;
  const rest = changed.length === 0 ? constant : changed.slice(0, 3).join('; ');
  return `${nameOf(cell).padEnd(38)} ${figures.padEnd(36)} ${rest}`;
}

/** Of so many bytes each for a million. */
function mebibytes(bytesEach: number): string {
  return ((bytesEach * 1_000_000) / 2 ** 20).toFixed(3);
}

function kibibytes(bytes: number): string {
  return (bytes / 1024).toFixed(3);
}
