/**
 * One owner for each journal. The lock is a file that names the process holding it: pid, the time that process started
 * and the boot it runs in, so that a process killed without a chance to clean up, or a machine restarted, leaves a lock
 * that the next start recognises as stale, and a pid used again by another program is not mistaken for the owner.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { MqttError } from '@mqtt-kit/core';

interface Owner {
  readonly pid: number;
  /** Clock ticks since boot at which the process started; `''` where the platform does not tell. */
  readonly startedAt: string;
  readonly boot: string;
  readonly nonce: string;
}

/** Takes the lock and returns what gives it back. Throws `storeLocked` naming the owner while one lives. */
export function lockSession(lockFile: string): () => void {
  const mine: Owner = { ...describe(process.pid), nonce: randomBytes(8).toString('hex') };
  const draft = `${lockFile}.${mine.nonce}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600, flag: 'wx' });
  try {
    // Two attempts are enough: a second stale lock in between can only be the work of a process that died just now.
    for (let attempt = 0; attempt < 3; attempt++) {
      if (linked(draft, lockFile)) return () => unlock(lockFile, mine);
      const owner = readOwner(lockFile);
      if (owner !== undefined && isAlive(owner)) throw lockedBy(lockFile, owner);
      removeStale(lockFile, owner);
    }
    throw lockedBy(lockFile, readOwner(lockFile));
  } finally {
    rmSync(draft, { force: true });
  }
}

/** A hard link appears whole or not at all, and never over an existing file. */
function linked(draft: string, lockFile: string): boolean {
  try {
    linkSync(draft, lockFile);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function unlock(lockFile: string, mine: Owner): void {
  if (readOwner(lockFile)?.nonce === mine.nonce) rmSync(lockFile, { force: true });
}

/**
 * Moves the stale lock away under a name of our own and looks at what was moved: had another process replaced it by
 * its own lock in the meantime, that one is put back.
 */
function removeStale(lockFile: string, stale: Owner | undefined): void {
  const aside = `${lockFile}.${randomBytes(8).toString('hex')}.stale`;
  try {
    renameSync(lockFile, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = readOwner(aside);
  if (moved !== undefined && moved.nonce !== stale?.nonce) linked(aside, lockFile);
  rmSync(aside, { force: true });
}

function readOwner(file: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner>;
    if (typeof owner.pid !== 'number' || typeof owner.nonce !== 'string') return undefined;
    return {
      pid: owner.pid,
      startedAt: owner.startedAt ?? '',
      boot: owner.boot ?? '',
      nonce: owner.nonce,
    };
  } catch {
    return undefined;
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = describe(owner.pid);
  return now.boot === owner.boot && now.startedAt === owner.startedAt;
}

function describe(pid: number): Omit<Owner, 'nonce'> {
  return { pid, startedAt: processStart(pid), boot: readText('/proc/sys/kernel/random/boot_id') };
}

/** Field 22 of Linux' stat; the second field, the program's name, may hold blanks and brackets. */
function processStart(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function lockedBy(lockFile: string, owner: Owner | undefined): MqttError {
  const who =
    owner === undefined
      ? 'another process'
      : owner.pid === process.pid
        ? 'another client of this process'
        : `process ${owner.pid}`;
  return new MqttError('storeLocked', `the session store is in use by ${who}: ${lockFile}`, {
    hint: 'Two clients cannot share one session: close the other one, or give this one its own client id.',
  });
}
