// @ts-check
/**
 * The Debian packages that tests need, in one list, and what installs them.
 *
 *   node test/setup/debian-packages.mjs           installs the missing ones where it may, otherwise says how
 *   node test/setup/debian-packages.mjs --check   only says what is missing; exit 1 when something is
 *   node test/setup/debian-packages.mjs --bench   installs what the benchmark compiles its libmosquitto client with
 *
 * It may where apt is there and we are root. What stays missing is an error under CI (exit 1); elsewhere the tests
 * that need it say so and are skipped.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} DebianPackage
 * @property {string} name As apt knows it.
 * @property {readonly string[]} programs Any one of these shows that it is installed.
 * @property {string} purpose What tests do with it.
 */

/** @type {readonly DebianPackage[]} */
export const debianPackages = [
  { name: 'mosquitto', programs: ['mosquitto'], purpose: 'the broker of the interop tests' },
  {
    name: 'mosquitto-clients',
    programs: ['mosquitto_pub'],
    purpose: 'the clients that ours have to agree with',
  },
  {
    name: 'chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    purpose: 'the browser that runs the browser tests',
  },
  {
    name: 'firefox-esr',
    programs: ['firefox-esr', 'firefox'],
    purpose: 'the second browser that runs some of them',
  },
  { name: 'tmux', programs: ['tmux'], purpose: 'the terminal of the command-line tests' },
  { name: 'zsh', programs: ['zsh'], purpose: 'the shell of its completion test' },
  { name: 'fish', programs: ['fish'], purpose: 'the shell of its completion test' },
  { name: 'jq', programs: ['jq'], purpose: 'the other end of pipes of JSON' },
  { name: 'openssl', programs: ['openssl'], purpose: 'the certificates of the TLS tests' },
];

/**
 * What `pnpm bench` compiles its libmosquitto client with. No test needs it, and where it is missing the benchmark
 * leaves that client out.
 *
 * @type {readonly Pick<DebianPackage, 'name' | 'purpose'>[]}
 */
export const benchPackages = [
  { name: 'gcc', purpose: 'the compiler of the benchmark' },
  { name: 'libc6-dev', purpose: 'what it compiles against' },
  { name: 'libmosquitto-dev', purpose: 'the library that the benchmark compares with' },
];

// Debian keeps servers in folders that are not on everybody's PATH.
const folders = [
  ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
];

/**
 * Where a program is, or `undefined`.
 *
 * @param {string} program
 * @returns {string | undefined}
 */
export function programPath(program) {
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/**
 * Where a package's program is, or `undefined` when it is not installed.
 *
 * @param {string} name
 * @returns {string | undefined}
 */
export function packageProgramPath(name) {
  const found = debianPackages.find((one) => one.name === name);
  if (found === undefined) {
    const known = debianPackages.map((one) => one.name).join(', ');
    throw new Error(`expected a package of test/setup/debian-packages.mjs (${known}), got ${name}`);
  }
  for (const program of found.programs) {
    const path = programPath(program);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** The packages of the list that are not installed. */
export function missingPackages() {
  return debianPackages.filter(({ name }) => packageProgramPath(name) === undefined);
}

/** Whether a missing package is a failure: a machine that checks must check everything. */
export function isCi() {
  const { CI = '' } = process.env;
  return CI !== '' && CI !== 'false' && CI !== '0';
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {readonly Pick<DebianPackage, 'name'>[]} missing */
function install(missing) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (/** @type {readonly string[]} */ ...words) =>
    spawnSync('apt-get', words, { stdio: 'inherit', env: environment }).status === 0;
  const names = missing.map(({ name }) => name);
  // Package lists may be older than the mirror; installing without them asks for files that are gone.
  if (!apt('update', '-qq')) console.error('apt-get update failed; trying to install all the same');
  return apt('install', '-y', '-qq', '--no-install-recommends', ...names);
}

function mayInstall() {
  return process.getuid?.() === 0 && programPath('apt-get') !== undefined;
}

/** @param {readonly string[]} words @returns {number} the exit code */
function main(words) {
  const unknown = words.filter((word) => word !== '--check' && word !== '--bench');
  if (unknown.length > 0) {
    console.error(`expected --check, --bench or nothing, got ${unknown.join(' ')}`);
    return 64;
  }
  if (words.includes('--bench')) return install(benchPackages) ? 0 : 1;
  const missing = missingPackages();
  if (missing.length > 0 && words.length === 0 && mayInstall()) install(missing);
  const left = missingPackages();
  if (left.length === 0) {
    console.log(`All Debian packages that tests need are here: ${names(debianPackages)}.`);
    return 0;
  }
  for (const { name, purpose } of left) console.error(`missing: ${name} (${purpose})`);
  console.error(`To install: sudo apt-get install --no-install-recommends ${names(left, ' ')}`);
  if (!isCi()) console.error('Without them the tests that need them are skipped.');
  return isCi() || words.includes('--check') ? 1 : 0;
}

/** @param {readonly DebianPackage[]} packages */
function names(packages, separator = ', ') {
  return packages.map(({ name }) => name).join(separator);
}

// The name is compared too: bundled into another program, this file is not the one that was started.
const started = process.argv[1];
if (
  started?.endsWith('debian-packages.mjs') &&
  realpathSync(started) === fileURLToPath(import.meta.url)
) {
  process.exitCode = main(process.argv.slice(2));
}
