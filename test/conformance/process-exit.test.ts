import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawServer } from './support/raw-server.ts';

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mqtt-kit-exit-'));
  program = join(folder, 'program.mjs');
  await build({
    stdin: {
      contents: `
        import { connect } from 'mqtt-kit';
        const [url, how] = process.argv.slice(2);
        if (how === 'refused') await connect(url).catch((error) => console.log(error.code));
        else {
          const client = await connect(url, { version: '5.0' });
          await client.subscribe('a', { qos: 1 }, () => {});
          await client.publish('t', 'x', { qos: 1 });
          const result = await client.close(how === 'force' ? { timeoutMs: 0 } : {});
          console.log(JSON.stringify(result));
        }
      `,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'js',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['mqtt-kit-source'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    outfile: program,
    logLevel: 'silent',
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a process', () => {
  it.each(['gently', 'force'])('exits by itself after close (%s)', async (how) => {
    const server = new RawServer('5.0');
    await server.listen();
    try {
      const { output, durationMs } = await run(server.url, how);
      expect(output).toBe('{"unsent":0,"unacknowledged":0}');
      expect(durationMs).toBeLessThan(4_000);
    } finally {
      await server.close();
    }
  });

  it('exits by itself after an attempt that failed', async () => {
    const server = new RawServer('5.0');
    await server.listen();
    const { url } = server;
    await server.close();
    const { output, durationMs } = await run(url, 'refused');
    expect(output).toBe('connectionRefused');
    expect(durationMs).toBeLessThan(4_000);
  });
});

function run(url: string, how: string): Promise<{ output: string; durationMs: number }> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [program, url, how],
      { timeout: 10_000 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stderr}`));
        else resolve({ output: stdout.trim(), durationMs: performance.now() - start });
      },
    );
  });
}
