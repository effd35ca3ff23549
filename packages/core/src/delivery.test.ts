import { describe, expect, it } from 'vitest';
import { ClientStage } from './client-stage.test-support.ts';
import { type MemoryStore, memoryStore } from './memory-session-store.ts';
import type { Message } from './message.ts';
import type { ConnectOptions, SubscribeOptions } from './options.ts';

const kept = { clientId: 'me', cleanStart: false } as const;

/** A memory store that passes for a durable one: what a restarted process finds. */
function durableStore(): MemoryStore {
  return Object.assign(memoryStore(), { durable: true });
}

function qos(level: 1 | 2, packetIdentifier: number, dup = false) {
  return [
    't',
    String(packetIdentifier),
    { qos: level, packetIdentifier, dup },
  ] as unknown as Parameters<ClientStage['receive']>[0] & readonly unknown[];
}
const qos1 = (packetIdentifier: number, dup = false) => qos(1, packetIdentifier, dup);
const qos2 = (packetIdentifier: number, dup = false) => qos(2, packetIdentifier, dup);

/** A stage whose server has the session on every connection but the first. */
async function setUp(
  options: ConnectOptions = {},
  sessionPresent = (number: number) => number > 1,
) {
  const stage = new ClientStage({ sessionPresent });
  const client = await stage.connect({ ...kept, ...options });
  return { stage, client };
}

/** PUBACK and PUBREC, as they left: `puback 1`, `pubrec 2 0x83`. */
function answers(stage: ClientStage, connection = stage.server): string[] {
  const shown: string[] = [];
  for (const packet of connection.received) {
    if (packet.type !== 4 && packet.type !== 5) continue;
    const { packetIdentifier, reasonCode } = packet;
    const code = reasonCode === 0 ? '' : ` 0x${reasonCode.toString(16)}`;
    shown.push(`${packet.type === 4 ? 'puback' : 'pubrec'} ${packetIdentifier}${code}`);
  }
  return shown;
}

const failing = (): never => {
  throw new Error('oops');
};

