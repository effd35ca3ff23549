/**
 * The file system as processes and machines see it that are ended in the middle of something: real files beside a
 * record of what of them would outlive a loss of power.
 */
import type * as FileSystem from 'node:fs';
import { basename, dirname } from 'node:path';

/** What decides about the unsynced. */
interface Chance {
  integer(minimum: number, maximum: number): number;
  chance(probability: number): boolean;
}

type Change = { readonly at: number; readonly bytes: Buffer } | { readonly length: number };

/** A file, whatever its name is at the moment. */
interface Inode {
  synced: Buffer;
  pending: Change[];
}

type NameChange =
  | { readonly name: string; readonly inode: Inode }
  | { readonly name: string; readonly inode: undefined };

export class CrashingDisk {
  readonly #real: typeof FileSystem;
  readonly #open = new Map<number, { path: string; inode: Inode | undefined }>();
  #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();
  #pendingNames: NameChange[] = [];
  #directory = '';
  #stepsLeft = Number.POSITIVE_INFINITY;
  /** Calls so far that change files of the directory. */
  steps = 0;

  constructor(real: typeof FileSystem) {
    this.#real = real;
  }

  /** Watches the files of an existing directory, and forgets what was before. What is there is taken as synced. */
  watch(directory: string): void {
    this.#directory = directory;
    this.#open.clear();
    this.#names.clear();
    this.#pendingNames = [];
    this.steps = 0;
    this.#stepsLeft = Number.POSITIVE_INFINITY;
    for (const entry of this.#real.readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const synced = this.#real.readFileSync(`${directory}/${entry.name}`);
      this.#names.set(entry.name, { synced, pending: [] });
    }
    this.#syncedNames = new Map(this.#names);
  }

  /** The process is killed so many steps from now: nothing happens any more, and every call throws. */
  killIn(steps: number): void {
    this.#stepsLeft = steps;
  }

  get isKilled(): boolean {
    return this.#stepsLeft <= 0;
  }

  /**
   * What a loss of power leaves, into an empty directory: all that was synced, and of the rest any writes and parts of
   * writes. Names change in order, as in the journal of a file system.
   */
  losePower(into: string, prng: Chance): void {
    const names = new Map(this.#syncedNames);
    for (const change of this.#pendingNames.slice(0, prng.integer(0, this.#pendingNames.length))) {
      if (change.inode === undefined) names.delete(change.name);
      else names.set(change.name, change.inode);
    }
    for (const [name, inode] of names) {
      this.#real.writeFileSync(`${into}/${name}`, leftOf(inode, prng));
    }
  }

  /** What replaces `node:fs`. */
  functions(): typeof FileSystem {
    const real = this.#real;
    return {
      ...real,
      openSync: ((path: string, flags: never, mode: never) => {
        this.#step();
        const descriptor = real.openSync(path, flags, mode);
        this.#open.set(descriptor, { path, inode: this.#inodeAt(path) });
        return descriptor;
      }) as typeof FileSystem.openSync,
      writeSync: ((descriptor: number, bytes: Buffer, from: number, size: number, at: number) => {
        // A kill may fall into a write.
        const part = this.#stepsLeft === 1 ? Math.floor(size / 2) : size;
        this.#step();
        const count = real.writeSync(descriptor, bytes, from, part, at);
        const written = Buffer.from(bytes.subarray(from, from + count));
        this.#open.get(descriptor)?.inode?.pending.push({ at, bytes: written });
        if (part < size) {
          this.#stepsLeft = 0;
          this.#step();
        }
        return count;
      }) as typeof FileSystem.writeSync,
      ftruncateSync: (descriptor: number, length = 0) => {
        this.#step();
        real.ftruncateSync(descriptor, length);
        this.#open.get(descriptor)?.inode?.pending.push({ length });
      },
      fdatasyncSync: (descriptor: number) => {
        this.#step();
        this.#synced(descriptor);
      },
      fsyncSync: (descriptor: number) => {
        this.#step();
        this.#synced(descriptor);
      },
      fdatasync: ((descriptor: number, done: (error: Error | null) => void) => {
        setImmediate(() => {
          try {
            this.#step();
            this.#synced(descriptor);
            done(null);
          } catch (error) {
            done(error as Error);
          }
        });
      }) as typeof FileSystem.fdatasync,
      renameSync: ((from: string, to: string) => {
        this.#step();
        real.renameSync(from, to);
        const inode = this.#names.get(basename(from));
        if (dirname(to) !== this.#directory || inode === undefined) return;
        this.#rename({ name: basename(from), inode: undefined });
        this.#rename({ name: basename(to), inode });
      }) as typeof FileSystem.renameSync,
      rmSync: ((path: string, options: never) => {
        this.#step();
        real.rmSync(path, options);
        if (dirname(path) === this.#directory && this.#names.has(basename(path))) {
          this.#rename({ name: basename(path), inode: undefined });
        }
      }) as typeof FileSystem.rmSync,
    };
  }

  #step(): void {
    this.steps += 1;
    if (this.#stepsLeft <= 0) throw new Error('the process was killed');
    this.#stepsLeft -= 1;
  }

  #inodeAt(path: string): Inode | undefined {
    if (dirname(path) !== this.#directory || !this.#real.statSync(path).isFile()) return undefined;
    const name = basename(path);
    let inode = this.#names.get(name);
    if (inode === undefined) {
      inode = { synced: Buffer.alloc(0), pending: [] };
      this.#rename({ name, inode });
    }
    return inode;
  }

  #rename(change: NameChange): void {
    if (change.inode === undefined) this.#names.delete(change.name);
    else this.#names.set(change.name, change.inode);
    this.#pendingNames.push(change);
  }

  #synced(descriptor: number): void {
    const opened = this.#open.get(descriptor);
    if (opened?.path === this.#directory) {
      this.#syncedNames = new Map(this.#names);
      this.#pendingNames = [];
    } else if (opened?.inode !== undefined) {
      opened.inode.synced = applied(opened.inode.synced, opened.inode.pending);
      opened.inode.pending = [];
    }
  }
}

function leftOf({ synced, pending }: Inode, prng: Chance): Buffer {
  const kept: Change[] = [];
  for (const change of pending) {
    if (prng.chance(0.4)) continue;
    if ('bytes' in change && prng.chance(0.3)) {
      const from = prng.integer(0, change.bytes.byteLength);
      const part = { at: change.at + from, bytes: change.bytes.subarray(from) };
      kept.push(prng.chance(0.5) ? part : { at: change.at, bytes: change.bytes.subarray(0, from) });
    } else {
      kept.push(change);
    }
  }
  return applied(synced, kept);
}

function applied(bytes: Buffer, changes: readonly Change[]): Buffer {
  let result = bytes;
  for (const change of changes) {
    if ('length' in change) {
      const cut = Buffer.alloc(change.length);
      result.copy(cut, 0, 0, change.length);
      result = cut;
    } else {
      const end = Math.max(result.byteLength, change.at + change.bytes.byteLength);
      const longer = Buffer.alloc(end);
      result.copy(longer);
      change.bytes.copy(longer, change.at);
      result = longer;
    }
  }
  return result;
}
