/**
 * Fuzzes the decoder and the engine from the command line.
 *
 *   pnpm fuzz                                   the standard run: what the tests run
 *   pnpm fuzz --inputs 50000000 --seed 7        more of it, and other inputs
 *   pnpm fuzz --replay decoder:5.0:server:30ff  one input that was printed before
 *
 * Options: --inputs N (default 1,000,000), --engine-inputs N (default 6 for 1,000), --seed S (default 1),
 * --from N (the first input), --threads N (default: one for each processor).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the tests run. */
export const standard = { seed: 1, from: 0, inputs: 1_000_000, engineInputs: 6_000, bounds: true };

/** An input that has taken so much of a processor hangs: time alone would tell how loaded the machine is. */
const hangCpuMs = 60_000;

/** Processor time of this process, all threads. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * @typedef {import('./runner.ts').Summary} Summary
 * @typedef {Omit<import('./runner.ts').Assignment, 'progress'>} Assignment
 */

/**
 * Makes one file of the fuzzer and the sources it tests: those of this tree, or of a copy.
 *
 * @param {string} sources the folder that has `packages`
 * @returns {Promise<{ program: string, remove: () => void }>}
 */
export async function bundle(sources = root) {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-fuzz-'));
  const program = join(folder, 'runner.mjs');
  await build({
    entryPoints: [join(root, 'test/fuzz/runner.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    conditions: ['mqtt-kit-source'],
    alias: Object.fromEntries(
      ['packet', 'engine', 'core', 'testkit'].map((name) => [
        `@mqtt-kit/${name}`,
        join(sources, 'packages', name, 'src', 'index.ts'),
      ]),
    ),
    logLevel: 'warning',
    // mqtt-packet is CommonJS and asks for Node's modules by require.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return { program, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Runs one assignment in a thread. A hang ends it, and is a failure with the bytes that brought it.
 *
 * @param {string} program
 * @param {Assignment} assignment
 * @param {(done: number) => void} onProgress
 * @returns {Promise<Summary>}
 */
export function fuzz(program, assignment, onProgress = () => {}) {
  const progress = new SharedArrayBuffer(8);
  const underWay = new Int32Array(progress);
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, { workerData: { ...assignment, progress } });
    let before = '';
    let sinceMs = cpuMs();
    const watch = setInterval(() => {
      onProgress(Math.max(0, (underWay[0] ?? 0) - assignment.from));
      const now = underWay.join();
      if (now !== before) {
        before = now;
        sinceMs = cpuMs();
      } else if (cpuMs() - sinceMs > hangCpuMs) {
        settle();
        worker.terminate();
        const [decoder = 0, engine = 0] = underWay;
        // The engine's turn comes when all inputs of the decoder are done.
        const inEngine =
          engine > assignment.from || decoder === assignment.from + assignment.inputs - 1;
        const show = inEngine ? 'engine' : 'decoder';
        resolve(fuzz(program, { ...assignment, from: inEngine ? engine : decoder, show }));
      }
    }, 250);
    const settle = () => clearInterval(watch);
    worker.once('message', (summary) => {
      settle();
      resolve(summary);
    });
    worker.once('error', (error) => {
      settle();
      reject(error);
    });
    worker.once('exit', () => settle());
  });
}

/** @param {import('./runner.ts').Failure} failure */
export function describeFailure({ problem, replay, stack }) {
  const command = replay.startsWith('--') ? `pnpm fuzz ${replay}` : `pnpm fuzz --replay ${replay}`;
  return [problem, `  ${command}`, ...stack.split('\n').slice(1, 6)].join('\n');
}

async function main() {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: String(standard.inputs) },
      'engine-inputs': { type: 'string' },
      seed: { type: 'string', default: String(standard.seed) },
      from: { type: 'string', default: '0' },
      threads: { type: 'string', default: String(availableParallelism()) },
      replay: { type: 'string' },
      counts: { type: 'boolean', default: false },
    },
  });
  const inputs = Number(values.inputs);
  const engineInputs = Number(values['engine-inputs'] ?? Math.ceil((inputs * 6) / 1000));
  const threads = values.replay === undefined ? Math.min(Number(values.threads), inputs) : 1;
  const share = Math.ceil(inputs / threads);
  const { program, remove } = await bundle();
  try {
    /** @type {number[]} */
    const done = Array(threads).fill(0);
    const summaries = await Promise.all(
      done.map((_, index) => {
        const assignment = {
          seed: Number(values.seed),
          from: Number(values.from) + index * share,
          inputs: Math.min(share, inputs - index * share),
          engineInputs: Math.ceil(engineInputs / threads),
          bounds: index === 0,
          ...(values.replay !== undefined && { replay: values.replay }),
        };
        return fuzz(program, assignment, (count) => {
          done[index] = count;
          const sum = done.reduce((total, one) => total + one, 0).toLocaleString('en');
          process.stderr.write(`\r${sum} of ${inputs.toLocaleString('en')} inputs`);
        });
      }),
    );
    process.stderr.write('\r');
    show(summaries, values.replay === undefined ? inputs : 1, values.counts);
  } finally {
    remove();
  }
}

/** @param {readonly Summary[]} summaries @param {number} inputs @param {boolean} allCounts */
function show(summaries, inputs, allCounts) {
  const failures = summaries.flatMap((summary) => summary.failures);
  for (const failure of failures) console.log(describeFailure(failure));
  const ms = Math.max(...summaries.map((summary) => summary.ms));
  const rate = Math.round((inputs / ms) * 1000).toLocaleString('en');
  console.log(
    `${inputs.toLocaleString('en')} inputs in ${(ms / 1000).toFixed(1)} s (${rate}/s), ` +
      `${Math.max(...summaries.map(({ refusals }) => refusals))} kinds of refusals, ${failures.length} failures`,
  );
  /** @type {Record<string, number>} */
  const counts = {};
  for (const summary of summaries) {
    for (const [name, times] of Object.entries(summary.counts)) {
      if (allCounts || !name.includes(' type ')) counts[name] = (counts[name] ?? 0) + times;
    }
  }
  for (const [name, times] of Object.entries(counts).sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    console.log(`  ${String(times).padStart(9)}  ${name}`);
  }
  if (failures.length > 0) process.exitCode = 1;
}

if (import.meta.url === new URL(process.argv[1] ?? '', 'file:').href) await main();
