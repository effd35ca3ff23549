/**
 * Stores of the client level, as the world sees them: what becomes durable is told, a crash leaves what it leaves, and
 * what is loaded afterwards is compared with what was durable.
 */
import { crc32 } from 'node:zlib';
import { memoryStore, type SessionIdentity, type SessionStore } from '@mqtt-kit/core';
import type { SessionOperation, SessionSnapshot } from '@mqtt-kit/engine';
import { fileStore } from '@mqtt-kit/store-file';
import { FaultyStore, type FaultyStoreOptions, type Prng } from '@mqtt-kit/testkit';
import { restartRandomBytes } from './simulated-crypto.ts';
import { type DiskHooks, SimulatedDisk } from './simulated-disk.ts';
import { useDisk } from './simulated-fs.ts';
import { releaseLock } from './simulated-lock.ts';
import { hold } from './violation.ts';

export interface ClientStore extends SessionStore {
  /** Commits that wait for `settle`. */
  readonly pending: number;
  settle(fails: boolean): void;
  /** The process dies. */
  crash(prng: Prng): void;
  /** The next life of the process begins. */
  boot(prng: Prng): void;
  /** What loading has to be refused with, and then repaired. */
  readonly damaged: boolean;
  repair(): void;
}

/** Operations in a list, which fails on demand. */
export class ListStore extends FaultyStore implements ClientStore {
  readonly damaged = false;
  readonly #recovered: () => void;

  constructor(options: FaultyStoreOptions, recovered: () => void) {
    super(options);
    this.#recovered = recovered;
  }

  override settle(fails = false): 'done' | 'failed' | 'nothing' {
    return super.settle(fails);
  }

  override crash(survivors: Prng | ((unsynced: number) => number)): void {
    if (typeof survivors === 'function') super.crash(survivors);
    else super.crash((unsynced) => survivors.integer(0, unsynced));
  }

  boot(prng: Prng): void {
    if (this.durable && prng.chance(0.5)) this.compact();
    this.#recovered();
  }

  repair(): void {}
}

export interface DiskStoreOptions {
  readonly durability: 'process' | 'power';
  readonly disk: DiskHooks;
  readonly onDurable: (operations: readonly SessionOperation[]) => void;
  /** What survived is known. */
  readonly onRecovered: () => void;
  readonly count: (what: string) => void;
}

/** The file store over a simulated disk. */
export class DiskStore implements ClientStore {
  readonly durable = true;
  damaged = false;
  readonly disk: SimulatedDisk;
  readonly #options: DiskStoreOptions;
  #inner: SessionStore;
  #repairs = false;
  /** The same operations in memory: what has to be loaded. */
  readonly #model = memoryStore();
  /** Asked for, and not known to be durable. */
  #unsure: { readonly operations: readonly SessionOperation[] }[] = [];

  constructor(options: DiskStoreOptions) {
    this.#options = options;
    this.disk = new SimulatedDisk(options.disk);
    useDisk(this.disk);
    restartRandomBytes();
    releaseLock();
    this.#inner = this.#newInner();
  }

  get pending(): number {
    return this.disk.pending;
  }

  settle(fails: boolean): void {
    this.disk.settle(fails);
  }

