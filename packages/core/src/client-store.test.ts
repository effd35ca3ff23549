import type { SessionSnapshot } from '@mqtt-kit/engine';
import { describe, expect, it } from 'vitest';
import { ClientStage, watch } from './client-stage.test-support.ts';
import { memoryStore } from './memory-session-store.ts';
import type { SessionIdentity, SessionStore } from './session-store.ts';

/** A store that settles on something else while it loads. */
class SettlingStore implements SessionStore {
  durable = true;
  clientId: string | undefined;
  closed = 0;
  readonly #memory = memoryStore();
  readonly #onLoad: (store: SettlingStore, signal: AbortSignal | undefined) => unknown;

  constructor(onLoad: (store: SettlingStore, signal: AbortSignal | undefined) => unknown) {
    this.#onLoad = onLoad;
  }

  async load(_identity: SessionIdentity, signal?: AbortSignal): Promise<SessionSnapshot> {
    await this.#onLoad(this, signal);
    return this.#memory.load();
  }

  commit(operations: Parameters<SessionStore['commit']>[0]): void {
    this.#memory.commit(operations);
  }

  clear(): void {}

  close(): void {
    this.closed += 1;
  }
}

describe('a client whose store takes time to load', () => {
  it('goes by the identifier that the store took', async () => {
    const stage = new ClientStage();
    const store = new SettlingStore((loading) => {
      loading.clientId = 'c-2';
    });
    const client = await stage.connect({ clientId: 'c', store });
    expect(client.clientId).toBe('c-2');
    expect(stage.sent('connect')).toMatchObject([{ clientId: 'c-2', cleanStart: false }]);
  });

  it('asks for no session when the store cannot be durable after all', async () => {
    const stage = new ClientStage();
    const store = new SettlingStore((loading) => {
      loading.durable = false;
    });
    await stage.connect({ clientId: 'c', store });
    const [{ cleanStart, properties } = expect.fail()] = stage.sent('connect');
    expect({ cleanStart, expiry: properties.sessionExpiryInterval }).toEqual({
      cleanStart: true,
      expiry: undefined,
    });
  });

  it('ends the loading when its signal aborts, with its own error', async () => {
    const stage = new ClientStage();
    const abort = new AbortController();
    const store = new SettlingStore(
      (_store, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    const connecting = watch(stage.connect({ clientId: 'c', store, signal: abort.signal }));
    await stage.clock.settle();
    abort.abort(new Error('no patience'));
    await stage.clock.settle();
    expect(connecting.error).toMatchObject({ code: 'aborted', cause: { message: 'no patience' } });
    expect(stage.broker.connections).toEqual([]);
  });

  it('closes a store that finished loading after the signal aborted', async () => {
    const stage = new ClientStage();
    const abort = new AbortController();
    const store = new SettlingStore(() => abort.abort());
    const connecting = watch(stage.connect({ clientId: 'c', store, signal: abort.signal }));
    await stage.clock.settle();
    expect(connecting.code).toBe('aborted');
    expect(store.closed).toBe(1);
    expect(stage.broker.connections).toEqual([]);
  });
});

describe('a store that never answers', () => {
  const never = () => new Promise<void>(() => {});

  it('keeps nobody waiting in connect whose signal aborts', async () => {
    const stage = new ClientStage();
    const abort = new AbortController();
    const store = new SettlingStore(never);
    const connecting = watch(stage.connect({ clientId: 'c', store, signal: abort.signal }));
    await stage.clock.settle();
    abort.abort();
    await stage.clock.settle();
    expect(connecting.code).toBe('aborted');
  });

  it('keeps nobody waiting in close for longer than 10 s when a commit never ends', async () => {
    const stage = new ClientStage();
    const store = new SettlingStore(() => {});
    const client = await stage.connect({ clientId: 'c', store });
    Object.assign(store, { commit: never });
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    const closed = watch(client.close({ timeoutMs: 100 }));
    await stage.clock.advance(10_000);
    expect(closed.state).toBe('pending');
    await stage.clock.advance(200);
    expect([closed.state, published.state]).toEqual(['resolved', 'rejected']);
    expect(client.status.state).toBe('closed');
  });
});
