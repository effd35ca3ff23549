import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Packed, packAll, publishedFolders, root } from './packed.ts';

/** What is in the packages that would be published, checked on the packed files themselves. */

let packed: readonly Packed[] = [];
beforeAll(async () => {
  packed = await packAll();
}, 120_000);

const folders = publishedFolders();
const at = (index: number): Packed => packed[index] as Packed;

describe.each(folders.map((folder, index) => [folder, index] as const))(
  '%s, packed',
  (_folder, index) => {
    it('has what it needs and nothing else', () => {
      const paths = [...at(index).files.keys()];
      expect(paths).toContain('package.json');
      expect(paths).toContain('README.md');
      expect(paths.some((path) => path === 'LICENSE' || path === 'dist/LICENSES.txt')).toBe(true);
      const planned =
        /^(package\.json|README\.md|LICENSE|dist\/(package\.json|LICENSES\.txt|[\w-]+\.js\.compiled)|(dist|src)\/.*\.(js|ts|map))$/;
      expect(paths.filter((path) => !planned.test(path))).toEqual([]);
      expect(paths.filter((path) => /\.test(-support)?\.|\/testing\//.test(path))).toEqual([]);
    });

    it('has every file that its manifest names', () => {
      const { manifest, files } = at(index);
      const named =
        JSON.stringify([manifest.exports, manifest.bin]).match(/\.\/[\w./-]+\.\w+/g) ?? [];
      expect(named.length).toBeGreaterThan(0);
      expect(named.filter((path) => !files.has(path.slice(2)))).toEqual([]);
    });

    it('depends on exact versions, and keeps the condition of the tests to itself', () => {
      const { manifest } = at(index);
      const wanted = Object.values(manifest.dependencies ?? {});
      expect(wanted.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
      expect(JSON.stringify(manifest)).not.toContain('mqtt-kit-source');
      expect(JSON.stringify(manifest.exports ?? {})).not.toContain('./src/');
    });

    it('pleases publint', async () => {
      const tarball = new Uint8Array(readFileSync(at(index).tarball)).buffer;
      const { messages, pkg } = await publint({ strict: true, pack: { tarball } });
      expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
    });

    it('has types that every resolver of ES modules finds', async () => {
      const { manifest, tarball } = at(index);
      if (manifest.exports === undefined) {
        expect(manifest.bin).toBeDefined();
        return;
      }
      const attw = join(root, 'node_modules', '.bin', 'attw');
      const said = await new Promise<string>((resolve) => {
        const words = [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color'];
        execFile(attw, words, (error, stdout, stderr) =>
          resolve(error ? `${stdout}${stderr}` : ''),
        );
      });
      expect(said).toBe('');
    });
  },
);
