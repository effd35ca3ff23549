/**
 * A disk in memory, for the file store of one client. It keeps what a real one keeps: what a killed process wrote, with
 * the last write torn at any byte; after a loss of power what was synced, and of everything else any part, in any
 * order, with holes in it. Names of files are as volatile as their contents until their directory is synced.
 *
 * `simulated-fs.ts` gives it the form of `node:fs`.
 */
import { hold } from './violation.ts';

/** Some bytes of a file that a loss of power may undo, wholly or in part. */
interface Change {
  readonly at: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly sizeBefore: number;
}

interface Content {
  bytes: Uint8Array;
  size: number;
  /** Since the last sync, in order. */
  changes: Change[];
}

/** What an operation does to the directory, as long as it may be undone. */
type NameChange = { readonly name: string; readonly before: Content | undefined };

interface PendingSync {
  readonly content: Content;
  readonly changes: number;
  readonly done: (error: Error | null) => void;
}

export interface DiskHooks {
  /**
   * Asked before each operation that changes something. `short`: a write takes a part. `full`: it takes a part, then
   * none. `die`: the process ends in the middle of it.
   */
  fate(operation: string): 'done' | 'short' | 'full' | 'die';
  /** Any number from 0 to the given one, both included. */
  upTo(most: number): number;
  /** Whether a sync is done at once, or waits for `settle`. */
  syncsLate(): boolean;
  /** The process dies now. */
  onDeath(): void;
}

export class SimulatedDisk {
  readonly #hooks: DiskHooks;
  #files = new Map<string, Content>();
  #nameChanges: NameChange[] = [];
  #descriptors = new Map<number, Content | 'directory'>();
  #lastDescriptor = 2;
  #syncs: PendingSync[] = [];
  #dead = false;
  /** Grows with each life of the process. */
  life = 1;

  constructor(hooks: DiskHooks) {
    this.#hooks = hooks;
  }

  /** The process that used it is gone, and no other one has come. */
  get isDead(): boolean {
    return this.#dead;
  }

  /** Syncs that wait for `settle`. */
  get pending(): number {
    return this.#syncs.length;
  }

  /** What the file whose name ends so holds. Works on the disk of a dead process too. */
  contentOf(suffix: string): Uint8Array | undefined {
    for (const [name, { bytes, size }] of this.#files) {
      if (name.endsWith(suffix)) return bytes.slice(0, size);
    }
    return undefined;
  }

  /** The oldest sync under way is done, or fails. */
  settle(fails: boolean): boolean {
    const sync = this.#syncs.shift();
    if (sync === undefined) return false;
    if (!fails) sync.content.changes.splice(0, sync.changes);
    sync.done(fails ? failure('EIO') : null);
    return true;
  }

