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

  it.each([
    ['mqtt-kit', 'connect'],
    ['mqtt-kit/store-indexeddb', 'indexedDbStore'],
  ])('is nothing for an import of %s that it does not use', async (from, name) => {
    const { code } = await bundle(`import '${from}';\nimport { ${name} } from '${from}';`);
    expect(code.trim()).toBe('');
  });

  it('is no store that it did not ask for', async () => {
    const { metafile } = await bundle("export * from 'mqtt-kit';");
    expect(Object.keys(metafile.inputs).filter((path) => /store-|idb-keyval/.test(path))).toEqual(
      [],
    );
  });

  it('has the core once, with a store beside it', async () => {
    const { metafile } = await bundle(
      "export { connect } from 'mqtt-kit';\nexport * from 'mqtt-kit/store-indexeddb';",
    );
    const own = Object.keys(metafile.inputs).filter((path) => /idb-keyval\/dist/.test(path));
    expect(own).toHaveLength(1);
  });
});
