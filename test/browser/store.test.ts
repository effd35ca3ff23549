import { fileURLToPath } from 'node:url';
import { sessionStoreContract } from '@mqtt-kit/testkit';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requires } from '../setup/requires.ts';
import { bundle } from './bundle.mjs';
import { launchChromium } from './chromium.ts';
import { type PageServer, servePage } from './page-server.ts';
import type { StorePage } from './store-page.ts';

/** What store-page.ts gives to the test, in the page. */
declare const storePage: StorePage;

describe.runIf(requires('chromium'))('an IndexedDB store in Chromium', () => {
  let server: PageServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    const { code } = await bundle("import './store-page.ts';", {
      'node:assert/strict': fileURLToPath(new URL('./assert.ts', import.meta.url)),
    });
    server = await servePage(code, []);
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  // A context of its own has databases of its own.
  beforeEach(async () => {
    context = await browser.newContext();
    page = await openPage();
  });
  afterEach(() => context?.close());

  async function openPage(): Promise<Page> {
    const opened = await context.newPage();
    await opened.goto(server.url);
    return opened;
  }

  describe.each(['process', 'power', 'none'] as const)(
    'with durability %s, by the contract of stores',
    (durability) => {
      it.each(sessionStoreContract.map(({ name }) => name))('%s', async (name) => {
        await page.evaluate(([n, d]) => storePage.runCase(n, d), [name, durability] as const);
      });
    },
  );

  it('keeps what was committed over a reload, in the order of the numbers', async () => {
    await page.evaluate(async () => {
      const { load, commit } = storePage.openStore('reload');
      await load();
      for (let sequence = 1; sequence <= 12; sequence++) {
        await commit([storePage.outOperation(sequence)]);
      }
      await commit([
        { type: 'outDone', sequence: 2, packetIdentifier: 1, reasonCode: 0, cause: undefined },
      ]);
    });
    await page.reload();
    const loaded = await page.evaluate(async () =>
      storePage.sequences(await storePage.openStore('reload').load()),
    );
    expect(loaded).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('keeps what was committed when the tab is killed', async () => {
    await page.evaluate(async () => {
      const { load, commit } = storePage.openStore('killed');
      await load();
      await commit([storePage.outOperation(1)]);
    });
    const crashed = page.waitForEvent('crash');
    page.goto('chrome://crash').catch(() => {});
    await crashed;
    page = await openPage();
    const loaded = await page.evaluate(async () =>
      storePage.sequences(await storePage.openStore('killed').load()),
    );
    expect(loaded).toEqual([1]);
  });

  it('stores the bytes of a payload alone, not the buffer that they are part of', async () => {
    const sizes = await page.evaluate(async () => {
      const { load, commit } = storePage.openStore('views');
      await load();
      const bytes = new Uint8Array(1_000_000).subarray(10, 14);
      await commit([storePage.outOperation(1, bytes)]);
      const { values } = await storePage.rawContents('views');
      const [{ message }] = values as [{ message: { payload: Uint8Array } }];
      return [message.payload.byteLength, message.payload.buffer.byteLength];
    });
    expect(sizes).toEqual([4, 4]);
  });

  it('keeps nothing of a commit that cannot be cloned, and takes nothing more', async () => {
    const { first, second, kept } = await page.evaluate(async () => {
      const { store, load, commit } = storePage.openStore('aborted');
      await load();
      await commit([storePage.outOperation(1)]);
      const bad = storePage.outOperation(3);
      const uncloneable = { ...bad, message: { ...bad.message, topic: (() => {}) as never } };
      const both = [storePage.outOperation(2), uncloneable];
      const failures = {
        first: await storePage.failure(() => commit(both)),
        second: await storePage.failure(() => commit([storePage.outOperation(4)])),
      };
      await store.close();
      return {
        ...failures,
        kept: storePage.sequences(await storePage.openStore('aborted').load()),
      };
    });
    expect(first).toMatchObject({
      code: 'storeFailed',
      message: expect.stringMatching(/^cannot write the session/),
    });
    expect(second).toEqual(first);
    expect(kept).toEqual([1]);
  });

  it('says when there is no room, and keeps what it accepted', async () => {
    const { origin } = new URL(server.url);
    const devTools = await context.newCDPSession(page);
    await devTools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000_000 });
    const { failed, kept } = await page.evaluate(async () => {
      const { store, load, commit } = storePage.openStore('quota');
      await load();
      await commit([storePage.outOperation(1)]);
      const large = storePage.outOperation(2, new Uint8Array(20_000_000).fill(7));
      const failed = await storePage.failure(() => commit([large]));
      await store.close();
      return { failed, kept: storePage.sequences(await storePage.openStore('quota').load()) };
    });
    expect(failed).toMatchObject({
      code: 'storeFailed',
      hint: expect.stringMatching(/no more room/),
    });
    expect(kept).toEqual([1]);
  });

  it('opens the database again when the browser closed it, told or not', async () => {
    const kept = await page.evaluate(async () => {
      // What a system does on waking up, and what another tab does that deletes the database.
      const databases: IDBDatabase[] = [];
      const open = IDBFactory.prototype.open;
      IDBFactory.prototype.open = function (...words) {
        const asked = open.apply(this, words);
        asked.addEventListener('success', () => databases.push(asked.result));
        return asked;
      };
      const { store, load, commit } = storePage.openStore('closed');
      await load();
      await commit([storePage.outOperation(1)]);
      for (const database of databases) database.close();
      await commit([storePage.outOperation(2)]);
      await storePage.request(indexedDB.deleteDatabase('closed'));
      await commit([storePage.outOperation(3)]);
      await store.close();
      const again = storePage.openStore('closed');
      return [databases.length, storePage.sequences(await again.load())];
    });
    expect(kept).toEqual([3, [1, 2, 3]]);
  });

  it('writes a commit again whose transaction the browser lost', async () => {
    const kept = await page.evaluate(async () => {
      const { store, load, commit } = storePage.openStore('lost');
      await load();
      await commit([storePage.outOperation(1)]);
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (...words) {
        IDBObjectStore.prototype.put = put;
        const asked = put.apply(this, words);
        queueMicrotask(() => this.transaction.abort());
        return asked;
      };
      await commit([storePage.outOperation(2), storePage.outOperation(3)]);
      await store.close();
      return storePage.sequences(await storePage.openStore('lost').load());
    });
    expect(kept).toEqual([1, 2, 3]);
  });

  it('refuses a database of a later format', async () => {
    const failed = await page.evaluate(async () => {
      (await storePage.request(indexedDB.open('later', 99))).close();
      return storePage.failure(() => storePage.openStore('later').load());
    });
    expect(failed).toMatchObject({ code: 'storeCorrupt', hint: expect.stringMatching(/newer/) });
  });

  it('does not wait for ever for a database that does not open', async () => {
    const failed = await page.evaluate(async () => {
      IDBFactory.prototype.open = () => new EventTarget() as IDBOpenDBRequest;
      return storePage.failure(() => storePage.openStore('stuck', { openTimeoutMs: 50 }).load());
    });
    expect(failed).toEqual({
      code: 'storeFailed',
      message: 'the database "stuck" did not open within 50 ms',
      hint: expect.stringContaining("fallback: 'memory'"),
    });
  });

  it('goes on in memory as another client where that is asked for', async () => {
    const { durable, clientId, statuses, kept } = await page.evaluate(async () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('denied', 'SecurityError');
      };
      const statuses: unknown[] = [];
      const { store, load, commit } = storePage.openStore('none', {
        fallback: 'memory',
        onStatus: ({ state, ...rest }) =>
          statuses.push([state, 'reason' in rest ? rest.reason.message : '']),
      });
      await load();
      await commit([storePage.outOperation(1)]);
      const { durable, clientId } = store;
      await store.close();
      return {
        durable,
        clientId,
        statuses,
        kept: storePage.sequences(await store.load(storePage.identity)),
      };
    });
    expect(durable).toBe(false);
    expect(clientId).toMatch(/^client-\w{3,}$/);
    expect(statuses[0]).toEqual(['memory', 'cannot open the session: denied']);
    expect(kept).toEqual([]);
  });

  describe('in two tabs', () => {
    let other: Page;
    beforeEach(async () => {
      other = await openPage();
      await page.evaluate(async () => {
        const { store, load, commit } = storePage.openStore('tabs');
        await load();
        await commit([storePage.outOperation(1)]);
        Object.assign(globalThis, { store });
      });
    });

    it('lets the second wait, and gives it the session when the first is closed', async () => {
      await other.evaluate(() => {
        const statuses: string[] = [];
        const opened = storePage.openStore('tabs', {
          onStatus: ({ state }) => statuses.push(state),
        });
        Object.assign(globalThis, { statuses, loading: opened.load() });
      });
      await other.waitForFunction(() => (globalThis as never as { statuses: [] }).statuses.length);
      await page.close();
      const { loaded, statuses } = await other.evaluate(async () => {
        const { loading, statuses } = globalThis as never as {
          loading: Promise<[]>;
          statuses: string[];
        };
        return { loaded: storePage.sequences(await loading), statuses };
      });
      expect({ loaded, statuses }).toEqual({ loaded: [1], statuses: ['waiting', 'open'] });
    });

    it('ends the waiting when its signal aborts', async () => {
      const failed = await other.evaluate(async () => {
        const abort = new AbortController();
        const store = storePage.indexedDbStore('tabs', {
          onStatus: () => abort.abort(new Error('no patience')),
        });
        return storePage.failure(() => store.load(storePage.identity, abort.signal));
      });
      expect(failed).toMatchObject({ message: 'no patience' });
    });

    it('refuses the second, or gives it an identifier and a session of its own', async () => {
      const refused = await other.evaluate(() =>
        storePage.failure(() => storePage.openStore('tabs', { onConflict: 'error' }).load()),
      );
      expect(refused).toMatchObject({ code: 'storeLocked' });
      const own = await other.evaluate(async () => {
        const { store, load, commit } = storePage.openStore('tabs', { onConflict: 'suffix' });
        const loaded = storePage.sequences(await load());
        await commit([storePage.outOperation(2)]);
        const { clientId } = store;
        await store.close();
        return [clientId, loaded];
      });
      expect(own).toEqual(['client-2', []]);
      const { keys } = await page.evaluate(() => storePage.rawContents('tabs'));
      expect(keys).toEqual([
        ['ws://localhost/mqtt', 'client', 1],
        ['ws://localhost/mqtt', 'client-2', 1],
      ]);
    });
  });

  it('says where there are no locks', async () => {
    const failed = await page.evaluate(() => {
      Object.defineProperty(navigator, 'locks', { value: undefined });
      return storePage.failure(() => storePage.openStore('unlocked').load());
    });
    expect(failed).toMatchObject({ code: 'storeFailed', hint: expect.stringMatching(/https/) });
  });
});
