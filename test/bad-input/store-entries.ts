/** Entries 56 and 57: session stores that cannot be used. */
import { readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FileStoreOptions, fileStore } from '@mqtt-kit/store-file';
import { connect, memoryStore, type SessionStore } from 'mqtt-kit';
import { expect } from 'vitest';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { checkError, type Entry, rejection, Stage } from './stage.ts';

const clientId = 'gateway';

export const storeEntries: readonly Entry[] = [
  [
    56,
    'a store that is none, corrupt, of a newer format, a link, or that cannot be written',
    async (stage) => {
      await stage.refusesOptions({ store: {} }, 'store', 'memoryStore()', 'an object');
      await stage.refusesOptions({ store: './sessions' }, 'store', '"./sessions"');
      const durable = { store: fileStore(temporaryFolder('sessions')) };
      await stage.refusesOptions(durable, 'a durable store needs a clientId');
      const clean = { ...durable, clientId, cleanStart: true };
      await stage.refusesOptions(clean, 'cleanStart must be false with a durable store');
      for (const [directory, options, ...says] of [
        [undefined, {}, 'directory', 'undefined'],
        ['', {}, 'directory', /""|''/],
        ['x', { durability: 'disk' }, 'durability', /process.*power.*none/, 'disk'],
        ['x', { repair: 1 }, 'repair', /true.*false/, '1'],
        ['x', { durabilty: 'power' }, 'durabilty', 'durability'],
      ] as const) {
        const made = () => fileStore(directory as string, options as FileStoreOptions);
        checkError(await rejection(made), 'invalidArgument', says);
      }

      const { directory, journal } = await usedStore();
      const fails = (code: string, ...says: string[]) =>
        stage.failsToConnect(stage.url, { clientId, store: fileStore(directory) }, code, ...says);
      // The identity of a session is its client identifier and its server.
      const sound = readFileSync(journal);
      const own = await journalOf(stage, directory, journal);
      writeFileSync(own, 'mqtt-kit session journal 2\n');
      await fails('storeCorrupt', 'format 2', own);
      writeFileSync(own, 'a diary of something else altogether');
      await fails('storeCorrupt', 'not a session journal', own);
      const damaged = Buffer.concat([sound, sound.subarray(sound.length / 2)]);
      damaged.fill(0xff, 60, 70);
      writeFileSync(own, damaged);
      const corrupt = await fails('storeCorrupt', own);
      expect(corrupt.hint).toMatch(/repair/);
      unlinkSync(own);
      symlinkSync('/etc/hostname', own);
      await fails('storeFailed', 'symbolic link', own);

      const file = join(temporaryFolder('no-directory'), 'file');
      writeFileSync(file, '');
      const store = fileStore(join(file, 'sessions'));
      await stage.failsToConnect(stage.url, { clientId, store }, 'storeFailed', file);
      const broken: SessionStore = {
        ...memoryStore(),
        durable: false,
        load: () => Promise.reject(new Error('no such table')),
        commit() {},
        clear() {},
        close() {},
      };
      await stage.failsToConnect(stage.url, { store: broken }, 'storeFailed', 'no such table');
    },
  ],
  [
    57,
    'a store that two clients of one process use at once',
    async () => {
      for (const makes of [memoryStore, () => fileStore(temporaryFolder('shared'))]) {
        await using stage = await Stage.open();
        const store = makes();
        const options = { clientId, cleanStart: false, store, version: '5.0' } as const;
        const first = await connect(stage.url, options);
        const error = await stage.failsToConnect(stage.url, options, 'storeLocked', 'in use by');
        expect(error.hint ?? '').not.toBe('');
        expect(stage.server.connections).toHaveLength(1);
        await first.close();
        // What the first one gave back is free.
        await (await connect(stage.url, options)).close();
      }
    },
  ],
];

/** A directory with the journal of a session that holds something. */
async function usedStore(): Promise<{ readonly directory: string; readonly journal: string }> {
  const directory = temporaryFolder('sessions');
  await using stage = await Stage.open();
  const client = await connect(stage.url, { clientId, store: fileStore(directory) });
  for (let count = 0; count < 20; count++) await client.publish('a', 'x'.repeat(50), { qos: 1 });
  await client.close();
  return { directory, journal: onlyJournal(directory) };
}

/** Where the session of this client at the server of the stage is kept: made by a client that was never let in. */
async function journalOf(stage: Stage, directory: string, other: string): Promise<string> {
  const store = fileStore(directory);
  store.load({ clientId, serverKey: stage.url });
  await store.close();
  const made = readdirSync(directory)
    .filter((name) => name.endsWith('.journal'))
    .map((name) => join(directory, name))
    .find((path) => path !== other);
  if (made === undefined) throw new Error('no journal was made');
  return made;
}

function onlyJournal(directory: string): string {
  const [name, ...more] = readdirSync(directory).filter((file) => file.endsWith('.journal'));
  if (name === undefined || more.length > 0) throw new Error('expected one journal');
  return join(directory, name);
}