  /** The process is gone, or the power: what it wrote is there, or with the power gone any part of what was not synced. */
  crash(power: boolean): void {
    this.#syncs = [];
    this.#descriptors.clear();
    this.#dead = true;
    if (!power) return;
    this.#loseNames();
    for (const content of new Set(this.#files.values())) this.#loseBytes(content);
  }

  /** A new life of the process. */
  start(): void {
    this.#dead = false;
    this.life += 1;
  }

  /** Puts bytes between those of the file whose name ends so, behind everybody's back. */
  insert(suffix: string, at: number, garbage: Uint8Array): void {
    for (const [name, content] of this.#files) {
      if (!name.endsWith(suffix)) continue;
      const tail = content.bytes.slice(at, content.size);
      put(content, at, garbage);
      put(content, at + garbage.length, tail);
      content.changes = [];
    }
  }

  open(path: string, flags: { create: boolean; exclusive: boolean; directory: boolean }): number {
    this.#alive();
    const descriptor = ++this.#lastDescriptor;
    if (flags.directory) {
      this.#descriptors.set(descriptor, 'directory');
      return descriptor;
    }
    let content = this.#files.get(path);
    if (content !== undefined && flags.exclusive) throw failure('EEXIST');
    if (content === undefined) {
      if (!flags.create) throw failure('ENOENT');
      this.#change('open');
      content = { bytes: new Uint8Array(256), size: 0, changes: [] };
      this.#name(path, content);
    }
    this.#descriptors.set(descriptor, content);
    return descriptor;
  }

  close(descriptor: number): void {
    this.#alive();
    if (!this.#descriptors.delete(descriptor)) throw failure('EBADF');
  }

  size(descriptor: number): number {
    return this.#content(descriptor).size;
  }

  read(descriptor: number, at: number, into: Uint8Array): number {
    const { bytes, size } = this.#content(descriptor);
    const part = bytes.subarray(at, Math.min(size, at + into.length));
    into.set(part);
    return part.length;
  }

  /** May take fewer bytes than it is given, as the real one may. */
  write(descriptor: number, bytes: Uint8Array, at: number): number {
    const content = this.#content(descriptor);
    const fate = this.#fate('write');
    const taken =
      fate === 'done'
        ? bytes.length
        : Math.max(fate === 'short' ? 1 : 0, this.#hooks.upTo(bytes.length));
    if (taken > 0) this.#put(content, at, bytes.slice(0, taken));
    if (fate === 'full' && taken < bytes.length) throw failure('ENOSPC');
    if (fate === 'die') this.#die();
    // Of a dead process nobody asks how many bytes were taken.
    return fate === 'die' ? bytes.length : taken;
  }

  truncate(descriptor: number, size: number): void {
    const content = this.#content(descriptor);
    this.#change('truncate');
    if (size >= content.size) return;
    const before = content.bytes.slice(size, content.size);
    content.changes.push({ at: size, before, after: none, sizeBefore: content.size });
    content.bytes.fill(0, size, content.size);
    content.size = size;
  }

  sync(descriptor: number, done: ((error: Error | null) => void) | undefined): void {
    this.#alive();
    const content = this.#descriptors.get(descriptor);
    if (content === undefined) throw failure('EBADF');
    if (content === 'directory') {
      this.#nameChanges = [];
      return;
    }
    const sync = { content, changes: content.changes.length, done: done ?? (() => {}) };
    if (done === undefined || !this.#hooks.syncsLate()) {
      content.changes.splice(0, sync.changes);
      done?.(null);
      return;
    }
    this.#syncs.push(sync);
  }

  rename(from: string, to: string): void {
    this.#alive();
    const content = this.#files.get(from);
    if (content === undefined) throw failure('ENOENT');
    this.#change('rename');
    this.#name(to, content);
    this.#name(from, undefined);
  }

  link(from: string, to: string): void {
    this.#alive();
    const content = this.#files.get(from);
    if (content === undefined) throw failure('ENOENT');
    if (this.#files.has(to)) throw failure('EEXIST');
    this.#change('link');
    this.#name(to, content);
  }

  remove(path: string): void {
    this.#alive();
    if (!this.#files.has(path)) return;
    this.#change('remove');
    this.#name(path, undefined);
  }

  has(path: string): boolean {
    this.#alive();
    return this.#files.has(path);
  }

  #alive(): void {
    if (this.#dead) throw failure('EIO');
  }

  #content(descriptor: number): Content {
    this.#alive();
    const content = this.#descriptors.get(descriptor);
    if (content === undefined || content === 'directory') throw failure('EBADF');
    return content;
  }

  #fate(operation: string): 'done' | 'short' | 'full' | 'die' {
    this.#alive();
    return this.#hooks.fate(operation);
  }

  /** An operation that is done whole or not at all. */
  #change(operation: string): void {
    const fate = this.#fate(operation);
    if (fate === 'full' && operation !== 'truncate' && operation !== 'remove')
      throw failure('ENOSPC');
    if (fate !== 'die') return;
    this.#die();
    // Not done. What runs on belongs to a process that is dead.
    throw failure('EIO');
  }

  #die(): void {
    this.#hooks.onDeath();
    hold(this.#dead, 'simulation', () => 'a process that died goes on');
  }

  #put(content: Content, at: number, bytes: Uint8Array): void {
    const before = content.bytes.slice(at, Math.min(content.size, at + bytes.length));
    content.changes.push({ at, before, after: bytes, sizeBefore: content.size });
    put(content, at, bytes);
  }

  #name(name: string, content: Content | undefined): void {
    this.#nameChanges.push({ name, before: this.#files.get(name) });
    if (content === undefined) this.#files.delete(name);
    else this.#files.set(name, content);
  }

  /** A directory keeps the order of its changes: the last few are undone. */
  #loseNames(): void {
    const changes = this.#nameChanges;
    this.#nameChanges = [];
    const kept = this.#hooks.upTo(changes.length);
    for (const { name, before } of changes.slice(kept).reverse()) {
      if (before === undefined) this.#files.delete(name);
      else this.#files.set(name, before);
    }
  }

  /** Of each change that was not synced any part may have reached the disk. */
  #loseBytes(content: Content): void {
    const { changes } = content;
    content.changes = [];
    for (const { at, before, sizeBefore } of [...changes].reverse()) {
      content.bytes.fill(0, sizeBefore, Math.max(sizeBefore, content.size));
      content.bytes.set(before, at);
      content.size = sizeBefore;
    }
    for (const { at, after } of changes) {
      const from = this.#hooks.upTo(1) === 0 ? 0 : this.#hooks.upTo(after.length);
      const to = from + this.#hooks.upTo(after.length - from);
      if (to > from) put(content, at + from, after.subarray(from, to));
    }
  }
}

const none = new Uint8Array(0);

/** Bytes between the end of a file and what is written behind it are 0. */
function put(content: Content, at: number, bytes: Uint8Array): void {
  const end = at + bytes.length;
  if (end > content.bytes.length) {
    const larger = new Uint8Array(Math.max(end, content.bytes.length * 2));
    larger.set(content.bytes.subarray(0, content.size));
    content.bytes = larger;
  }
  content.bytes.set(bytes, at);
  content.size = Math.max(content.size, end);
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: the simulated disk refuses`), { code });
}
