/** One store object belongs to one client at a time, whosever sessions its directory holds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionIdentity } from '@mqtt-kit/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fileStore } from './index.ts';
import { outOperation } from './operations.test-support.ts';

const gateway: SessionIdentity = { clientId: 'gateway-7', serverKey: 'mqtt://localhost:1883' };
const sensor: SessionIdentity = { clientId: 'sensor-1', serverKey: 'mqtt://localhost:1883' };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-file-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('refuses a second client with another session, and goes on in the journal of the first', async () => {
  const store = fileStore(directory);
  expect(await store.load(gateway)).toEqual([]);
  expect(() => store.load(sensor)).toThrow(
    expect.objectContaining({ code: 'storeLocked', hint: expect.stringContaining('of its own') }),
  );
  await store.commit([outOperation(1)]);
  await store.close();

  expect(await store.load(sensor)).toEqual([]);
  await store.close();
  expect(await store.load(gateway)).toMatchObject([{ type: 'out', sequence: 1 }]);
  await store.close();
});

it('may be loaded again after it could not be', async () => {
  const owner = fileStore(directory);
  await owner.load(gateway);
  const store = fileStore(directory);
  for (let attempt = 1; attempt <= 2; attempt++) {
    expect(() => store.load(gateway)).toThrow(/in use by another client of this process: /);
  }
  await owner.close();
  expect(await store.load(gateway)).toEqual([]);
  await store.close();
});
