import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type * as FileSystem from 'node:fs';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeProcess } from './process-identity.ts';
import { lockSession, type Unlock } from './session-lock.ts';

/** Called before each operation on the file system that changes or reads the lock. */
let beforeStep: ((name: string) => void) | undefined;

vi.mock('node:fs', async (original) => {
  const real = (await original<typeof import('node:fs')>()) as typeof FileSystem;
  const steps = ['linkSync', 'renameSync', 'rmSync', 'writeFileSync', 'mkdirSync'] as const;
  const further = ['readdirSync', 'rmdirSync', 'readFileSync', 'chmodSync'] as const;
  const wrapped: Record<string, unknown> = { ...real };
  for (const name of [...steps, ...further]) {
    wrapped[name] = (path: string, ...rest: unknown[]) => {
      if (!String(path).startsWith('/proc')) beforeStep?.(name);
      return (real[name] as (...words: unknown[]) => unknown)(path, ...rest);
    };
  }
  return wrapped;
});

let parent: string;
let folder: string;
const held: Unlock[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'session-lock-'));
  folder = join(parent, 'session.lock');
});

afterEach(() => {
  beforeStep = undefined;
  for (const unlock of held.splice(0)) unlock();
  rmSync(parent, { recursive: true, force: true });
});

/** Takes the lock at once, as nobody has to be asked. */
function take(): Unlock {
  const unlock = lockSession(folder);
  if (typeof unlock !== 'function') throw new Error('the owner was asked');
  held.push(unlock);
  return unlock;
}

const ownerFile = () => join(folder, 'owner');
const deadPid = spawnSync(process.execPath, ['-e', '0']).pid;
let nonces = 0;
const freshNonce = () => (++nonces).toString(16).padStart(16, '0');

/** Leaves the lock of somebody else, under a name. */
function leave(changes: object, name = 'owner'): string {
  mkdirSync(folder, { recursive: true });
  const nonce = freshNonce();
  const owner = { ...describeProcess(process.pid), nonce, listens: true, ...changes };
  writeFileSync(join(folder, name), JSON.stringify(owner));
  return nonce;
}

/** A process that runs, and is not this one. */
const running = () => describeProcess(process.ppid);
const dead = () => ({ pid: deadPid, startedAt: '1' });
const locked = (text: string) =>
  expect.objectContaining({ code: 'storeLocked', message: expect.stringContaining(text) });

