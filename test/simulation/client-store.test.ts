import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileStore } from '@mqtt-kit/store-file';
import { describe, expect, it } from 'vitest';
import { frameEnds } from './client-store.ts';

/** A journal of two commits, as the file store writes it. */
async function makeJournal(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-journal-'));
  try {
    const store = fileStore(folder);
    await store.load({ clientId: 'client', serverKey: 'server' });
    for (const packetIdentifier of [1, 2]) {
      await store.commit([{ type: 'inReleased', packetIdentifier }]);
    }
    await store.close();
    const name = readdirSync(folder).find((file) => file.endsWith('.journal'));
    return new Uint8Array(readFileSync(join(folder, String(name))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

describe('the sound frames of a journal', () => {
  it('are the commits', async () => {
    const journal = await makeJournal();
    const [header = 0, first = 0, second] = frameEnds(journal);
    expect(header).toBe(31);
    expect(second).toBe(journal.length);
    expect(frameEnds(journal.subarray(0, journal.length - 1))).toEqual([header, first]);
  });

  it('are not a torn head with garbage behind it, as long as that may be', async () => {
    const journal = await makeJournal();
    const ends = frameEnds(journal);
    const first = ends[1] ?? 0;
    const torn = joined(journal.subarray(0, first + 6), new Uint8Array(100));
    expect(frameEnds(torn)).toEqual(ends.slice(0, 2));
  });

  it('end before a body that is not as it was written', async () => {
    const journal = await makeJournal();
    const last = journal.length - 1;
    journal[last] = (journal[last] ?? 0) ^ 1;
    expect(frameEnds(journal)).toHaveLength(2);
  });
});
