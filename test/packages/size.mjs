/**
 * What the packages weigh in a page, bundled and minified as a page would have them, against a budget.
 *
 *   pnpm size      after pnpm build
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Entries, and the most bytes they may have after gzip. Raising a budget is a decision: say why in the commit. */
const entries = [
  { name: 'connect, in a page', code: "export { connect } from 'mqtt-kit';", budget: 30_000 },
  { name: 'packet alone', code: "export * from '@mqtt-kit/packet';", budget: 12_000 },
];

const resolveDir = fileURLToPath(new URL('../..', import.meta.url));
if (!existsSync(`${resolveDir}packages/mqtt-kit/dist/index.browser.js`)) {
  console.error('size: nothing to weigh yet. Build first: pnpm build');
  process.exit(1);
}
let over = false;
console.log('                        minified    gzip   brotli   budget (gzip)');
for (const { name, code, budget } of entries) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
  });
  const bytes = outputFiles[0]?.contents ?? new Uint8Array();
  const gzip = gzipSync(bytes, { level: 9 }).length;
  const sizes = [bytes.length, gzip, brotliCompressSync(bytes).length];
  const columns = sizes.map((size) => String(size).padStart(8)).join(' ');
  const tooBig = gzip > budget;
  over ||= tooBig;
  console.log(
    `${name.padEnd(23)}${columns} ${String(budget).padStart(8)}${tooBig ? '  too big' : ''}`,
  );
}
process.exitCode = over ? 1 : 0;
