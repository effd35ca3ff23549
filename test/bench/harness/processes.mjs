/** Measurements are processes that print one line of JSON. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** @param {string} name of a program of this folder */
export const programPath = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

const limitMs = 180_000;

/**
 * Runs a program to its end and returns what it printed. Rejects when it fails.
 *
 * @param {string} program @param {readonly (string | number)[]} words
 * @param {{ input?: number, output?: number }} [files] file descriptors in place of pipes
 * @returns {Promise<{ stdout: string, stderr: string }>}
 */
export async function run(program, words, { input, output } = {}) {
  const child = spawn(program, words.map(String), {
    stdio: [input ?? 'ignore', output ?? 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, limitMs);
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const [code, signal] = await once(child, 'close');
  process.off('exit', stop);
  clearTimeout(limit);
  if (code !== 0) {
    const why = late ? `not done after ${limitMs / 1000} s` : `exit ${code ?? signal}`;
    throw new Error(`${[program, ...words].join(' ')}: ${why}\n${stderr.trim().slice(-2000)}`);
  }
  return { stdout, stderr };
}

/**
 * A measurement: a program of this folder in a Node of its own.
 *
 * @param {string} name @param {readonly (string | number)[]} words @param {readonly string[]} [nodeOptions]
 * @returns {Promise<any>} the JSON that it printed
 */
export async function runNode(name, words, nodeOptions = []) {
  const { stdout } = await run(process.execPath, [...nodeOptions, programPath(name), ...words]);
  return JSON.parse(stdout);
}
