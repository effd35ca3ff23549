import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pnpmCommand } from '../../test/pnpm.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = ['apps/mqtt-pub/dist/mqtt-pub.js', 'apps/mqtt-sub/dist/mqtt-sub.js'];

/**
 * Builds when what is to be there is missing or older than a source. Says so: it takes seconds.
 *
 * @param {readonly string[]} wanted
 */
export async function buildWhenNeeded(wanted = programs) {
  const built = Math.min(...wanted.map((path) => changedAtMs(path)));
  if (built > newestSourceMs()) return;
  console.log('Building...');
  const [program = '', ...words] = [...pnpmCommand(), 'run', 'build'];
  const build = spawn(program, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [build.stdout, build.stderr])
    stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => build.once('close', resolve));
  if (code !== 0) throw new Error(`pnpm build failed:\n${output}`);
}

function newestSourceMs() {
  let newest = 0;
  for (const group of ['packages', 'apps']) {
    for (const name of readdirSync(`${root}${group}`)) {
      for (const path of filesUnder(`${group}/${name}/src`)) {
        newest = Math.max(newest, changedAtMs(path));
      }
    }
  }
  return newest;
}

/** @param {string} folder @returns {string[]} */
function filesUnder(folder) {
  try {
    const entries = readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
      .map((entry) => `${entry.parentPath.slice(root.length)}/${entry.name}`);
  } catch {
    return [];
  }
}

/** 0 when there is no such file. @param {string} path */
function changedAtMs(path) {
  return statSync(`${root}${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
