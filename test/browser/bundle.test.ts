import { describe, expect, it } from 'vitest';
import { bundle } from './bundle.mjs';

describe('what a page gets', () => {
  it('is nothing that is meant for Node, and no dependency', async () => {
    const { metafile, code } = await bundle("export * from 'mqtt-kit';");
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((path) => /node_modules|transport-tcp/.test(path))).toEqual([]);
    expect(inputs).toContain('packages/mqtt-kit/src/index.browser.ts');
    expect(code).not.toMatch(/\brequire\(|\bprocess\.|\bBuffer\b|\beval\(|\bnew Function\b/);
  });

  it('is nothing for an import that it does not use', async () => {
    const { code } = await bundle("import 'mqtt-kit';\nimport { connect } from 'mqtt-kit';");
    expect(code.trim()).toBe('');
  });
});
