import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { root } from '../tidy/tree.ts';

/** A folder inside the tree, so that scripts in it find the packages by their names. Gone after the tests. */
export function scratchFolder(name: string): string {
  const scratch = join(root, '.scratch');
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, `${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
