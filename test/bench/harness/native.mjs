/**
 * The programs in C: libmosquitto as a library, and what tells the CPU time of a child process. They are compiled when
 * the benchmark starts, and where there is no compiler or no libmosquitto, what needs them is left out, and said so.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchPackages } from '../../setup/debian-packages.mjs';

const folder = fileURLToPath(new URL('../../../node_modules/.bench/', import.meta.url));
const sources = fileURLToPath(new URL('../native/', import.meta.url));

/** @typedef {{ readonly libmosquitto: string | undefined, readonly cpuOf: string | undefined, readonly missing: string | undefined }} Native */

/** @returns {Native} */
export function compileNative() {
  mkdirSync(folder, { recursive: true });
  const libmosquitto = compile('libmosquitto-traffic', '-lmosquitto');
  const cpuOf = compile('cpu-of');
  const names = benchPackages.map(({ name }) => name).join(' ');
  const missing =
    libmosquitto === undefined || cpuOf === undefined
      ? `Without a C compiler and libmosquitto some columns stay empty: apt-get install ${names}`
      : undefined;
  return { libmosquitto, cpuOf, missing };
}

/** @param {string} name @param {readonly string[]} libraries @returns {string | undefined} */
function compile(name, ...libraries) {
  const output = `${folder}${name}`;
  const words = ['-O2', '-o', output, `${sources}${name}.c`, ...libraries];
  const { status } = spawnSync('cc', words, { stdio: 'ignore' });
  return status === 0 ? output : undefined;
}
