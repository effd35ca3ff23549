/**
 * What mqtt-kit costs, beside MQTT.js, libmosquitto and the bare socket, through the public API.
 *
 *   pnpm bench                         everything, 7 rounds: half an hour of a quiet machine at most
 *   pnpm bench --quick                 the main cells with few messages, 2 rounds: a look, not a figure to quote
 *   pnpm bench --only publish-1,codec  these cells, or all whose name begins so and goes on with a hyphen
 *   pnpm bench --rounds 15
 *   pnpm bench --share 0.1             a tenth of the messages: what they cost a process that does not live long
 *   pnpm bench --json FILE             all that was measured
 *   pnpm bench --list                  the names of the cells
 *
 * Tables of Markdown go to standard output, progress to standard error. README.md tells how it is measured.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { judge } from './harness/goals.mjs';
import { measureCell } from './harness/measure.mjs';
import { compileNative } from './harness/native.mjs';
import { goalsTable, tableHead, tableRow } from './harness/report.mjs';
import { Servers } from './harness/servers.mjs';
import { bundleSizeCells } from './workloads/bundle-size.mjs';
import { codecCells } from './workloads/codec.mjs';
import { dispatchCells } from './workloads/dispatch.mjs';
import { durableStoreCells } from './workloads/durable-store.mjs';
import { manyClientsCells } from './workloads/many-clients.mjs';
import { offlineQueueCells } from './workloads/offline-queue.mjs';
import { programCells } from './workloads/programs.mjs';
import { roundTripCells } from './workloads/round-trip.mjs';
import { trafficCells } from './workloads/traffic.mjs';

/** @typedef {{ readonly servers: Servers, readonly native: import('./harness/native.mjs').Native, readonly share: number }} Bench what workloads share; `share` is the part of the messages of a whole run */
/** @typedef {import('./harness/measure.mjs').Cell} Cell */
/** @typedef {import('./harness/measure.mjs').Row} Row */

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    share: { type: 'string' },
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 2 : 7));
const share = Number(values.share ?? (values.quick ? 0.1 : 1));

/** @param {Bench} bench @returns {readonly Cell[]} */
function allCells(bench) {
  return [
    ...trafficCells(bench),
    ...roundTripCells(bench),
    ...dispatchCells(bench),
    ...manyClientsCells(bench),
    ...offlineQueueCells(bench),
    ...durableStoreCells(bench),
    ...codecCells(bench),
    ...programCells(bench),
    ...bundleSizeCells(bench),
  ];
}

/** @param {readonly Cell[]} cells @returns {readonly Cell[]} */
function chosen(cells) {
  const wanted = values.only?.split(',');
  if (wanted === undefined) return values.quick ? cells.filter(({ quick }) => quick) : cells;
  /** @param {string} word @param {Cell} cell */
  const isMeant = (word, { name }) => name === word || name.startsWith(`${word}-`);
  const unknown = wanted.filter((word) => !cells.some((cell) => isMeant(word, cell)));
  if (unknown.length > 0) {
    const names = cells.map(({ name }) => name).join(', ');
    throw new Error(`No cell is called ${unknown.join(', ')}; there are ${names}.`);
  }
  // A whole name means that cell alone.
  return cells.filter((cell) =>
    wanted.some((word) =>
      cells.some(({ name }) => name === word) ? cell.name === word : isMeant(word, cell),
    ),
  );
}

/** @param {readonly Cell[]} cells @returns {Promise<readonly Row[]>} */
async function measureAll(cells) {
  /** @type {Row[]} */
  const rows = [];
  let group = '';
  for (const [at, cell] of cells.entries()) {
    const progress = (/** @type {number} */ round) =>
      console.error(`[${at + 1}/${cells.length}] ${cell.name}, round ${round + 1}`);
    const found = await measureCell(cell, rounds, progress);
    rows.push(...found);
    const columns = cell.columns ?? 'messages';
    if (cell.group !== group) {
      group = cell.group;
      console.log(`\n### ${group}\n\n${tableHead(columns).join('\n')}`);
    }
    for (const row of found) console.log(tableRow(row, columns).join('\n'));
  }
  return rows;
}

const servers = new Servers();
try {
  if (!existsSync(new URL('../../packages/mqtt-kit/dist/index.js', import.meta.url))) {
    throw new Error('nothing to measure yet. Build first: pnpm build');
  }
  if (!(rounds >= 1)) throw new Error(`--rounds is a number from 1, not ${values.rounds}`);
  if (!(share > 0)) throw new Error(`--share is a number above 0, not ${values.share}`);
  const native = compileNative();
  const cells = chosen(allCells({ servers, native, share }));
  if (values.list) {
    for (const { name, group } of cells) console.log(`${name.padEnd(22)} ${group}`);
  } else {
    const started = performance.now();
    const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}`;
    const loads = [loadavg()[0] ?? 0];
    console.log(`${machine}; ${rounds} rounds${values.quick ? ', few messages: a look' : ''}.`);
    if (native.missing !== undefined) console.log(native.missing);
    const rows = await measureAll(cells);
    loads.push(loadavg()[0] ?? 0);
    const judged = judge(rows);
    if (judged.some(({ value }) => value !== undefined)) {
      const measured = values.only === undefined ? judged : judged.filter(({ value }) => value);
      console.log(`\n### Goals\n\n${goalsTable(measured).join('\n')}`);
    }
    const minutes = ((performance.now() - started) / 60_000).toFixed(1);
    const load = loads.map((value) => value.toFixed(1)).join(' before, ');
    console.log(`\n${minutes} minutes; load average ${load} after.`);
    if (values.json !== undefined) {
      const all = { machine, rounds, quick: values.quick, loads, rows, goals: judged };
      writeFileSync(values.json, `${JSON.stringify(all, undefined, 1)}\n`);
    }
  }
} catch (error) {
  console.error(`bench: ${/** @type {Error} */ (error).message}`);
  process.exitCode = 1;
} finally {
  servers.stop();
}
