/**
 * One owner for each session, whatever is killed and wherever it runs.
 *
 * A lock is a folder. The file `owner` in it names who has the session: process, the time it started, the boot it runs
 * in, its host and its namespace of process numbers, and a nonce, by which no two owners are ever mistaken for each
 * other. It comes into being as a hard link: whole or not at all, and never over another.
 *
 * An owner that was killed leaves the file behind. Who finds it stale may not just remove it: somebody else may have
 * done so in the meantime, and what is removed may be his. So the right to follow the owner with nonce S is itself a
 * file, `after-S`, that only one can link. Its maker then looks at `owner` again: when that is still S, the session is
 * his, and he renames his own file over it; when it is not, somebody was faster and has cleaned up behind himself.
 * A successor that is killed before the renaming is followed in turn: the end of the chain is the owner.
 *
 * Whether an owner lives is told by its process number and starting time. In another namespace of process numbers,
 * another container, these mean nothing: there the kernel tells it by a socket in the folder on which the owner listens.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MqttError } from '@mqtt-kit/core';
import { answers, type LifeSign, listenForLife } from './life-sign.ts';
import { describeProcess, lifeOf, type ProcessIdentity } from './process-identity.ts';

/** Gives the lock back. */
export type Unlock = () => void;

interface Owner extends ProcessIdentity {
  readonly nonce: string;
  /** Whether it listens on its socket: not every file system has sockets. */
  readonly listens: boolean;
}

/** Each failed attempt means that somebody else moved on in the meantime. */
const mostAttempts = 100;

/**
 * Takes the lock and returns what gives it back. Throws, or rejects with, `storeLocked` naming the owner while one
 * lives. It is a promise only when the owner has to be asked.
 */
export function lockSession(folder: string): Unlock | Promise<Unlock> {
  return new Candidate(folder).acquire(new Set());
}

