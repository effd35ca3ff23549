import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Bundle, bundle } from './bundle.ts';

/** The most that `import { connect } from 'mqtt-kit'` may add to a page, in bytes after gzip. */
const budgetBytes = 15_000;

/** Minified bytes by module, the largest first: where to look when the budget does not hold. */
function table({ metafile, code }: Bundle, gzipBytes: number): string {
  const [output] = Object.values(metafile.outputs);
  const rows = Object.entries(output?.inputs ?? {})
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
  const lines = rows.map(({ path, bytes }) => `${String(bytes).padStart(8)}  ${path}`);
  const sums = [
    `${String(code.length).padStart(8)}  minified`,
    `${String(gzipBytes).padStart(8)}  gzip`,
  ];
  return [...lines, ...sums].join('\n');
}

describe('a page', () => {
  it(`gets ${budgetBytes} bytes of mqtt-kit at most, compressed`, async () => {
    const made = await bundle("export { connect } from 'mqtt-kit';");
    const gzipBytes = gzipSync(made.code, { level: 9 }).length;
    const sizes = table(made, gzipBytes);
    console.log(sizes);
    expect(gzipBytes, sizes).toBeLessThanOrEqual(budgetBytes);
  });

  it('gets nothing that is meant for Node, and no dependency', async () => {
    const { metafile, code } = await bundle("export * from 'mqtt-kit';");
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((path) => /node_modules|transport-tcp/.test(path))).toEqual([]);
    expect(inputs).toContain('packages/mqtt-kit/src/index.browser.ts');
    expect(code).not.toMatch(/\brequire\(|\bprocess\.|\bBuffer\b|\beval\(|\bnew Function\b/);
  });

  it('gets nothing for an import that it does not use', async () => {
    const { code } = await bundle("import 'mqtt-kit';\nimport { connect } from 'mqtt-kit';");
    expect(code.trim()).toBe('');
  });
});
