/**
 * A session in a file: what was committed is there again after the process was killed, and with `durability: 'power'`
 * after a loss of power.
 *
 * Commits are appended to a journal. Beside it runs the same state in memory, from which the journal is written anew,
 * without all that is settled, when most of it is of no use any more.
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { inspect } from 'node:util';
import {
  MqttError,
  MqttUsageError,
  memoryStore,
  type SessionIdentity,
  type SessionStore,
} from '@mqtt-kit/core';
import type { SessionOperation, SessionSnapshot } from '@mqtt-kit/engine';
import { Journal, syncDirectory } from './journal.ts';
import { lockSession, type Unlock } from './session-lock.ts';

/** How careful a file store is. */
export interface FileStoreOptions {
  /**
   * What a commit waits for. `process` (default): the operating system has it, so that it outlives a killed process.
   * `power`: the disk has it (one fdatasync for all commits of the meantime). `none`: nothing; the last commits of a
   * killed process may be missing.
   */
  readonly durability?: 'process' | 'power' | 'none';
  /**
   * Reads a journal that is damaged in the middle, leaving out what is damaged; a function is told what that was. The
   * damaged file is kept beside the journal. Default false: `storeCorrupt`.
   *
   * What stood in the damaged stretches is unknown: messages may be missing, and others may arrive twice.
   */
  readonly repair?: boolean | ((report: RepairReport) => void);
}

/** What a repair left out of a damaged journal. */
export interface RepairReport {
  /** The journal. */
  readonly file: string;
  /** The damaged file as it was. */
  readonly damagedFile: string;
  /** Where it was damaged, in bytes from its beginning. */
  readonly dropped: readonly { readonly at: number; readonly bytes: number }[];
  /** Operations that were sound and are kept. */
  readonly keptOperations: number;
}

/**
 * A store that keeps sessions in files of one directory, which is made when it is missing (0700; files 0600).
 * Each pair of server and client identifier has a journal of its own, so that many clients may share a directory.
 * For `connect({ store: fileStore('./sessions'), clientId })`; each client wants a `fileStore` of its own.
 *
 * Throws `invalidArgument` for a directory or an option that cannot be. Errors of the client later: `storeLocked` when
 * another client, of this process or another, uses the session; `storeCorrupt` for a journal that is damaged, of a newer
 * format, or of another session; `storeFailed` when the file system refuses (disk full, no permission). After a failed
 * commit nothing more is accepted: what was committed before stands.
 */
export function fileStore(directory: string, options: FileStoreOptions = {}): SessionStore {
  checkArguments(directory, options);
  return new FileSessionStore(directory, options);
}

/** Below this a journal is never written anew. */
const smallestCompactionBytes = 1024 * 1024;
/** Settled operations are only worth writing anew once they are this many times what is live. */
const compactionRatio = 4;

class FileSessionStore implements SessionStore {
  readonly durable = true;
  readonly #directory: string;
  readonly #durability: 'process' | 'power' | 'none';
  readonly #repair: boolean | ((report: RepairReport) => void);
  #state = memoryStore();
  /** From `load` on, until it fails or `close`. */
  #taken = false;
  #journal: Journal | undefined;
  #unlock: (() => void) | undefined;
  #failure: MqttError | undefined;
  #compactAtBytes = smallestCompactionBytes;
  /** A sync failed: the kernel shows what the disk may not have, and takes it for written. */
  #doubtful = false;
  /** Commits that wait for the next sync, and the sync under way. */
  #group: SessionOperation[] = [];
  #nextSync: Promise<void> | undefined;
  #sync: Promise<void> = Promise.resolve();
  #later: NodeJS.Immediate | undefined;

  constructor(directory: string, options: FileStoreOptions) {
    this.#directory = resolve(directory);
    this.#durability = options.durability ?? 'process';
    this.#repair = options.repair ?? false;
  }

