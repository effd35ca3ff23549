/**
 * What every session store has to do, as a list of cases for whatever runs tests: each `run` rejects with an
 * AssertionError when the store does not.
 */
import { deepEqual, equal, rejects } from 'node:assert/strict';
import { memoryStore, type SessionIdentity, type SessionStore } from '@mqtt-kit/core';
import type { OutgoingMessage, SessionOperation } from '@mqtt-kit/engine';
import { Prng } from './prng.ts';

/** A kind of store, and where its sessions are. */
export interface SessionStoreSubject {
  /** A store over a place: it has what earlier stores over that place kept. A store in memory is its own place. */
  open(place: string): SessionStore;
  /** Spoils the end of what was kept last, as a process does that is killed while it writes. */
  tear?(place: string): void;
}

export interface SessionStoreCase {
  readonly name: string;
  run(subject: SessionStoreSubject): Promise<void>;
}

const identity: SessionIdentity = { clientId: 'client', serverKey: 'mqtt://localhost:1883' };
const histories = 3;
const stepsOfAHistory = 40;

export const sessionStoreContract: readonly SessionStoreCase[] = [
  {
    name: 'begins empty',
    async run(subject) {
      deepEqual(await contents(subject, 'new'), []);
    },
  },
  {
    name: 'gives after every commit what the memory store gives, and the same when that is stored again',
    async run(subject) {
      for (let seed = 1; seed <= histories; seed++) {
        const place = `history ${seed}`;
        const expected = memoryStore();
        for (const operations of history(seed)) {
          const store = subject.open(place);
          await store.load(identity);
          await store.commit(operations);
          await store.close();
          expected.commit(operations);
          const kept = snapshotOf(expected);
          deepEqual(await contents(subject, place), kept.map(comparable));
          const again = memoryStore();
          again.commit(kept);
          deepEqual(snapshotOf(again).map(comparable), kept.map(comparable));
        }
      }
    },
  },
  {
    name: 'keeps the order of commits that nobody waited for',
    async run(subject) {
      const store = subject.open('concurrent');
      await store.load(identity);
      const expected = memoryStore();
      const commits = history(99).map((operations) => {
        expected.commit(operations);
        return store.commit(operations);
      });
      await Promise.all(commits);
      await store.close();
      deepEqual(await contents(subject, 'concurrent'), snapshotOf(expected).map(comparable));
    },
  },
  {
    name: 'keeps all of a commit or nothing of it',
    async run(subject) {
      if (subject.tear === undefined) return;
      const store = subject.open('torn');
      await store.load(identity);
      await store.commit([out(1), out(2)]);
      await store.commit([out(3), out(4), out(5)]);
      await store.close();
      subject.tear('torn');
      // Nothing was awaited that makes the first one safe from a store that keeps both in one piece.
      const whole = [out(1), out(2)].map(comparable);
      const left = await contents(subject, 'torn');
      deepEqual(left, left.length === 0 ? [] : whole);
      const again = subject.open('torn');
      await again.load(identity);
      await again.commit([out(6)]);
      await again.close();
      deepEqual(await contents(subject, 'torn'), [...left, comparable(out(6))]);
    },
  },
  {
    name: 'takes a commit of nothing',
    async run(subject) {
      const store = subject.open('nothing');
      await store.load(identity);
      await store.commit([]);
      await store.close();
      deepEqual(await contents(subject, 'nothing'), []);
    },
  },
  {
    name: 'forgets everything when it is cleared, and goes on',
    async run(subject) {
      const store = subject.open('cleared');
      await store.load(identity);
      for (const operations of history(7)) await store.commit(operations);
      await store.clear();
      await store.commit([out(1)]);
      await store.close();
      deepEqual(await contents(subject, 'cleared'), [comparable(out(1))]);
    },
  },
  {
    name: 'can be loaded again when it was closed',
    async run(subject) {
      const store = subject.open('again');
      await store.load(identity);
      await store.commit([out(1)]);
      await store.close();
      deepEqual((await store.load(identity)).map(comparable), [comparable(out(1))]);
      await store.commit([out(2)]);
      await store.close();
      deepEqual(await contents(subject, 'again'), [out(1), out(2)].map(comparable));
    },
  },
  {
    name: 'has one owner at a time',
    async run(subject) {
      const first = subject.open('owned');
      await first.load(identity);
      const second = subject.open('owned');
      await rejects(async () => second.load(identity), { code: 'storeLocked' });
      await first.commit([out(1)]);
      await first.close();
      deepEqual((await second.load(identity)).map(comparable), [comparable(out(1))]);
      await second.close();
    },
  },
  {
    name: 'gives payloads and texts back byte by byte',
    async run(subject) {
      const payload = new Uint8Array(70_000).map((_, index) => index * 31);
      const store = subject.open('bytes');
      await store.load(identity);
      await store.commit([
        { ...out(1), message: { ...message(2), topic: 'köln/☂/\u{1f4a7}', payload } },
      ]);
      await store.close();
      const again = subject.open('bytes');
      const [kept] = await again.load(identity);
      await again.close();
      if (kept?.type !== 'out') throw new Error(`expected an out operation, got ${kept?.type}`);
      equal(kept.message.topic, 'köln/☂/\u{1f4a7}');
      equal(Object.getPrototypeOf(kept.message.payload), Uint8Array.prototype);
      deepEqual(kept.message.payload, payload);
    },
  },
];

async function contents(subject: SessionStoreSubject, place: string): Promise<unknown[]> {
  const store = subject.open(place);
  const snapshot = await store.load(identity);
  await store.close();
  return snapshot.map(comparable);
}

function snapshotOf(store: ReturnType<typeof memoryStore>): readonly SessionOperation[] {
  const snapshot = store.load();
  store.close();
  return snapshot;
}

