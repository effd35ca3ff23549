import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { isCi } from './debian-packages.mjs';

export interface Runtime {
  readonly name: string;
  /** The program and the words before the file's name. */
  command(): readonly string[];
}

const here: Runtime = { name: `Node ${process.versions.node}`, command: () => [process.execPath] };

const others: readonly Runtime[] = [
  ...['20.20.2', '22.23.3', '24.21.0', '26.10.0'].map((version) => ({
    name: `Node ${version}`,
    command: () => [fetched('node', version)],
  })),
  { name: 'Bun 1.4.5', command: () => [fetched('bun', '1.4.5')] },
  {
    name: 'Deno 2.9.6',
    command: () => [
      fetched('deno', '2.9.6'),
      'run',
      '--allow-all',
      '--node-modules-dir=manual',
      '--no-lock',
    ],
  },
];

/** Where npm put a program that is also the name of its package. */
function fetched(name: string, version: string): string {
  const words = ['--yes', '--prefer-offline', '--package', `${name}@${version}`];
  const told = execFileSync('npx', [...words, '-c', `command -v ${name}`], {
    encoding: 'utf8',
    // The settings of the package manager that runs this test are not meant for another.
    env: Object.fromEntries(
      Object.entries(process.env).filter(([key]) => !key.toLowerCase().startsWith('npm_')),
    ),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return told.trim().split('\n').at(-1) ?? '';
}

const isAll = process.env['RUNTIMES'] === 'all' || isCi();

/**
 * What tests of runtimes run in: `pnpm test` has the Node that runs it; `pnpm runtimes`, and `pnpm test` with `CI` set,
 * have all that the README names, each from the npm registry in the version that stands here.
 */
export const runtimes: readonly Runtime[] = isAll
  ? [here, ...others.filter(({ name }) => name !== here.name)]
  : [here];
