import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../setup/aedes.ts';
import { certificates } from '../setup/certificates.ts';
import { startChild } from '../setup/child-process.ts';
import { requires } from '../setup/requires.ts';

/**
 * The built packages in every runtime that the README names. `pnpm test` has the Node that runs it; `pnpm runtimes` has
 * them all, each from the npm registry in the version that stands here.
 */

interface Runtime {
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

const root = fileURLToPath(new URL('../..', import.meta.url));
const runtimes = process.env['RUNTIMES'] === 'all' ? others : [here];

describe.runIf(requires('openssl'))('the built packages', () => {
  let broker: EmbeddedAedes;
  beforeAll(async () => {
    if (!existsSync(join(root, 'packages/mqtt-kit/dist/index.js'))) {
      throw new Error('Build first (pnpm build): no dist in packages/mqtt-kit.');
    }
    broker = await startAedes('5.0');
  });
  afterAll(() => broker?.stop());

  it.each(runtimes.map((runtime) => [runtime.name, runtime] as const))(
    'in %s carry QoS 1 both ways over TCP, TLS and WebSocket, and leave nothing open',
    async (name, runtime) => {
      const [program = '', ...words] = runtime.command();
      const urls = (['tcp', 'tls', 'webSocket', 'secureWebSocket'] as const).map((listener) =>
        broker.url(listener),
      );
      const child = startChild(
        program,
        [...words, 'test/runtimes/program.mjs', certificates().authority.path, ...urls],
        { cwd: root },
      );
      const { code } = await child.ended;
      const lines = `${child.stdout}`.trim().split('\n');
      const expected = ['mqtt:', 'mqtts:', 'ws:', 'wss:'].map(
        (protocol) => `${protocol} attic 19.5 °C QoS 1 0`,
      );
      expect({ lines, said: child.stderr, code }).toEqual({
        lines: [name, ...expected, 'done'],
        said: '',
        code: 0,
      });
    },
    120_000,
  );
});
