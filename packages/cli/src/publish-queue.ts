/** `--queue DIR`: messages are kept on disk until the server has acknowledged them, whoever is restarted meanwhile. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectOptions } from 'mqtt-kit';
import { fileStore } from 'mqtt-kit/store-file';
import { fileProblem } from './input-files.ts';

/**
 * The options of a client whose session lies in the folder. The session is found again by the client identifier: that
 * of `-i`, else one that is made up once and kept in the folder. Throws `UsageError` when the folder cannot be used.
 */
export function queueOptions(folder: string, options: ConnectOptions): ConnectOptions {
  const clientId = options.clientId || keptClientId(folder);
  return {
    clientId,
    cleanStart: false,
    foreignSession: 'reset',
    store: fileStore(join(folder, 'session')),
  };
}

function keptClientId(folder: string): string {
  const file = join(folder, 'client-id');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const made = `mqtt-pub-${randomUUID()}`;
    // Of two programs that begin at once the first one decides.
    writeFileSync(file, `${made}\n`, { flag: 'wx', mode: 0o600 });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw fileProblem('--queue', folder, error);
  }
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw fileProblem('--queue', file, error);
  }
}
