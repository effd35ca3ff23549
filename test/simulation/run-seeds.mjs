/** Runs seeds in processes of their own, and gathers what they say. */
import { spawn } from 'node:child_process';

/**
 * @typedef {{ seed: number, step: number, invariant: string, message: string, stack: string,
 *   keep?: number[], trace: string[] }} Failure
 * @typedef {{ failures: Failure[], counts: Record<string, number>, steps: number, ms: number, hash: string }} Outcome
 */

/**
 * Runs seeds of one level in several processes.
 *
 * @param {string} program the bundle
 * @param {{ level: string, from: number, seeds: number, steps: number, without: string[], keep?: number[],
 *   traced?: boolean, mostFailures?: number, minimise?: boolean }} assignment
 * @param {number} processes
 * @param {(done: number) => void} onProgress
 * @returns {Promise<Outcome>}
 */
export async function runSeeds(program, assignment, processes, onProgress = () => {}) {
  const start = performance.now();
  /** @type {Outcome} */
  const outcome = { failures: [], counts: {}, steps: 0, ms: 0, hash: '' };
  const share = Math.ceil(assignment.seeds / processes);
  const dones = new Map();
  await Promise.all(
    Array.from({ length: processes }, (_, index) => {
      const from = assignment.from + index * share;
      const seeds = Math.min(share, assignment.from + assignment.seeds - from);
      if (seeds <= 0) return undefined;
      return runProcess(program, { ...assignment, from, seeds }, (line) => {
        if (line.failure) outcome.failures.push(line.failure);
        if (line.trace) console.log(line.trace.join('\n'));
        if (line.done) {
          dones.set(index, line.done);
          onProgress([...dones.values()].reduce((sum, done) => sum + done, 0));
        }
        if (!line.counts) return;
        outcome.steps += line.steps;
        outcome.hash = line.hash;
        for (const [name, times] of Object.entries(line.counts)) {
          outcome.counts[name] = (outcome.counts[name] ?? 0) + Number(times);
        }
      });
    }),
  );
  outcome.ms = performance.now() - start;
  return outcome;
}

/**
 * @param {string} program
 * @param {object} assignment
 * @param {(line: any) => void} onLine
 */
function runProcess(program, assignment, onLine) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, JSON.stringify(assignment)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
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
      if (code === 0) resolve(undefined);
      else reject(new Error(`a process of the simulation ended with ${code}`));
    });
  });
}
