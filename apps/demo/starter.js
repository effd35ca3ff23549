import { readFileSync } from 'node:fs';

const lookEveryMs = 500;

/**
 * Resolves when the package manager that started us has gone without a word: npx that is ended by a signal does not
 * pass it on, and we would run on for ever. Where there is no /proc it never resolves.
 *
 * @returns {Promise<void>}
 */
export function starterGone() {
  const before = starters().join();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (starters().join() === before) return;
      clearInterval(timer);
      resolve();
    }, lookEveryMs);
    timer.unref();
  });
}

/** Our ancestors up to the last one that has to do with pnpm. */
function starters() {
  const ancestors = [];
  let last = 0;
  for (let pid = process.ppid; pid > 1; pid = parentOf(pid)) {
    ancestors.push(pid);
    if (commandOf(pid).includes('pnpm')) last = ancestors.length;
  }
  return ancestors.slice(0, last);
}

/** @param {number} pid */
function parentOf(pid) {
  // The second field is the program's name in brackets, which may hold anything.
  const [, parent] = readProcess(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
  return Number(parent ?? 0);
}

/** @param {number} pid */
function commandOf(pid) {
  return readProcess(pid, 'cmdline');
}

/** @param {number} pid @param {string} file */
function readProcess(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
