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

  it('is nothing that only a server reads and writes', async () => {
    const { code } = await bundle("export { connect } from 'mqtt-kit';");
    const { code: both } = await bundle("export * from '@mqtt-kit/packet';");
    for (const problem of [
      'reserved connect flag is 1', // CONNECT
      'expected reserved bits 0', // SUBSCRIBE
      'has no return code in 3.1.1', // CONNACK
      'expected one for each topic filter', // SUBACK
    ]) {
      expect(both).toContain(problem);
      expect(code).not.toContain(problem);
    }
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
    const stores = /^packages\/store-|idb-keyval/;
    expect(Object.keys(metafile.inputs).filter((path) => stores.test(path))).toEqual([]);
  });

  it('has the core once, with a store beside it', async () => {
    const { metafile } = await bundle(
      "export { connect } from 'mqtt-kit';\nexport * from 'mqtt-kit/store-indexeddb';",
    );
    const own = Object.keys(metafile.inputs).filter((path) => /idb-keyval\/dist/.test(path));
    expect(own).toHaveLength(1);
  });
});
