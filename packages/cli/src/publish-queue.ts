/** `--queue DIR`: messages are kept on disk until the server has acknowledged them, whoever is restarted meanwhile. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectOptions, SessionOperation, SessionStore } from 'mqtt-kit';
import { fileStore } from 'mqtt-kit/store-file';
import { fileProblem } from './input-files.ts';
import { makeFolder } from './make-folder.ts';

/** A queue in a folder. */
export interface PublishQueue {
  readonly options: ConnectOptions;
  /** Messages in it that nobody has acknowledged yet, those of earlier runs among them. */
  readonly left: () => number;
}

/**
 * The queue and the options of a client whose session lies in the folder. The session is found again by the client identifier: that
 * of `-i`, else one that is made up once and kept in the folder. Throws `UsageError` when the folder cannot be used.
 */
export function publishQueue(folder: string, options: ConnectOptions): PublishQueue {
  const clientId = options.clientId || keptClientId(folder);
  const unacknowledged = new Set<number>();
  const store = counted(fileStore(join(folder, 'session')), unacknowledged);
  return {
    options: { clientId, cleanStart: false, foreignSession: 'reset', store },
    left: () => unacknowledged.size,
  };
}

/** `store`, with the sequence numbers of messages that are in it in `unacknowledged`. */
function counted(store: SessionStore, unacknowledged: Set<number>): SessionStore {
  const count = (operations: readonly SessionOperation[]): void => {
    for (const operation of operations) {
      if (operation.type === 'out') unacknowledged.add(operation.sequence);
      else if (operation.type === 'outDone') unacknowledged.delete(operation.sequence);
    }
  };
  return {
    get durable() {
      return store.durable;
    },
    get clientId() {
      return store.clientId;
    },
    async load(...identity) {
      const snapshot = await store.load(...identity);
      count(snapshot);
      return snapshot;
    },
    commit(operations) {
      count(operations);
      return store.commit(operations);
    },
    clear() {
      unacknowledged.clear();
      return store.clear();
    },
    close: () => store.close(),
  };
}

function keptClientId(folder: string): string {
  const file = join(folder, 'client-id');
  try {
    makeFolder(folder);
    const made = `mqtt-pub-${randomUUID()}`;
    // Of two programs that begin at once the first one decides.
    writeFileSync(file, `${made}\n`, { flag: 'wx', mode: 0o600 });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw fileProblem('--queue', folder, error, 'use');
  }
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw fileProblem('--queue', file, error);
  }
}
