import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { startAedes } from '../../../test/setup/aedes.ts';
import { runChild } from '../../../test/setup/child-process.ts';
import { temporaryFolder } from '../../../test/setup/temporary-folder.ts';

/** What takes long to load and most programs never use. */
const late = ['tls', 'https', 'crypto', 'http', 'zlib'];

describe('starting up in Node', () => {
  const folder = temporaryFolder('start-up');

  beforeAll(async () => {
    const program = `
      import { connect } from 'mqtt-kit';
      const url = process.argv[2];
      if (url) await (await connect(url)).close();
      const loaded = process.moduleLoadList.filter((name) => /^NativeModule [a-z]+$/.test(name));
      console.log(JSON.stringify(loaded.map((name) => name.split(' ')[1])));
    `;
    await build({
      stdin: {
        contents: program,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
        loader: 'ts',
      },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      conditions: ['mqtt-kit-source'],
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      // ws is not bundled: importing it loads HTTP and TLS by itself.
      external: ['ws'],
      logLevel: 'silent',
    });
  });

  async function loaded(...words: string[]): Promise<string[]> {
    const child = await runChild(process.execPath, [join(folder, 'stdin.mjs'), ...words]);
    return JSON.parse(`${child.stdout}`);
  }

  it('loads neither TLS nor HTTP, at import and for a connection over TCP', async () => {
    const broker = await startAedes('3.1.1');
    try {
      for (const words of [[], [broker.url('tcp')]]) {
        const names = await loaded(...words);
        expect(names).toContain('net');
        expect(names.filter((name) => late.includes(name))).toEqual([]);
      }
    } finally {
      await broker.stop();
    }
  });
});