describe('a lock', () => {
  it('refuses a second client of this process, and is free when it is given back', () => {
    const unlock = take();
    expect(() => take()).toThrow(locked('another client of this process'));
    unlock();
    expect(readdirSync(parent)).toEqual([]);
    take();
  });

  it('refuses another process, naming it', () => {
    leave(running());
    expect(() => take()).toThrow(locked(`process ${process.ppid}:`));
  });

  it('is taken over from a process that is gone', () => {
    leave(dead());
    take();
    expect(readdirSync(folder).toSorted()).toEqual([
      `${JSON.parse(readFileSync(ownerFile(), 'utf8')).nonce}.socket`,
      'owner',
    ]);
  });

  it('is taken over when its process number belongs to a later process now', () => {
    leave({ startedAt: '1' });
    take();
  });

  it('is taken over when a loss of power left it without contents', () => {
    leave({});
    writeFileSync(ownerFile(), '');
    take()();
    leave({});
    writeFileSync(ownerFile(), '{"pid": 1, "nonce": "../../x"}');
    take();
  });

  it('is taken over after the machine was started again, and not from another machine', () => {
    leave({ boot: 'earlier' });
    take()();
    leave({ boot: 'other', host: 'elsewhere' });
    expect(() => take()).toThrow(locked(`process ${process.pid} of elsewhere`));
  });

  it('is followed to the last one who took it over', () => {
    const first = leave(dead());
    const second = leave(dead(), `after-${first}`);
    leave(running(), `after-${second}`);
    expect(() => take()).toThrow(locked(`process ${process.ppid}:`));
    leave(dead(), `after-${second}`);
    take();
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('is not taken from one who took it over and has cleaned up already', () => {
    leave(dead());
    beforeStep = (name) => {
      if (name !== 'linkSync') return;
      beforeStep = undefined;
      leave(running());
    };
    expect(() => take()).toThrow(locked(`process ${process.ppid}:`));
    expect(JSON.parse(readFileSync(ownerFile(), 'utf8')).pid).toBe(process.ppid);
    expect(readdirSync(folder)).toEqual(['owner']);
  });

  it('removes what processes left that were killed while they tried', () => {
    leave(dead(), `${freshNonce()}.draft`);
    leave(dead(), `after-${freshNonce()}`);
    take();
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('shows nothing to others, whatever the umask is', () => {
    const umask = process.umask(0o777);
    try {
      take();
    } finally {
      process.umask(umask);
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    }
  });
});

describe.runIf(process.platform === 'linux')('a lock of another container', () => {
  /** The owner as a process of another namespace of process numbers would see it. */
  function moveOwner(): void {
    const owner = JSON.parse(readFileSync(ownerFile(), 'utf8'));
    writeFileSync(ownerFile(), JSON.stringify({ ...owner, namespace: 'pid:[1]', pid: 1 }));
  }

  it('refuses while the owner runs', async () => {
    take();
    moveOwner();
    await expect(lockSession(folder)).rejects.toThrow(locked('process 1 of another container'));
  });

  it('is found by its owner in a folder of any length', async () => {
    folder = join(parent, 'x'.repeat(200));
    take();
    moveOwner();
    await expect(lockSession(folder)).rejects.toThrow(locked('another container'));
  });

  it('is taken over when its owner was killed', async () => {
    const nonce = leave({ namespace: 'pid:[1]', pid: 1 });
    const listen = `require('node:net').createServer().listen(${JSON.stringify(`${nonce}.socket`)}, () => console.log())`;
    const child = spawn(process.execPath, ['-e', listen], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await expect(lockSession(folder)).rejects.toThrow(locked('another container'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readdirSync(folder)).toContain(`${nonce}.socket`);
    held.push(await lockSession(folder));
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('is never taken over where its owner cannot be asked', () => {
    leave({ namespace: 'pid:[1]', listens: false });
    expect(() => take()).toThrow(
      expect.objectContaining({
        code: 'storeLocked',
        hint: expect.stringContaining('remove the folder'),
      }),
    );
  });
});

/** Runs an action, and another in the middle of it: before its n-th step. Tells whether there were so many. */
function interrupted(action: () => void, step: number, other: () => void): boolean {
  let left = step;
  beforeStep = () => {
    if (left-- > 0) return;
    beforeStep = undefined;
    other();
  };
  action();
  const reached = beforeStep === undefined;
  beforeStep = undefined;
  return reached;
}

function attempt(): Unlock | undefined {
  try {
    const unlock = lockSession(folder);
    if (typeof unlock !== 'function') throw new Error('the owner was asked');
    return unlock;
  } catch (error) {
    if ((error as { code?: string }).code === 'storeLocked') return undefined;
    throw error;
  }
}

describe('candidates that meet', () => {
  const beginnings = {
    'a free session': () => {},
    'a stale lock': () => leave(dead()),
    'a chain of stale locks': () => leave(dead(), `after-${leave(dead())}`),
    'a lock without contents': () => {
      leave({});
      writeFileSync(ownerFile(), '');
    },
  };

  it.each(Object.keys(beginnings) as (keyof typeof beginnings)[])(
    'never both own %s, at whatever step the second one comes',
    (name) => {
      let meetings = 0;
      for (let step = 0, more = true; more; step++) {
        beginnings[name]();
        const owners: (Unlock | undefined)[] = [];
        more = interrupted(
          () => owners.push(attempt()),
          step,
          () => owners.push(attempt()),
        );
        const winners = owners.filter((unlock) => unlock !== undefined);
        if (more) meetings += 1;
        expect(winners, `met at step ${step}`).toHaveLength(1);
        expect(attempt(), `after step ${step}`).toBeUndefined();
        winners[0]?.();
        expect(readdirSync(parent), `given back after step ${step}`).toEqual([]);
      }
      expect(meetings).toBeGreaterThan(5);
    },
  );

  it.each(Object.keys(beginnings) as (keyof typeof beginnings)[])(
    'never both own %s that was taken, given back and taken again in between',
    (name) => {
      for (let step = 0, more = true; more; step++) {
        beginnings[name]();
        const owners: (Unlock | undefined)[] = [];
        more = interrupted(
          () => owners.push(attempt()),
          step,
          () => {
            attempt()?.();
            owners.push(attempt());
          },
        );
        const winners = owners.filter((unlock) => unlock !== undefined);
        expect(winners, `met at step ${step}`).toHaveLength(1);
        winners[0]?.();
      }
    },
  );

  it.each(Object.keys(beginnings) as (keyof typeof beginnings)[])(
    'take %s over from one that is killed at any step',
    (name) => {
      let deaths = 0;
      for (let step = 0, more = true; more; step++) {
        beginnings[name]();
        const ours = process.pid;
        let left = step;
        let died = false;
        beforeStep = () => {
          died ||= left-- <= 0;
          if (died) throw new Error('killed');
        };
        Object.defineProperty(process, 'pid', { value: deadPid, configurable: true });
        try {
          void lockSession(folder);
        } catch (error) {
          expect((error as Error).message).toBe('killed');
        } finally {
          Object.defineProperty(process, 'pid', { value: ours, configurable: true });
          beforeStep = undefined;
        }
        more = died;
        if (died) deaths += 1;
        const unlock = attempt();
        expect(unlock, `killed at step ${step}`).toBeDefined();
        expect(readdirSync(folder), `killed at step ${step}`).toHaveLength(2);
        unlock?.();
      }
      expect(deaths).toBeGreaterThan(5);
    },
  );
});
