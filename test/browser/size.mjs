// @ts-check
/**
 * What `import { connect } from 'mqtt-kit'` adds to a page: bundled from the sources, minified and compressed.
 *
 *   node test/browser/size.mjs
 *
 * Prints the modules, the largest first, and ends with exit 1 when the budget does not hold.
 */
import { gzipSync } from 'node:zlib';
import { bundle } from './bundle.mjs';

/**
 * The most it may have after gzip: what it has today and a little more, so that it does not grow unseen. To be lowered
 * with every step towards the goal of 12,000; what it is made of, and what was tried: docs/adr/0021.
 */
const budgetBytes = 64_300;

const { code, metafile } = await bundle("export { connect } from 'mqtt-kit';");
const [output] = Object.values(metafile.outputs);
/** @type {Map<string, number>} */
const packages = new Map();
const modules = Object.entries(output?.inputs ?? {})
  .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
  .filter(({ bytes }) => bytes > 0)
  .sort((a, b) => b.bytes - a.bytes);
for (const { path, bytes } of modules) {
  const folder = path.split('/').slice(0, 2).join('/');
  packages.set(folder, (packages.get(folder) ?? 0) + bytes);
}
const gzipBytes = gzipSync(code, { level: 9 }).length;

/** @param {number} bytes @param {string} what */
const row = (bytes, what) => console.log(`${String(bytes).padStart(8)}  ${what}`);
for (const { path, bytes } of modules) row(bytes, path);
console.log();
for (const [folder, bytes] of packages) row(bytes, folder);
row(code.length, 'minified');
row(gzipBytes, `gzip, of ${budgetBytes} at most`);
process.exitCode = gzipBytes > budgetBytes ? 1 : 0;
