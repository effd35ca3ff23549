/** A journal with one damaged byte, wherever that is: refused, or read as if its last commit had been torn. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionIdentity } from '@mqtt-kit/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileStore, type RepairReport } from './index.ts';
import { outOperation } from './operations.test-support.ts';

const gateway: SessionIdentity = { clientId: 'gateway-7', serverKey: 'mqtt://localhost:1883' };
const commits = 4;

let directory: string;
let file: string;
let sound: Buffer;
let lastCommitAt: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'store-file-'));
  const store = fileStore(directory);
  await store.load(gateway);
  const journal = readdirSync(directory).find((name) => name.endsWith('.journal')) ?? '';
  file = join(directory, journal);
  for (let sequence = 1; sequence <= commits; sequence++) {
    lastCommitAt = readFileSync(file).byteLength;
    await store.commit([outOperation(sequence)]);
  }
  await store.close();
  sound = readFileSync(file);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function damageAt(at: number): Buffer {
  const damaged = Buffer.from(sound);
  damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at);
  writeFileSync(file, damaged);
  return damaged;
}

describe('a damaged byte', () => {
  it('is refused wherever commits stand behind it, and the file is left as it is', () => {
    for (let at = 0; at < lastCommitAt; at++) {
      const damaged = damageAt(at);
      expect(() => fileStore(directory).load(gateway), `byte ${at}`).toThrow(
        expect.objectContaining({ code: 'storeCorrupt' }),
      );
      expect(readFileSync(file).equals(damaged)).toBe(true);
    }
  });

  it('in the salt costs a repair no commit', async () => {
    for (let at = 27; at < 31; at++) {
      damageAt(at);
      const reports: RepairReport[] = [];
      const store = fileStore(directory, { repair: (report) => reports.push(report) });
      expect(await store.load(gateway)).toHaveLength(commits);
      await store.close();
      expect(reports).toMatchObject([{ dropped: [{ at: 27, bytes: 4 }], keptOperations: commits }]);
    }
  });
});
