import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let root: string | undefined;
let count = 0;

/** A new empty folder that is removed when this process ends, however it does. */
export function temporaryFolder(purpose: string): string {
  root ??= makeRoot();
  const folder = join(root, `${++count}-${purpose}`);
  mkdirSync(folder);
  return folder;
}

/**
 * A process that is killed cannot clean up, and test runners kill theirs. So a small shell of its own waits for the
 * end of a pipe from us, which the operating system closes in any case, and then removes the folder.
 */
function makeRoot(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-test-'));
  // Children that are killed with us may still be writing for a moment.
  const script = 'read -r _; sleep 1; rm -rf -- "$0"';
  const janitor = spawn('/bin/sh', ['-c', script, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  janitor.unref();
  (janitor.stdin as unknown as Socket).unref();
  return folder;
}