/** The same for all byte arrays of the same bytes. */
function comparable(operation: SessionOperation): unknown {
  return JSON.parse(
    JSON.stringify(operation, (_key, value: unknown) =>
      value instanceof Uint8Array ? Array.from(value) : value,
    ),
  );
}

function message(qos: 1 | 2, text = 'x'): OutgoingMessage {
  return {
    topic: 'topic',
    payload: new TextEncoder().encode(text),
    qos,
    retain: false,
    properties: {},
  };
}

function out(sequence: number, qos: 1 | 2 = 1): SessionOperation & { type: 'out' } {
  const properties =
    sequence % 3 === 0 ? { contentType: 'text', userProperties: [['a', 'b']] } : {};
  return {
    type: 'out',
    sequence,
    message: { ...message(qos, `message ${sequence}`), properties } as OutgoingMessage,
    expiresAtEpochMs: sequence % 4 === 0 ? 1_800_000_000_000 + sequence : undefined,
  };
}

/** Commits as a client could make them: messages in every state, both ways, and lost sessions in between. */
function history(seed: number): readonly (readonly SessionOperation[])[] {
  const prng = new Prng(seed);
  const life = new Life(prng);
  return Array.from({ length: stepsOfAHistory }, () =>
    Array.from({ length: prng.integer(1, 5) }, () => life.step()),
  );
}

interface Sent {
  readonly sequence: number;
  readonly qos: 1 | 2;
  packetIdentifier: number | undefined;
  received: boolean;
}

interface Received {
  readonly delivery: number;
  readonly packetIdentifier: number;
  open: boolean;
  done: boolean;
}

class Life {
  readonly #prng: Prng;
  #sequence = 0;
  #delivery = 0;
  #epoch = 1;
  #identifier = 0;
  #sent: Sent[] = [];
  #received: Received[] = [];

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  step(): SessionOperation {
    const draw = this.#prng.integer(0, 99);
    if (draw < 22) return this.#publish();
    if (draw < 50) return this.#advance() ?? this.#publish();
    if (draw < 66) return this.#receive();
    if (draw < 90) return this.#finish() ?? this.#receive();
    if (draw < 97) return this.#subscribe();
    return this.#begin(draw === 99);
  }

  #publish(): SessionOperation {
    const qos = this.#prng.chance(0.5) ? 1 : 2;
    const sequence = ++this.#sequence;
    this.#sent.push({ sequence, qos, packetIdentifier: undefined, received: false });
    return out(sequence, qos);
  }

  /** One step nearer to its end for a message of ours. */
  #advance(): SessionOperation | undefined {
    if (this.#sent.length === 0) return undefined;
    const sent = this.#prng.pick(this.#sent);
    const { sequence, packetIdentifier } = sent;
    if (packetIdentifier === undefined) {
      if (this.#prng.chance(0.2)) return this.#end(sent, undefined, 'withdrawn');
      sent.packetIdentifier = ++this.#identifier;
      return { type: 'outIdentifier', sequence, packetIdentifier: sent.packetIdentifier };
    }
    if (sent.qos === 2 && !sent.received) {
      sent.received = true;
      return { type: 'outReceived', packetIdentifier };
    }
    return this.#prng.chance(0.1)
      ? this.#end(sent, undefined, 'serverLimit')
      : this.#end(sent, 0, undefined);
  }

  #end(
    sent: Sent,
    reasonCode: number | undefined,
    cause: 'withdrawn' | 'serverLimit' | undefined,
  ): SessionOperation {
    this.#sent = this.#sent.filter((other) => other !== sent);
    const { sequence, packetIdentifier } = sent;
    return { type: 'outDone', sequence, packetIdentifier, reasonCode, cause };
  }

  #receive(): SessionOperation {
    const qos = this.#prng.chance(0.3) ? 1 : 2;
    const delivery = ++this.#delivery;
    const packetIdentifier = 1_000 + (delivery % 50_000);
    this.#received.push({ delivery, packetIdentifier, open: qos === 2, done: false });
    return { type: 'in', packetIdentifier, delivery, message: message(qos, `in ${delivery}`) };
  }

  /** The handler has done with a received message, or the server has released it: in either order. */
  #finish(): SessionOperation | undefined {
    if (this.#received.length === 0) return undefined;
    const received = this.#prng.pick(this.#received);
    const handled = !received.done && (!received.open || this.#prng.chance(0.5));
    if (handled) received.done = true;
    else received.open = false;
    this.#received = this.#received.filter((other) => other.open || !other.done);
    return handled
      ? { type: 'inDone', delivery: received.delivery }
      : { type: 'inReleased', packetIdentifier: received.packetIdentifier };
  }

  #subscribe(): SessionOperation {
    const topicFilter = `filter/${this.#prng.integer(1, 3)}/#`;
    if (this.#prng.chance(0.3)) return { type: 'unsubscription', topicFilter };
    const options = {
      topicFilter,
      qos: 1,
      noLocal: this.#prng.chance(0.5),
      retainAsPublished: this.#prng.chance(0.5),
      retainHandling: 2,
    } as const;
    return { type: 'subscription', topicFilter, options };
  }

  #begin(lost: boolean): SessionOperation {
    if (!lost) {
      const { clientId, serverKey } = identity;
      const storeEpoch = this.#epoch;
      const standing = 'established';
      return { type: 'session', clientId, serverKey, storeEpoch, version: '5.0', standing };
    }
    this.#epoch += 1;
    for (const sent of this.#sent) {
      sent.packetIdentifier = undefined;
      sent.received = false;
    }
    for (const received of this.#received) received.open = false;
    this.#received = this.#received.filter(({ done }) => !done);
    return { type: 'reset', storeEpoch: this.#epoch, cause: 'sessionLost' };
  }
}
