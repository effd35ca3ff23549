import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../setup/aedes.ts';
import { certificates } from '../setup/certificates.ts';
import { runChild, startChild } from '../setup/child-process.ts';
import { requires } from '../setup/requires.ts';
import { runtimes } from '../setup/runtimes.ts';
import { expectedDigest } from '../simulator/digest.mjs';

/** The built packages in every runtime that the README names. */

const root = fileURLToPath(new URL('../..', import.meta.url));
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

  it.each(runtimes.map((runtime) => [runtime.name, runtime] as const))(
    'in %s give a seed the same data',
    async (_name, runtime) => {
      const [program = '', ...words] = runtime.command();
      const child = await runChild(program, [...words, 'test/simulator/digest.mjs'], { cwd: root });
      expect(`${child.stdout}`.trim()).toBe(expectedDigest);
    },
    120_000,
  );
});
