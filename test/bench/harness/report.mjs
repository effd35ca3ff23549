/** Tables of Markdown from what was measured. */
import { again, ratios } from './measure.mjs';
import { median, quantile } from './statistics.mjs';

/** @typedef {import('./measure.mjs').Row} Row */
/** @typedef {import('./measure.mjs').Sample} Sample */
/** @typedef {{ title: string, of(sample: Sample): number, digits: number }} Column */

/** @param {string} title @param {string} metric @param {number} [unit] @param {number} [digits] @returns {Column} */
const column = (title, metric, unit = 1, digits = 2) => ({
  title,
  of: (sample) => (sample[metric] ?? Number.NaN) / unit,
  digits,
});

/** @type {Column} */
const perSecond = { title: 'per second', of: ({ wallUs = 0 }) => 1e6 / wallUs, digits: 0 };
const cpu = column('CPU µs', 'cpuUs');
const system = column('of it system', 'systemUs');
const megabytes = column('memory MB', 'memoryBytes', 1e6, 0);

/** What a group shows of its samples; ratios are those of the first. */
const columnSets = {
  messages: [cpu, system, perSecond, megabytes],
  trips: [cpu, system, column('median µs', 'wallUs', 1, 0), megabytes],
  clients: [
    column('CPU µs', 'cpuUs', 1, 0),
    column('memory kB', 'memoryBytes', 1e3, 1),
    column('of it heap kB', 'heapBytes', 1e3, 1),
  ],
  queue: [
    cpu,
    column('to queue it µs', 'queueUs'),
    perSecond,
    column('memory B', 'memoryBytes', 1, 0),
  ],
  nanoseconds: [column('CPU ns', 'cpuUs', 1e-3, 0)],
  milliseconds: [column('CPU ms', 'cpuUs', 1e3, 1), column('time ms', 'wallUs', 1e3, 1), megabytes],
  bytes: [column('gzip B', 'gzipBytes', 1, 0), column('minified B', 'minifiedBytes', 1, 0)],
};

/** @typedef {keyof typeof columnSets} ColumnSet */

/** The metric that ratios are of. @param {ColumnSet} set */
export const metricOf = (set) => (set === 'bytes' ? 'gzipBytes' : 'cpuUs');

/** @param {readonly string[]} cells */
const line = (cells) => `| ${cells.join(' | ')} |`;

/** @param {ColumnSet} set @returns {readonly string[]} */
export function tableHead(set) {
  const titles = columnSets[set].map(({ title }) => title);
  const head = ['', 'client', ...titles, 'times as much', 'lower quartile'];
  return [line(head), line(head.map((_, at) => (at < 2 ? '---' : '---:')))];
}

/** A line for each contestant. @param {Row} row @param {ColumnSet} set @returns {readonly string[]} */
export function tableRow(row, set) {
  return row.measured.map(({ name, samples }, at) => {
    const values = columnSets[set].map(({ of, digits }) => number(median(samples.map(of)), digits));
    const pairs = at === 0 ? [] : ratios(row, name, metricOf(set));
    const [low, high] = [Math.min(...pairs), Math.max(...pairs)];
    const spread = name === again ? `${number(low, 2)} to ${number(high, 2)}` : '';
    return line([
      at === 0 ? row.name : '',
      name === again ? `(${row.measured[0]?.name} again)` : name,
      ...values,
      at === 0 ? '' : `${number(median(pairs), pairs.length > 0 && median(pairs) < 10 ? 2 : 1)}×`,
      at === 0 ? '' : name === again ? spread : `${number(quantile(pairs, 0.25), 2)}×`,
    ]);
  });
}

/** @param {number} value @param {number} digits */
function number(value, digits) {
  if (!Number.isFinite(value)) return '';
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** @param {readonly import('./goals.mjs').Judged[]} judged @returns {readonly string[]} */
export function goalsTable(judged) {
  const head = ['goal', 'wanted', 'measured', 'reached'];
  return [
    line(head),
    line(['---', '---:', '---:', '---']),
    ...judged.map(({ title, bound, value, unit, atMost }) => {
      const wanted = `${atMost ? 'at most ' : ''}${bound.toLocaleString('en')}${unit}`;
      if (value === undefined) return line([title, wanted, '', 'not measured']);
      const reached = atMost ? value <= bound : value >= bound;
      const digits = Math.abs(value) >= 100 ? 0 : 2;
      return line([title, wanted, `${number(value, digits)}${unit}`, reached ? 'yes' : '**no**']);
    }),
  ];
}
