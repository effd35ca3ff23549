/**
 * Planted bugs: each file of `mutants/` names one place in the sources and what stands there instead. Each is applied
 * to a copy in a temporary folder, and has to be found.
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, makeFolder, packages, root } from './bundle.mjs';
import { runSeeds } from './run-seeds.mjs';

/** Within so many seeds each of them is found. */
const mostSeeds = 5_000;
const steps = 1_000;

/**
 * @typedef {{ name: string, invariant: number | string, level: string, what: string, file: string, find: string,
 *   replace: string }} Mutant
 */

/** @returns {Mutant[]} */
export function allMutants() {
  const folder = join(root, 'test/simulation/mutants');
  return readdirSync(folder)
    .sort()
    .map((file) => ({
      name: file.replace('.json', ''),
      ...JSON.parse(readFileSync(join(folder, file), 'utf8')),
    }));
}

/** How often the place of a planted bug is there: once, or somebody has changed it. @param {Mutant} mutant */
export function placesOf({ file, find }) {
  return readFileSync(join(root, file), 'utf8').split(find).length - 1;
}

/**
 * Runs seeds against a copy of the sources with one bug in it, until it is found.
 *
 * @param {Mutant} mutant
 * @param {number} processes
 * @param {boolean} minimise whether to find out which steps it needs
 */
export async function hunt(mutant, processes, minimise = false) {
  const folder = makeFolder();
  try {
    for (const name of packages) {
      const path = join('packages', name, 'src');
      cpSync(join(root, path), join(folder, path), { recursive: true });
    }
    const target = join(folder, mutant.file);
    const source = readFileSync(target, 'utf8');
    const places = source.split(mutant.find).length - 1;
    if (places !== 1)
      throw new Error(`${mutant.name}: its place in ${mutant.file} is there ${places} times`);
    writeFileSync(
      target,
      source.replace(mutant.find, () => mutant.replace),
    );
    const program = await bundle(folder, folder);
    const found = await firstFailure(program, mutant.level, processes, minimise);
    if (found === undefined) return undefined;
    // Where the sources without it fail, too, it was not the bug that was found.
    const sound = await bundle(join(folder, 'sound'));
    const { failures } = await runSeeds(sound, assignmentOf(mutant.level, found.seed, 1), 1);
    if (failures.length > 0) {
      throw new Error(`${mutant.name}: seed ${found.seed} fails without it, too`);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} program @param {string} level @param {number} processes @param {boolean} minimise */
async function firstFailure(program, level, processes, minimise) {
  // A few first: most bugs need no more, and a process costs as much as some seeds.
  let from = 1;
  for (const seeds of [processes * 10, processes * 100, mostSeeds]) {
    const share = Math.min(seeds, mostSeeds - from + 1);
    if (share <= 0) break;
    const assignment = { ...assignmentOf(level, from, share), minimise };
    const { failures } = await runSeeds(program, assignment, processes);
    const [first] = failures.sort((one, other) => one.seed - other.seed);
    if (first !== undefined) return first;
    from += share;
  }
  return undefined;
}

/** @param {string} level @param {number} from @param {number} seeds */
function assignmentOf(level, from, seeds) {
  return { level, from, seeds, steps, without: [], mostFailures: 1 };
}

/** Hunts all, or those whose name contains one of some words. @param {number} processes @param {string | undefined} only */
export async function showMutants(processes, only) {
  let missed = 0;
  const words = (only ?? '').split(',');
  const mutants = allMutants().filter(({ name }) => words.some((word) => name.includes(word)));
  const start = performance.now();
  for (const [index, mutant] of mutants.entries()) {
    process.stderr.write(`\r${index + 1} of ${mutants.length}: ${mutant.name.padEnd(30)}`);
    const began = performance.now();
    /** @type {unknown} */
    let problem = `NOT FOUND in ${mostSeeds} seeds`;
    const found = await hunt(mutant, processes).catch((error) => {
      problem = error;
      return undefined;
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    process.stderr.write('\r');
    if (found === undefined) missed += 1;
    const how =
      found === undefined
        ? String(problem)
        : `seed ${found.seed}: ${found.invariant}: ${found.message.split('\n', 1)[0]?.slice(0, 90)}`;
    console.log(
      `${mutant.name.padEnd(30)} ${String(mutant.invariant).padStart(6)} ${seconds.padStart(4)} s  ${how}`,
    );
  }
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  console.log(
    `${mutants.length - missed} of ${mutants.length} planted bugs found in ${minutes} min`,
  );
  return missed === 0 ? 0 : 1;
}
