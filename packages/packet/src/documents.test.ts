import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';

it('has an example in the README that runs and says what it says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, code] = readme.match(/```ts\n([\s\S]*?)```/)!;
  // Inside the tree, so that the package is found by its name.
  const scratch = fileURLToPath(new URL('../../../.scratch/', import.meta.url));
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, 'packet-readme-'));
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    const file = join(folder, 'example.ts');
    writeFileSync(file, code!);
    await import(/* @vite-ignore */ file);
    expect(log.mock.calls).toStrictEqual([
      [
        'house/kitchen/temperature',
        '21.5',
        { contentType: 'text/plain', userProperties: [['room', 'kitchen']] },
      ],
    ]);
  } finally {
    log.mockRestore();
    rmSync(folder, { recursive: true, force: true });
  }
});