describe.each(['5.0', '3.1.1'] as const)('acknowledging by hand, %s', (version) => {
  const manual: SubscribeOptions = { qos: 2, acknowledge: 'manual' };

  async function collected(options: ConnectOptions = {}) {
    const { stage, client } = await setUp({ version, ...options });
    const got: Message[] = [];
    await client.subscribe('t', manual, (message) => {
      got.push(message);
    });
    return { stage, client, got };
  }

  it('hands over all messages, and answers in the order of arrival', async () => {
    const { stage, got } = await collected();
    await stage.receive(qos1(1), qos1(2), qos2(3), qos2(4));
    expect(got).toHaveLength(4);
    expect(answers(stage)).toEqual([]);
    for (const index of [3, 1]) got[index]?.acknowledge();
    await stage.clock.settle();
    expect(answers(stage)).toEqual([]);
    got[0]?.acknowledge();
    got[2]?.acknowledge();
    await stage.clock.settle();
    expect(answers(stage).sort()).toEqual(['puback 1', 'puback 2', 'pubrec 3', 'pubrec 4']);
  });

  it('happens once: a second call is an error and changes nothing, at QoS 0, too', async () => {
    const { stage, got } = await collected();
    await stage.receive(qos1(1), ['t', 'x']);
    for (const message of got) {
      message.acknowledge();
      expect(() => message.acknowledge()).toThrow('must be called once');
    }
    await stage.clock.settle();
    expect(answers(stage)).toEqual(['puback 1']);
  });

  it('is an error where the subscription does it', async () => {
    const { stage, client } = await setUp({ version });
    const thrown: unknown[] = [];
    await client.subscribe('t', { qos: 1 }, (message) => {
      try {
        message.acknowledge();
      } catch (error) {
        thrown.push(error);
      }
    });
    await stage.receive(qos1(1));
    expect(thrown).toMatchObject([{ code: 'invalidArgument' }]);
    expect(answers(stage)).toEqual(['puback 1']);
  });

  it('takes only reason codes that PUBACK has, and a refused one may be given again', async () => {
    const { stage, got } = await collected();
    await stage.receive(qos1(1));
    for (const code of [0x10, 0x82, 1, -1, '0', null] as number[]) {
      expect(() => got[0]?.acknowledge(code)).toThrow('reasonCode must be 0x00, 0x80');
    }
    if (version === '5.0') {
      got[0]?.acknowledge(0x97);
    } else {
      expect(() => got[0]?.acknowledge(0x97)).toThrow('needs MQTT 5.0');
      got[0]?.acknowledge();
    }
    await stage.clock.settle();
    expect(answers(stage)).toEqual([version === '5.0' ? 'puback 1 0x97' : 'puback 1']);
  });

  it('after the connection is gone counts at QoS 2, and is overtaken by the repetition at QoS 1', async () => {
    const { stage, got } = await collected();
    await stage.receive(qos1(1), qos2(2));
    await stage.reconnect();
    for (const message of got) message.acknowledge();
    await stage.receive(qos1(1, true), qos2(2, true));
    expect(got.map((message) => message.text())).toEqual(['1', '2', '1']);
    expect(answers(stage)).toEqual(['pubrec 2']);
    expect(got[2]?.deliveryId).not.toBe(got[0]?.deliveryId);
    got[2]?.acknowledge();
    await stage.clock.settle();
    expect(answers(stage)).toEqual(['pubrec 2', 'puback 1']);
  });

  it('after the client was closed has no effect', async () => {
    const store = memoryStore();
    const { stage, client, got } = await collected({ store });
    await stage.receive(qos1(1), qos2(2));
    await client.close({ timeoutMs: 0 });
    for (const message of got) message.acknowledge();
    expect(answers(stage)).toEqual([]);
    expect(store.load().map(({ type }) => type)).not.toContain('inDone');
    store.close();
  });

  it('may come while the same message comes again', async () => {
    const { stage, got } = await collected();
    await stage.receive(qos2(2), qos2(2, true));
    if (version === '3.1.1') await stage.receive(qos1(1), qos1(1, true));
    expect(got.map((message) => message.text())).toEqual(version === '5.0' ? ['2'] : ['2', '1']);
    for (const message of got) message.acknowledge();
    await stage.clock.settle();
    expect(answers(stage).sort()).toEqual(
      version === '5.0' ? ['pubrec 2'] : ['puback 1', 'pubrec 2'],
    );
  });

  it('works in a loop: asking for the next message says nothing of the one before', async () => {
    const { stage, client } = await setUp({ version });
    const subscription = await client.subscribe('t', manual);
    await stage.receive(qos1(1), qos1(2));
    const got: Message[] = [];
    for await (const message of subscription) {
      got.push(message);
      if (got.length === 2) break;
    }
    await stage.clock.settle();
    expect(answers(stage)).toEqual([]);
    for (const message of got) message.acknowledge();
    await stage.clock.settle();
    expect(answers(stage)).toEqual(['puback 1', 'puback 2']);
  });

  it('is left to the application when its handler throws', async () => {
    const { stage, client } = await setUp({ version });
    await client.subscribe('t', manual, failing);
    await stage.receive(qos1(1));
    expect(stage.errors).toMatchObject([{ code: 'handlerFailed' }]);
    expect(answers(stage)).toEqual([]);
  });

  it('waits for all: one that acknowledges by itself does not speak for another', async () => {
    const { stage, client, got } = await collected();
    await client.subscribe('t', { qos: 2 }, () => {});
    await stage.receive(qos1(1));
    expect(answers(stage)).toEqual([]);
    got[0]?.acknowledge();
    await stage.clock.settle();
    expect(answers(stage)).toEqual(['puback 1']);
  });
});