  load(identity: SessionIdentity): SessionSnapshot | Promise<SessionSnapshot> {
    // The other's messages would go on in the journal of this one.
    if (this.#taken) throw lockedByClient();
    const name = sessionName(identity);
    const file = join(this.#directory, `${name}.journal`);
    const action = `cannot open ${file}`;
    this.#failure = undefined;
    const unlock = this.#guarded(action, () => {
      makeDirectory(this.#directory);
      const lock = join(this.#directory, `${name}.lock`);
      refuseOther(lock, 'directory');
      return lockSession(lock);
    });
    this.#taken = true;
    const open = (taken: Unlock): SessionSnapshot =>
      this.#guarded(action, () => this.#open(file, identity, taken));
    if (typeof unlock === 'function') return open(unlock);
    return unlock.then(open, (error: unknown) => {
      this.#taken = false;
      return this.#guarded(action, () => throwAgain(error));
    });
  }

  commit(operations: readonly SessionOperation[]): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#durability === 'process') return this.#append(operations);
    for (const operation of operations) this.#group.push(operation);
    if (this.#durability === 'none') {
      this.#later ??= setImmediate(() => this.#flushGroup());
      return undefined;
    }
    // All that comes while a sync is under way shares the next one: it starts when the present one has ended.
    this.#nextSync ??= this.#sync.then(() => this.#syncGroup());
    return this.#nextSync;
  }

  async clear(): Promise<void> {
    // A sync that is under way holds the file that this replaces.
    await this.#nextSync?.catch(() => {});
    await this.#sync;
    if (this.#failure !== undefined) throw this.#failure;
    this.#group = [];
    this.#guarded('cannot clear the session', () => this.#opened().rewrite([]));
    this.#state.clear();
  }

  async close(): Promise<void> {
    await this.#nextSync?.catch(() => {});
    await this.#sync;
    const failedBefore = this.#failure;
    this.#flushGroup();
    const failure = this.#failure;
    this.#guarded('cannot close the session', () => this.#release());
    // An earlier failure was told already, by the commit that it befell.
    if (failure !== undefined && failedBefore === undefined) throw failure;
  }

  #open(file: string, identity: SessionIdentity, unlock: Unlock): SessionSnapshot {
    this.#unlock = unlock;
    try {
      refuseOther(file, 'file');
      const { journal, contents } = Journal.open(file, this.#repair !== false);
      this.#journal = journal;
      if (this.#durability === 'power') journal.syncRead();
      checkOwner(file, identity, contents.operations);
      this.#compactAtBytes = smallestCompactionBytes;
      this.#state = memoryStore();
      this.#state.commit(contents.operations);
      if (this.#doubtful) journal.rewrite(this.#snapshot());
      this.#doubtful = false;
      if (contents.damagedFile !== undefined && typeof this.#repair === 'function') {
        const { damagedFile, damaged: dropped, operations } = contents;
        this.#repair({ file, damagedFile, dropped, keptOperations: operations.length });
      }
    } catch (error) {
      this.#release();
      throw error;
    }
    return this.#snapshot();
  }

  async #syncGroup(): Promise<void> {
    const group = this.#group;
    this.#group = [];
    this.#nextSync = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    // One frame for the group: of frames that were never synced a loss of power might keep the second alone.
    this.#append(group);
    const synced = this.#opened()
      .sync()
      .catch((error: unknown) => {
        // The kernel may have marked the pages as clean: a second try would succeed without having written anything.
        this.#doubtful = true;
        throw this.#fail('cannot make the session durable', error);
      });
    this.#sync = synced.catch(() => {});
    return synced;
  }

  #flushGroup(): void {
    clearImmediate(this.#later);
    this.#later = undefined;
    const group = this.#group;
    this.#group = [];
    if (group.length === 0 || this.#journal === undefined || this.#failure !== undefined) return;
    try {
      this.#append(group);
    } catch {
      // Nobody waits for this: the next commit, or `close`, throws it.
    }
  }

  #append(operations: readonly SessionOperation[]): void {
    if (operations.length === 0) return;
    this.#guarded('cannot write the session', () => {
      const journal = this.#opened();
      journal.append(operations);
      this.#state.commit(operations);
      if (journal.length >= this.#compactAtBytes) this.#compact(journal);
    });
  }

  /** The journal anew from the live state. What it then has decides when that is worth it again. */
  #compact(journal: Journal): void {
    try {
      journal.rewrite(this.#snapshot());
    } catch {
      // The old file stands, and what was committed stands in it: a full disk has room for it, if not for a second.
    }
    this.#compactAtBytes = Math.max(smallestCompactionBytes, journal.length * compactionRatio);
  }

  #snapshot(): SessionSnapshot {
    this.#state.close();
    return this.#state.load(noIdentity) as SessionSnapshot;
  }

  #opened(): Journal {
    if (this.#journal === undefined) {
      throw new MqttError('storeFailed', 'the session store is not open');
    }
    return this.#journal;
  }

