/** Runs seeds in processes of their own, and gathers what they say. */
import { spawn } from 'node:child_process';

/**
 * @typedef {{ seed: number, step: number, invariant: string, message: string, stack: string,
 *   keep?: number[], trace: string[] }} Failure
 * @typedef {{ failures: Failure[], counts: Record<string, number>, seeds: number, steps: number, ms: number,
 *   hash: string }} Outcome
 * @typedef {{ onProgress?: (outcome: Outcome) => void, onFailure?: (failure: Failure) => void,
 *   signal?: AbortSignal }} Watch
 */

/**
 * Runs seeds of one level in several processes, until all are done or a signal aborts: then what was done so far counts.
 *
 * @param {string} program the bundle
 * @param {{ level: string, from: number, seeds: number, steps: number, without: string[], keep?: number[],
 *   traced?: boolean, mostFailures?: number, minimise?: boolean }} assignment
 * @param {number} processes
 * @param {Watch} watch
 * @returns {Promise<Outcome>}
 */
export async function runSeeds(program, assignment, processes, watch = {}) {
  const start = performance.now();
  /** @type {Outcome} */
  const outcome = { failures: [], counts: {}, seeds: 0, steps: 0, ms: 0, hash: '' };
  const share = Math.ceil(assignment.seeds / processes);
  await Promise.all(
    Array.from({ length: processes }, (_, index) => {
      const from = assignment.from + index * share;
      const seeds = Math.min(share, assignment.from + assignment.seeds - from);
      if (seeds <= 0) return undefined;
      return runProcess(program, { ...assignment, from, seeds }, watch.signal, (line) => {
        if (line.failure) {
          outcome.failures.push(line.failure);
          watch.onFailure?.(line.failure);
        }
        if (line.trace) console.log(line.trace.join('\n'));
        if (!line.counts) return;
        outcome.seeds += line.done;
        outcome.steps += line.steps;
        outcome.hash = line.hash;
        outcome.ms = performance.now() - start;
        for (const [name, times] of Object.entries(line.counts)) {
          outcome.counts[name] = (outcome.counts[name] ?? 0) + Number(times);
        }
        watch.onProgress?.(outcome);
      });
    }),
  );
  outcome.ms = performance.now() - start;
  return outcome;
}

/**
 * @param {string} program
 * @param {object} assignment
 * @param {AbortSignal | undefined} signal
 * @param {(line: any) => void} onLine
 */
function runProcess(program, assignment, signal, onLine) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, JSON.stringify(assignment)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // An interruption at the terminal is for the parent: it stops its children itself.
      detached: true,
    });
    const stop = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', stop);
    // Nor do they outlive it.
    process.once('exit', stop);
    let text = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) onLine(JSON.parse(line));
    });
    child.once('error', reject);
    child.once('close', (code) => {
      signal?.removeEventListener('abort', stop);
      process.removeListener('exit', stop);
      if (code === 0 || signal?.aborted) resolve(undefined);
      else reject(new Error(`a process of the simulation ended with ${code}`));
    });
  });
}
