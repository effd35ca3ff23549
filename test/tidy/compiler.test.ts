import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageFolders, read, root } from './tree.ts';

const scratch = join(root, '.scratch');
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'compiler-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler says of a snippet under the settings of a package. Empty: nothing. */
function complaints(packageName: string, snippet: string): Promise<string> {
  const project = mkdtempSync(join(folder, 'project-'));
  writeFileSync(join(project, 'snippet.ts'), snippet);
  const settings = {
    extends: `../../../packages/${packageName}/tsconfig.json`,
    compilerOptions: { rootDir: '.', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
    include: ['snippet.ts'],
    references: [],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(settings));
  return new Promise((resolve) => {
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    execFile(tsc, ['-p', project, '--noEmit'], (_error, stdout) => resolve(stdout));
  });
}

describe('the compiler', () => {
  it('has every option on that the code relies on', () => {
    const { compilerOptions } = JSON.parse(read('tsconfig.json'));
    expect(compilerOptions).toMatchObject({
      strict: true,
      composite: true,
      isolatedModules: true,
      isolatedDeclarations: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noImplicitOverride: true,
      noImplicitReturns: true,
      noFallthroughCasesInSwitch: true,
      noPropertyAccessFromIndexSignature: true,
      noUnusedLocals: true,
      noUnusedParameters: true,
    });
  });

  it('has no package that turns one of them off', () => {
    const own = ['rootDir', 'outDir', 'tsBuildInfoFile', 'lib', 'types', 'emitDeclarationOnly'];
    const extra = packageFolders()
      .filter((path) => path !== 'apps/examples')
      .flatMap((path) => {
        const { compilerOptions = {} } = JSON.parse(read(`${path}/tsconfig.json`));
        return Object.keys(compilerOptions)
          .filter((name) => !own.includes(name))
          .map((name) => `${path}: ${name}`);
      });
    expect(extra).toEqual([]);
  });

  describe.each(['packet', 'engine'])('in %s', (name) => {
    it('takes pure code', async () => {
      const snippet = 'export const twice = (bytes: Uint8Array): number => bytes.length * 2;\n';
      expect(await complaints(name, snippet)).toBe('');
    });

    it.each([
      'setTimeout(() => {}, 1)',
      'setInterval(() => {}, 1)',
      'queueMicrotask(() => {})',
      'console.log(1)',
      'new URL("mqtt://localhost")',
      'performance.now()',
      'fetch("")',
      'process.exit()',
      'Buffer.from("")',
      'crypto.randomUUID()',
      'new AbortController()',
    ])('takes no %s', async (expression) => {
      const said = await complaints(name, `export const impure: unknown = ${expression};\n`);
      expect(said).toMatch(/TS2304|TS2580|TS2584|TS2591/);
    });
  });
});