describe('messages that wait for an acknowledgement by hand', () => {
  it('are answered by the client when they never reached a handler', async () => {
    const { stage, client } = await setUp();
    const unmatched: Message[] = [];
    client.on('unmatched', (message) => {
      unmatched.push(message);
      message.acknowledge();
    });
    let release = () => {};
    const options = { qos: 1, acknowledge: 'manual' } as const;
    const subscription = await client.subscribe(
      't',
      options,
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    await stage.receive(qos1(1), qos1(2));
    void subscription.unsubscribe();
    release();
    await stage.clock.settle();
    expect(unmatched.map((message) => message.text())).toEqual(['2']);
    expect(answers(stage)).toEqual([]); // The first one is the application's still, and the order is kept.
  });

  it('leave a durable store when they are acknowledged, while the server has its answer before', async () => {
    const store = durableStore();
    const { stage, client } = await setUp({ store });
    const got: Message[] = [];
    await client.subscribe('t', { qos: 2, acknowledge: 'manual' }, (message) => {
      got.push(message);
    });
    await stage.receive(qos1(1), qos2(2));
    expect(answers(stage)).toEqual(['puback 1', 'pubrec 2']);
    expect(() => got[0]?.acknowledge(0x87)).toThrow('refusing a message needs a memory store');
    got[0]?.acknowledge();
    await client.close({ timeoutMs: 0 });
    const again = new ClientStage({ sessionPresent: () => true });
    const second = await again.connect({ ...kept, store, waitForConnection: false });
    const later: Message[] = [];
    void second.subscribe('t', { qos: 2 }, (message) => {
      later.push(message);
    });
    await again.clock.settle();
    expect(later.map((message) => [message.text(), message.redelivered])).toEqual([['2', true]]);
    expect(later[0]?.deliveryId).toBe(got[1]?.deliveryId);
  });
});

describe.each(['5.0', '3.1.1'] as const)('a handler that fails, %s', (version) => {
  it('leaves its message for redelivery: it keeps its place, and comes with the next connection', async () => {
    const { stage, client } = await setUp({ version });
    const got: [string, boolean, number | undefined][] = [];
    await client.subscribe('t', { qos: 2, handlerFailure: 'redeliver' }, async (message) => {
      got.push([message.text(), message.redelivered, message.deliveryId]);
      if (got.length <= 2) failing();
    });
    await stage.receive(qos1(1), qos2(2), qos1(3));
    expect(got.map(([text]) => text)).toEqual(['1', '2', '3']);
    expect(answers(stage)).toEqual([]);
    await stage.reconnect();
    await stage.receive(qos1(1, true), qos2(2, true), qos1(3, true));
    // At QoS 2 it is known again; at QoS 1 it is another message.
    expect(got.slice(3).map(([text, redelivered]) => [text, redelivered])).toEqual([
      ['2', true],
      ['1', false],
      ['3', false],
    ]);
    expect(got[3]?.[2]).toBe(got[1]?.[2]);
    expect(answers(stage).sort()).toEqual(['puback 1', 'puback 3', 'pubrec 2']);
  });

  it('gets what it left from here when the server has forgotten the session', async () => {
    const { stage, client } = await setUp({ version }, () => false);
    const got: string[] = [];
    await client.subscribe('t', { qos: 2, handlerFailure: 'redeliver' }, (message) => {
      got.push(`${message.text()} ${message.redelivered}`);
      if (got.length <= 2) failing();
    });
    await stage.receive(qos1(1), qos2(2));
    await stage.reconnect();
    expect(got).toEqual(['1 false', '2 false', '1 true', '2 true']);
    expect(answers(stage)).toEqual([]);
    await stage.reconnect();
    expect(got).toHaveLength(4);
  });

  it('does not repeat what the server has sent again meanwhile', async () => {
    const { stage, client } = await setUp({ version }, (number) => number === 2);
    const fails: (() => void)[] = [];
    const got: string[] = [];
    const options = { qos: 1, concurrency: 9, handlerFailure: 'redeliver' } as const;
    await client.subscribe('t', options, (message) => {
      got.push(message.text());
      return new Promise<void>((_resolve, reject) => fails.push(() => reject(new Error('late'))));
    });
    await stage.receive(qos1(1));
    await stage.reconnect();
    await stage.receive(qos1(1, true));
    fails[0]?.();
    await stage.clock.settle();
    await stage.reconnect();
    expect(got).toEqual(['1', '1']);
  });

  it('acknowledges unless it is told otherwise', async () => {
    const { stage, client } = await setUp({ version });
    await client.subscribe('t', { qos: 2 }, failing);
    await stage.receive(qos1(1), qos2(2));
    expect(answers(stage)).toEqual(['puback 1', 'pubrec 2']);
    expect(stage.errors).toHaveLength(2);
  });

  it('is outvoted: the most careful of several handlers wins', async () => {
    const { stage, client } = await setUp({ version });
    const got: string[] = [];
    await client.subscribe('t', { qos: 2 }, (message) => got.push(`good ${message.redelivered}`));
    await client.subscribe('t', { qos: 2 }, failing);
    let fails = true;
    await client.subscribe('t', { qos: 2, handlerFailure: 'redeliver' }, () => {
      if (fails) failing();
    });
    await stage.receive(qos2(2));
    expect(answers(stage)).toEqual([]);
    fails = false;
    await stage.reconnect();
    await stage.receive(qos2(2, true));
    expect(got).toEqual(['good false', 'good true']);
    expect(answers(stage)).toEqual(['pubrec 2']);
  });
});

describe('a handler that fails and rejects', () => {
  it('[MQTT-3.4.2-1] [MQTT-3.5.2-1] tells the server its reason code, and the exchange is over', async () => {
    const { stage, client } = await setUp();
    await client.subscribe('t', { qos: 2, handlerFailure: 'reject' }, async () => failing());
    await stage.receive(qos1(1), qos2(2));
    expect(answers(stage)).toEqual(['puback 1 0x83', 'pubrec 2 0x83']);
    await stage.receive(qos2(2));
    expect(stage.errors).toHaveLength(3);
  });

  it('gives the code of the first who rejects, whoever else is content', async () => {
    const { stage, client } = await setUp();
    const reject = { qos: 1, handlerFailure: 'reject' } as const;
    await client.subscribe('t', { qos: 1 }, () => {});
    await client.subscribe('t', { ...reject, rejectReasonCode: 0x97 }, failing);
    await client.subscribe('t', { ...reject, rejectReasonCode: 0x87 }, failing);
    await client.subscribe('t', { qos: 1 }, failing);
    await stage.receive(qos1(1));
    expect(answers(stage)).toEqual(['puback 1 0x97']);
  });

  it('needs 5.0: an error before anything is sent', async () => {
    const { client } = await setUp({ version: '3.1.1' });
    await expect(
      client.subscribe('t', { qos: 1, handlerFailure: 'reject' }, () => {}),
    ).rejects.toThrow("handlerFailure: 'reject' needs MQTT 5.0");
  });

  it('needs a memory store: a durable one has answered before', async () => {
    const { client } = await setUp({ store: durableStore() });
    await expect(
      client.subscribe('t', { qos: 1, handlerFailure: 'reject' }, () => {}),
    ).rejects.toThrow("handlerFailure: 'reject' needs a memory store");
  });
});

describe.each(['5.0', '3.1.1'] as const)('delivery at most once, %s', (version) => {
  const once: SubscribeOptions = { qos: 2, delivery: 'at-most-once' };

  it('answers before it hands over, each message in its turn', async () => {
    const { stage, client } = await setUp({ version });
    const seen: string[] = [];
    await client.subscribe('t', once, (message) => {
      seen.push(`${message.text()}: ${answers(stage).length}`);
    });
    // The answers reach the server some time after they left.
    await stage.receive(qos1(1), qos2(2), qos1(3));
    expect(seen.map((text) => text[0])).toEqual(['1', '2', '3']);
    expect(answers(stage)).toEqual(['puback 1', 'pubrec 2', 'puback 3']);
  });

  it('answers what waits for its handler, which still takes one at a time', async () => {
    const { stage, client } = await setUp({ version });
    const ends: (() => void)[] = [];
    await client.subscribe('t', once, () => new Promise<void>((resolve) => ends.push(resolve)));
    await stage.receive(qos1(1), qos1(2));
    expect([answers(stage), ends.length]).toEqual([['puback 1', 'puback 2'], 1]);
    ends[0]?.();
    await stage.clock.settle();
    expect(ends).toHaveLength(2);
  });

  it('takes nothing out of a durable store before its turn', async () => {
    const store = durableStore();
    const done = () => {
      store.close();
      return store.load().filter(({ type }) => type === 'in').length;
    };
    const { stage, client } = await setUp({ version, store });
    const ends: (() => void)[] = [];
    await client.subscribe('t', once, () => new Promise<void>((resolve) => ends.push(resolve)));
    await stage.receive(qos1(1), qos1(2), qos1(3));
    expect([done(), ends.length]).toEqual([2, 1]);
    ends[0]?.();
    await stage.clock.settle();
    expect([done(), ends.length]).toEqual([1, 2]);
  });

  it('holds no turn while it waits: what a server with a window of one sends first is answered first', async () => {
    const { stage, client } = await setUp({ version });
    const got: string[] = [];
    const others: Message[] = [];
    await client.subscribe('u', { qos: 2, acknowledge: 'manual' }, (message) => {
      others.push(message);
    });
    await client.subscribe('t', once, async (message) => {
      got.push(message.text());
    });
    await stage.receive(['u', '', { qos: 2, packetIdentifier: 9 }], qos2(1));
    await stage.reconnect();
    await stage.receive(qos1(2));
    expect([got, answers(stage)]).toEqual([['2'], ['puback 2']]);
    others[0]?.acknowledge();
    await stage.receive(['u', '', { qos: 2, packetIdentifier: 9, dup: true }]);
    await stage.receive(qos2(1, true));
    expect([got, answers(stage)]).toEqual([
      ['2', '1'],
      ['puback 2', 'pubrec 9', 'pubrec 1'],
    ]);
  });

  it('comes behind the other handlers of the message, and not at all while one wants it again', async () => {
    const { stage, client } = await setUp({ version });
    const calls: string[] = [];
    let fails = true;
    await client.subscribe('t', once, (message) => calls.push(`once ${message.redelivered}`));
    await client.subscribe('t', { qos: 2, handlerFailure: 'redeliver' }, () => {
      calls.push('other');
      if (fails) failing();
    });
    await stage.receive(qos2(1));
    expect(calls).toEqual(['other']);
    fails = false;
    await stage.receive(qos2(2));
    // PUBREC packets keep their order, so the first message holds the second one back.
    expect(calls).toEqual(['other', 'other']);
    await stage.reconnect();
    await stage.receive(qos2(1, true), qos2(2, true));
    expect(calls.slice(2)).toEqual(['other', 'once true', 'other', 'once true']);
  });

  it('leaves to the server what was not answered when the connection ended', async () => {
    const { stage, client } = await setUp({ version });
    const got: string[] = [];
    const other = await client.subscribe('u', { qos: 1, acknowledge: 'manual' });
    await client.subscribe('t', once, (message) => got.push(message.text()));
    await stage.receive(['u', '', { qos: 1, packetIdentifier: 9 }], qos1(1));
    expect(got).toEqual([]);
    await stage.reconnect();
    expect(got).toEqual([]);
    await stage.receive(qos1(1, true));
    expect(got).toEqual(['1']);
    void other.unsubscribe();
  });

  it('does not wait for the repetition of one message while the server waits for the answer to another', async () => {
    const { stage, client } = await setUp({ version });
    const got: string[] = [];
    await client.subscribe('u', { qos: 2, acknowledge: 'manual' }, () => {});
    await client.subscribe('t', once, (message) => got.push(message.text()));
    await stage.receive(['u', '', { qos: 2, packetIdentifier: 9 }], qos2(1));
    expect(got).toEqual([]);
    await stage.reconnect();
    await stage.receive(qos1(5));
    expect(got).toEqual(['5']);
  });

  it('hands over what the server has forgotten before its answer', async () => {
    const { stage, client } = await setUp({ version }, () => false);
    const got: string[] = [];
    await client.subscribe('u', { qos: 2, acknowledge: 'manual' }, () => {});
    await client.subscribe('t', once, (message) => got.push(message.text()));
    await stage.receive(
      ['u', '', { qos: 1, packetIdentifier: 8 }],
      ['u', '', { qos: 2, packetIdentifier: 9 }],
      qos1(1),
    );
    await stage.reconnect();
    expect(got).toEqual(['1']);
    await stage.receive(['u', '', { qos: 2, packetIdentifier: 9 }], qos2(2));
    await stage.reconnect();
    expect(got).toEqual(['1', '2']);
  });

  it('is kept by a loop: the answer leaves before the loop sees the message', async () => {
    const { stage, client } = await setUp({ version });
    const subscription = await client.subscribe('t', once);
    await stage.receive(qos1(1), qos2(2), ['t', 'zero']);
    const got: string[] = [];
    const loop = (async () => {
      for await (const message of subscription) got.push(message.text());
    })();
    await stage.clock.settle();
    expect(got.sort()).toEqual(['1', '2', 'zero']);
    expect(answers(stage)).toEqual(['puback 1', 'pubrec 2']);
    void subscription.unsubscribe();
    await stage.clock.settle();
    await loop;
  });

  it('ends its loop and its handler when the client is closed', async () => {
    const { stage, client } = await setUp({ version });
    const subscription = await client.subscribe('t', once);
    await client.subscribe('u', { qos: 1, acknowledge: 'manual' }, () => {});
    await stage.receive(['u', '', { qos: 1, packetIdentifier: 9 }], qos1(1), qos1(2));
    const got: string[] = [];
    const loop = (async () => {
      for await (const message of subscription) got.push(message.text());
    })();
    await stage.clock.settle();
    await client.close({ timeoutMs: 0 });
    await loop;
    expect(got).toEqual([]);
  });

  it('commits to a durable store before it hands over', async () => {
    const store = durableStore();
    const { stage, client } = await setUp({ version, store });
    const got: unknown[] = [];
    await client.subscribe('t', once, (message) => {
      store.close();
      const done = store
        .load()
        .some(
          (operation) => operation.type === 'inDone' && operation.delivery === message.deliveryId,
        );
      got.push([message.text(), done]);
    });
    await stage.receive(qos1(1), qos2(2));
    expect(got).toEqual([
      ['1', true],
      ['2', true],
    ]);
  });
});

describe('transactional delivery', () => {
  /** A client that left messages in a durable store, and the store. */
  async function leftovers(): Promise<{ store: MemoryStore; ids: number[] }> {
    const store = durableStore();
    const { stage, client } = await setUp({ store });
    const ids: number[] = [];
    const options = { qos: 2, acknowledge: 'manual' } as const;
    await client.subscribe('t', options, (message) => ids.push(message.deliveryId as number));
    await stage.receive(qos1(1), qos2(2), qos2(3));
    await client.close({ timeoutMs: 0 });
    return { store, ids };
  }

  async function restarted(store: MemoryStore) {
    const stage = new ClientStage({ sessionPresent: () => true });
    const client = await stage.connect({ ...kept, store });
    return { stage, client };
  }

  function stillStored(store: MemoryStore): number {
    store.close();
    const operations = store.load();
    const done = new Set(operations.flatMap((one) => (one.type === 'inDone' ? one.delivery : [])));
    return operations.filter((one) => one.type === 'in' && !done.has(one.delivery)).length;
  }

  it.each(['at once', 'later'])(
    'asks what comes again, and finishes what was seen, %s',
    async (when) => {
      const { store, ids } = await leftovers();
      const { stage, client } = await restarted(store);
      const asked: number[] = [];
      const got: string[] = [];
      const seen = (id: number): boolean | Promise<boolean> => {
        asked.push(id);
        const answer = id === ids[1];
        return when === 'at once' ? answer : Promise.resolve(answer);
      };
      void client.subscribe('t', { qos: 2, delivery: 'transactional', seen }, (message) => {
        got.push(message.text());
      });
      await stage.clock.settle();
      await stage.receive(qos1(7));
      expect(asked).toEqual(ids);
      expect(got).toEqual(['1', '3', '7']);
      await client.close({ timeoutMs: 0 });
      expect(stillStored(store)).toBe(0);
    },
  );

  it.each([
    ['throws', failing],
    ['rejects', async () => failing()],
    ['answers neither true nor false', () => 'yes' as unknown as boolean],
  ])('leaves the message for the next start when seen %s', async (_what, seen) => {
    const { store } = await leftovers();
    const { stage, client } = await restarted(store);
    const got: string[] = [];
    void client.subscribe('t', { qos: 2, delivery: 'transactional', seen }, (message) => {
      got.push(message.text());
    });
    await stage.clock.settle();
    expect(got).toEqual([]);
    expect(stage.errors).toHaveLength(3);
    expect(stage.errors[0]).toMatchObject({ code: 'handlerFailed' });
    await client.close({ timeoutMs: 0 });
    expect(stillStored(store)).toBe(3);
  });

  it('asks for a loop, too', async () => {
    const { store, ids } = await leftovers();
    const { stage, client } = await restarted(store);
    const seen = async (id: number) => id !== ids[2];
    const subscription = await client.subscribe('t', { qos: 2, delivery: 'transactional', seen });
    const got: string[] = [];
    const loop = (async () => {
      for await (const message of subscription) got.push(message.text());
    })();
    await stage.clock.settle();
    expect(got).toEqual(['3']);
    void subscription.unsubscribe();
    await stage.clock.settle();
    await loop;
  });

  it('gives back what waits for an answer when the subscription ends', async () => {
    const { store } = await leftovers();
    const { stage, client } = await restarted(store);
    const unmatched: string[] = [];
    client.on('unmatched', (message) => unmatched.push(message.text()));
    const answers: ((seen: boolean) => void)[] = [];
    const seen = (): Promise<boolean> => new Promise<boolean>((resolve) => answers.push(resolve));
    const got: string[] = [];
    const subscription = await client.subscribe(
      't',
      { qos: 2, delivery: 'transactional', seen },
      (message) => got.push(message.text()),
    );
    await stage.clock.settle();
    void subscription.unsubscribe();
    answers[0]?.(false);
    await stage.clock.settle();
    expect([got, unmatched]).toEqual([[], ['1', '2', '3']]);
    await client.close({ timeoutMs: 0 });
    expect(stillStored(store)).toBe(0);
  });
});

describe('deliveryId', () => {
  it('grows, is the same for all handlers of a message, and undefined at QoS 0', async () => {
    const { stage, client } = await setUp();
    const ids: (number | undefined)[] = [];
    for (const filter of ['t', '#']) {
      await client.subscribe(filter, { qos: 1 }, (message) => ids.push(message.deliveryId));
    }
    stage.server.send();
    await stage.receive(['t', '', {}], qos1(1), qos1(2));
    const [zero, , first, same, second] = ids as number[];
    expect(zero).toBeUndefined();
    expect(first).toBe(same);
    expect(second).toBeGreaterThan(first as number);
  });

  it('is not given again by another store, nor by another client with the same memory store', async () => {
    const store = memoryStore();
    const ids = new Set<number>();
    const environments = [store, store, memoryStore()];
    let clockMs = 0;
    for (const one of environments) {
      const stage = new ClientStage({ sessionPresent: () => one === store && ids.size > 0 });
      clockMs += 1_000;
      await stage.clock.advance(clockMs);
      const client = await stage.connect({ ...kept, store: one });
      await client.subscribe('t', { qos: 1 }, (message) => ids.add(message.deliveryId as number));
      await stage.receive(qos1(1), qos1(2));
      await client.close({ timeoutMs: 0 });
    }
    expect(ids.size).toBe(6);
  });
});

describe('options of delivery', () => {
  it.each([
    [{ delivery: 'exactly-once' }, 'delivery must be "at-least-once"'],
    [{ delivery: 'transactional' }, 'need each other'],
    [{ seen: (): boolean => true }, 'need each other'],
    [{ delivery: 'at-most-once', seen: (): boolean => true }, 'need each other'],
    [{ delivery: 'transactional', seen: true }, 'seen must be a function'],
    [{ acknowledge: 'never' }, 'acknowledge must be "automatic" or "manual"'],
    [{ acknowledge: true }, 'acknowledge must be'],
    [{ acknowledge: 'manual', delivery: 'at-most-once' }, "acknowledge must be 'automatic'"],
    [{ acknowledge: 'manual', handlerFailure: 'redeliver' }, 'automatic acknowledgement'],
    [{ handlerFailure: 'ignore' }, 'handlerFailure must be "acknowledge", "reject" or'],
    [{ handlerFailure: 'redeliver', delivery: 'at-most-once' }, "must be 'acknowledge'"],
    [{ handlerFailure: 'reject', delivery: 'at-most-once' }, "must be 'acknowledge'"],
    [{ rejectReasonCode: 0x83 }, "needs handlerFailure: 'reject'"],
    [{ handlerFailure: 'reject', rejectReasonCode: 0 }, 'rejectReasonCode must be 0x80, 0x83'],
    [{ handlerFailure: 'reject', rejectReasonCode: 0x82 }, 'rejectReasonCode must be 0x80, 0x83'],
  ])('are checked: %o', async (options, problem) => {
    const { client } = await setUp();
    const subscribed = client.subscribe('t', options as SubscribeOptions, () => {});
    await expect(subscribed).rejects.toMatchObject({ code: 'invalidArgument' });
    await expect(subscribed).rejects.toThrow(problem);
  });

  it('need a handler that could fail', async () => {
    const { client } = await setUp();
    await expect(client.subscribe('t', { handlerFailure: 'redeliver' })).rejects.toThrow(
      'handlerFailure needs a handler',
    );
  });
});