  /** Runs what the file system may refuse. After a refusal the store takes nothing more. */
  #guarded<T>(what: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof MqttError) throw error;
      throw this.#fail(what, error);
    }
  }

  #fail(what: string, cause: unknown): MqttError {
    const problem = cause instanceof Error ? cause.message : String(cause);
    const details = { cause, hint: hintFor((cause as NodeJS.ErrnoException | undefined)?.code) };
    this.#failure ??= new MqttError('storeFailed', `${what}: ${problem}`, details);
    return this.#failure;
  }

  #release(): void {
    const journal = this.#journal;
    const unlock = this.#unlock;
    this.#taken = false;
    this.#journal = undefined;
    this.#unlock = undefined;
    try {
      journal?.close();
    } finally {
      unlock?.();
    }
  }
}

function lockedByClient(): MqttError {
  return new MqttError(
    'storeLocked',
    'the file store is in use by another client of this process',
    {
      hint: 'Give each client a fileStore() of its own; they may share the directory.',
    },
  );
}

const noIdentity: SessionIdentity = { clientId: '', serverKey: '' };

/** A hash, since a client identifier may hold anything: separators, dots, names that mean something to a system. */
function sessionName({ clientId, serverKey }: SessionIdentity): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([serverKey, clientId]))
    .digest('hex');
  return hash.slice(0, 32);
}

/** Makes it and what is missing above it, for us alone whatever the umask is, and lasting over a loss of power. */
function makeDirectory(directory: string): void {
  try {
    if (statSync(directory).isDirectory()) return;
    throw new MqttError('storeFailed', `${directory} is a file, expected a directory`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (dirname(directory) !== directory) makeDirectory(dirname(directory));
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // Another process made it at this very moment.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return;
  }
  chmodSync(directory, 0o700);
  syncDirectory(dirname(directory));
}

/** A link would lead our writes to wherever its maker wants them. */
function refuseOther(path: string, expected: 'file' | 'directory'): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || (expected === 'file' ? found.isFile() : found.isDirectory())) return;
  const what = found.isSymbolicLink() ? 'a symbolic link' : `no ${expected}`;
  throw new MqttError('storeFailed', `${path} is ${what}, expected a ${expected}`);
}

/** A journal goes by the name of its session: another one's was copied or renamed. */
function checkOwner(file: string, identity: SessionIdentity, operations: SessionSnapshot): void {
  const session = operations.findLast((operation) => operation.type === 'session');
  if (session?.type !== 'session') return;
  const { clientId, serverKey } = session;
  if (clientId === identity.clientId && serverKey === identity.serverKey) return;
  const owner = `${JSON.stringify(clientId)} at ${serverKey}`;
  throw new MqttError(
    'storeCorrupt',
    `${file} is the session of ${owner}, expected that of ${JSON.stringify(identity.clientId)} at ${identity.serverKey}`,
    { hint: 'It was copied or renamed: a session belongs to one client identifier at one server.' },
  );
}

function throwAgain(error: unknown): never {
  throw error;
}

const optionNames: readonly string[] = ['durability', 'repair'];
const durabilities: readonly unknown[] = ['process', 'power', 'none', undefined];

/** From JavaScript anything may come. */
function checkArguments(directory: unknown, options: unknown): void {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new MqttUsageError(
      `the directory of a file store must be a path; got ${inspect(directory)}`,
    );
  }
  if (typeof options !== 'object' || options === null) {
    throw new MqttUsageError(
      `the options of a file store must be an object; got ${inspect(options)}`,
    );
  }
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name));
  if (unknown !== undefined) {
    throw new MqttUsageError(
      `a file store has no option ${inspect(unknown)}; it has ${optionNames.join(' and ')}`,
    );
  }
  const { durability, repair } = options as Record<string, unknown>;
  if (!durabilities.includes(durability)) {
    throw new MqttUsageError(
      `durability must be 'process', 'power' or 'none'; got ${inspect(durability)}`,
    );
  }
  if (repair !== undefined && typeof repair !== 'boolean' && typeof repair !== 'function') {
    throw new MqttUsageError(`repair must be true, false or a function; got ${inspect(repair)}`);
  }
}

function hintFor(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'The disk is full: make room and start the client again. What was stored before is kept.';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'Check who owns the directory, and that it may be written.';
    case 'EFBIG':
      return 'A limit of the system on the size of files is reached (ulimit -f).';
    case 'EIO':
      return 'The disk is failing: save what is on it, then start the client again.';
    case 'EMFILE':
    case 'ENFILE':
      return 'Too many files are open: each session needs two (ulimit -n).';
    default:
      return undefined;
  }
}