  load(identity: SessionIdentity): SessionSnapshot {
    const snapshot = this.#inner.load(identity) as SessionSnapshot;
    hold(!this.damaged || this.#repairs, 23, () => 'a damaged journal is taken for a sound one');
    this.damaged = false;
    this.#repairs = false;
    this.#recover(snapshot);
    return snapshot;
  }

  commit(operations: readonly SessionOperation[]): void | Promise<void> {
    const { life } = this.disk;
    const asked = { operations };
    this.#unsure.push(asked);
    const done = (): void => {
      // Whatever it was that died in the middle: recovery finds out.
      if (this.disk.isDead || life !== this.disk.life) return;
      this.#unsure.splice(this.#unsure.indexOf(asked), 1);
      this.#keep(operations);
    };
    const committed = this.#inner.commit(operations);
    if (committed === undefined) return done();
    return committed.then(done);
  }

  async clear(): Promise<void> {
    await this.#inner.clear();
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  crash(prng: Prng): void {
    const power = this.#options.durability === 'power' && prng.chance(0.7);
    this.#options.count(power ? 'power lost' : 'process killed');
    this.disk.crash(power);
  }

  boot(prng: Prng): void {
    if (this.disk.isDead) this.#spoil(prng);
    this.disk.start();
    this.#inner = this.#newInner();
  }

  repair(): void {
    this.#repairs = true;
    this.#options.count('store repaired');
    this.#inner = this.#newInner();
  }

  #newInner(): SessionStore {
    const { durability } = this.#options;
    return fileStore('/sessions', { durability, repair: this.#repairs });
  }

  #keep(operations: readonly SessionOperation[]): void {
    this.#model.commit(operations);
    this.#options.onDurable(operations);
  }

  /** What was durable is there, and of what was asked for besides the first few commits at most (23). */
  #recover(loaded: SessionSnapshot): void {
    const found = described(loaded);
    const unsure = this.#unsure;
    this.#unsure = [];
    for (let survivors = 0; this.#snapshot() !== found; survivors++) {
      const next = unsure[survivors];
      hold(next !== undefined, 23, () => difference(found, this.#snapshot()));
      this.#options.count('unsure commit survives');
      this.#keep(next.operations);
    }
    this.#options.onRecovered();
  }

  #snapshot(): string {
    const snapshot = this.#model.load();
    this.#model.close();
    return described(snapshot);
  }

  /** After a crash a file may end in bytes that nobody wrote; now and then a disk has some in the middle. */
  #spoil(prng: Prng): void {
    const journal = this.disk.contentOf('.journal');
    if (journal === undefined || !prng.chance(0.3)) return;
    const garbage = prng.bytes(prng.integer(1, 40));
    // No frame begins like this.
    garbage[0] = 0;
    const ends = frameEnds(journal);
    const soundEnds = ends.slice(0, -1);
    if (soundEnds.length > 0 && prng.chance(0.3)) {
      this.disk.insert('.journal', prng.pick(soundEnds), garbage);
      this.damaged = true;
      this.#options.count('journal damaged');
    } else if (ends.length > 0) {
      this.disk.insert('.journal', journal.length, garbage);
      this.#options.count('garbage behind the journal');
    }
  }
}

/**
 * Operations as text, whatever the order in which their fields were made. The places of `inDone` mean nothing behind
 * those of the messages, and differ by whether there was a compaction between.
 */
function described(operations: SessionSnapshot): string {
  const ends = operations.flatMap((operation) =>
    operation.type === 'inDone' ? [operation.delivery] : [],
  );
  const others = operations.filter(({ type }) => type !== 'inDone');
  return JSON.stringify([others, ends.sort()], (_key, value: unknown) => {
    if (value instanceof Uint8Array) return String.fromCharCode(...value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)),
    );
  });
}

/** What is different, with a little of what stands before it. */
function difference(found: string, expected: string): string {
  let at = 0;
  while (found[at] === expected[at]) at += 1;
  const from = Math.max(0, at - 60);
  return `the file has ${found.slice(from, at + 200)}, expected ${expected.slice(from, at + 200)}`;
}

/**
 * Where the header and each sound frame end. The sums count: a torn head with garbage behind it is as long as a frame,
 * and what is put before it makes no damage of a torn end.
 */
export function frameEnds(journal: Uint8Array): number[] {
  const view = new DataView(journal.buffer, journal.byteOffset, journal.length);
  const ends: number[] = [];
  let at = journal.indexOf(10) + 5;
  if (at < 5 || at > journal.length) return ends;
  const salt = view.getUint32(at - 4, true);
  for (;;) {
    ends.push(at);
    const body = at + 14;
    if (body > journal.length || view.getUint16(at, true) !== 0xc5a7) return ends;
    const end = body + view.getUint32(at + 2, true);
    const sound =
      end <= journal.length &&
      crc32(journal.subarray(at, at + 10), salt) === view.getUint32(at + 10, true) &&
      crc32(journal.subarray(body, end), salt) === view.getUint32(at + 6, true);
    if (!sound) return ends;
    at = end;
  }
}