class Candidate {
  readonly #folder: string;
  #nonce = '';
  #lifeSign: LifeSign | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param dead nonces of owners that were asked and did not answer */
  acquire(dead: Set<string>): Unlock | Promise<Unlock> {
    try {
      for (let attempt = 0; attempt < mostAttempts; attempt++) {
        if (!this.#prepare()) continue;
        const chain = readChain(this.#folder);
        if (chain === undefined) {
          if (this.#link('owner')) return this.#won();
          continue;
        }
        const { last, lastNonce, rootNonce } = chain;
        const life = last === undefined || dead.has(lastNonce) ? 'over' : lifeOf(last);
        if (life === 'over') {
          if (this.#follow(lastNonce, rootNonce)) return this.#won();
        } else if (life === 'unseen' && last?.listens === true) {
          return this.#ask(last, dead);
        } else {
          throw lockedBy(this.#folder, last);
        }
      }
      throw lockedBy(this.#folder, undefined);
    } catch (error) {
      this.#withdraw();
      throw error;
    }
  }

  async #ask(owner: Owner, dead: Set<string>): Promise<Unlock> {
    if (await answers(this.#folder, socketName(owner.nonce))) {
      this.#withdraw();
      throw lockedBy(this.#folder, owner);
    }
    dead.add(owner.nonce);
    return this.acquire(dead);
  }

  /** The draft of our file, and the socket behind it. An owner that cleaned up may have taken either from us. */
  #prepare(): boolean {
    makeFolder(this.#folder);
    try {
      if (this.#nonce !== '' && readOwner(this.#draft) !== undefined) return true;
      this.#forget();
      this.#nonce = randomBytes(8).toString('hex');
      this.#lifeSign = listenForLife(this.#folder, socketName(this.#nonce));
      const listens = this.#lifeSign !== undefined;
      const mine: Owner = { ...describeProcess(process.pid), nonce: this.#nonce, listens };
      writeFileSync(this.#draft, JSON.stringify(mine), { mode: 0o600, flag: 'wx' });
      chmodSync(this.#draft, 0o600);
      return true;
    } catch (error) {
      // An owner that left has taken the folder with it.
      if (isCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  get #draft(): string {
    return join(this.#folder, `${this.#nonce}.draft`);
  }

  #link(name: string): boolean {
    try {
      linkSync(this.#draft, join(this.#folder, name));
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST') || isCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  #follow(lastNonce: string, rootNonce: string): boolean {
    const right = `after-${lastNonce}`;
    if (!this.#link(right)) return false;
    if (readChain(this.#folder)?.rootNonce !== rootNonce) {
      rmSync(join(this.#folder, right), { force: true });
      return false;
    }
    renameSync(this.#draft, join(this.#folder, 'owner'));
    return true;
  }

  /** Removes what processes left behind that were killed. A candidate that is still at it begins again. */
  #won(): Unlock {
    const keep = new Set(['owner', socketName(this.#nonce)]);
    for (const name of readdirSync(this.#folder)) {
      if (!keep.has(name)) rmSync(join(this.#folder, name), { force: true });
    }
    return () => {
      const owner = join(this.#folder, 'owner');
      if (readOwner(owner)?.nonce === this.#nonce) rmSync(owner, { force: true });
      this.#withdraw();
    };
  }

  #forget(): void {
    this.#lifeSign?.end();
    this.#lifeSign = undefined;
    if (this.#nonce !== '') rmSync(this.#draft, { force: true });
    this.#nonce = '';
  }

  #withdraw(): void {
    this.#forget();
    try {
      rmdirSync(this.#folder);
    } catch {
      // Somebody else is in it.
    }
  }
}

/** The owner at the end of the chain, and the nonces at both ends; `undefined` when there is none. */
function readChain(
  folder: string,
): { last: Owner | undefined; lastNonce: string; rootNonce: string } | undefined {
  let text = readText(join(folder, 'owner'));
  if (text === undefined) return undefined;
  let last = parseOwner(text);
  const rootNonce = last?.nonce ?? unreadable;
  for (let lastNonce = rootNonce; ; lastNonce = last?.nonce ?? unreadable) {
    text = readText(join(folder, `after-${lastNonce}`));
    if (text === undefined) return { last, lastNonce, rootNonce };
    last = parseOwner(text);
    // A loss of power may leave a file without its contents: whoever made it is gone.
    if (last === undefined && lastNonce === unreadable) return { last, lastNonce, rootNonce };
  }
}

/** Stands for the nonce of an owner that a loss of power has left without contents. */
const unreadable = 'unreadable';

function readOwner(file: string): Owner | undefined {
  const text = readText(file);
  return text === undefined ? undefined : parseOwner(text);
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner>;
    if (typeof owner.pid !== 'number' || !/^[0-9a-f]{16}$/.test(owner.nonce ?? ''))
      return undefined;
    return {
      pid: owner.pid,
      startedAt: String(owner.startedAt ?? ''),
      boot: String(owner.boot ?? ''),
      host: String(owner.host ?? ''),
      namespace: String(owner.namespace ?? ''),
      nonce: owner.nonce as string,
      listens: owner.listens === true,
    };
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  }
}

function socketName(nonce: string): string {
  return `${nonce}.socket`;
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}

function lockedBy(folder: string, owner: Owner | undefined): MqttError {
  const { who, hint } = nameOf(owner);
  return new MqttError('storeLocked', `the session store is in use by ${who}: ${folder}`, { hint });
}

function nameOf(owner: Owner | undefined): { who: string; hint: string } {
  if (owner === undefined) return { who: 'another process', hint: sharedHint };
  const life = lifeOf(owner);
  if (life === 'away' || (life === 'unseen' && !owner.listens)) {
    return { who: `process ${owner.pid} of ${owner.host}`, hint: unseenHint };
  }
  if (life === 'unseen') {
    return { who: `process ${owner.pid} of another container, ${owner.host}`, hint: sharedHint };
  }
  const isUs = owner.pid === process.pid;
  return {
    who: isUs ? 'another client of this process' : `process ${owner.pid}`,
    hint: sharedHint,
  };
}

const sharedHint =
  'Two clients cannot share one session: close the other one, or give this one its own client id.';
const unseenHint =
  'Whether that process still runs cannot be told from here. When it surely does not, remove the folder.';
