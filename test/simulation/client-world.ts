/**
 * The world of one run at the client level: the whole client over virtual clock, link and store, one life of the
 * process after the other. The application in it publishes and subscribes, and its handlers are slow or throw.
 */
import {
  type Clock,
  type ConnectOptions,
  connectWith,
  type Environment,
  type Message,
  type MqttClient,
  type MqttError,
  type SessionStore,
  type Status,
  type Subscription,
} from '@mqtt-kit/core';
import type { SessionOperation } from '@mqtt-kit/engine';
import {
  type ClientPacket,
  type ConnectFromClient,
  ModelBroker,
  type ModelConnectionPlan,
  numberOf,
  type Prng,
  VirtualClock,
} from '@mqtt-kit/testkit';
import { BackOffWitness } from './back-off-witness.ts';
import { ClientLink } from './client-link.ts';
import type { ClientRunOptions } from './client-options.ts';
import { type ClientStore, DiskStore, ListStore } from './client-store.ts';
import { Counts } from './counts.ts';
import { JournalWitness } from './journal-witness.ts';
import { type InboundMessage, Ledger } from './ledger.ts';
import { makePayload, payloadNumber } from './payloads.ts';
import { numberOfMessage, ReceivingApplication } from './receiving-application.ts';
import type { Trace } from './trace.ts';
import { hold, Violation } from './violation.ts';
import { WireWitness } from './wire-witness.ts';

/** One life of the process. A dead one is cut off from everything. */
export interface Life {
  dead: boolean;
  readonly number: number;
  readonly timers: Set<() => void>;
  readonly ended: AbortController;
}

function newLife(number: number): Life {
  return { dead: false, number, timers: new Set(), ended: new AbortController() };
}

/** A virtual clock that tells the last number it drew. */
class WatchedClock extends VirtualClock {
  lastRandom = 0;

  override random(): number {
    this.lastRandom = super.random();
    return this.lastRandom;
  }
}

export class ClientWorld {
  readonly options: ClientRunOptions;
  readonly trace: Trace;
  readonly counts: Counts = new Counts();
  readonly ledger: Ledger = new Ledger();
  readonly clock: WatchedClock;
  readonly broker: ModelBroker;
  readonly network: ClientLink;
  readonly witness: WireWitness;
  journal: JournalWitness;
  store: ClientStore;
  client: MqttClient | undefined;
  prng: Prng;
  faults = true;
  failNextCommit = false;
  /** The first thing that went wrong where nobody could throw it. */
  failure: Error | undefined;
  readonly application: ReceivingApplication = new ReceivingApplication(this);
  /** Promises of the application without their end. */
  unsettled = 0;
  closing = false;
  lenientUntilMs = 0;
  /** Filters that the application has, in this life. */
  readonly filters: Set<string> = new Set();
  /** Those, and the ones that are asked for or being given up. */
  readonly #asked: Set<string> = new Set();
  /** Those of this life that are granted, and whether all were. */
  #subscriptions: Subscription[] = [];
  #grantedAll = true;
  /** Filters besides the first that were wanted in any life. */
  readonly #known: Set<string> = new Set();
  /** The server's session is as old as this life, so that its subscriptions are those of this life. */
  sessionIsOurs = true;
  #life: Life = newLife(1);
  #backOff: BackOffWitness;
  #state = 'none';
  #attemptsWhenClosed: number | undefined;
  /** The client has given up what waited: whatever it handed out now would overtake that. */
  #gaveUp = false;
  /** The server sent the client elsewhere: told it, or told it and waiting for the attempt. */
  #redirect: 'told' | 'followed' | undefined;
  #readingPaused = false;
  /** Messages at which the server closes each time. */
  readonly #poison: Set<number> = new Set();
  #resumedMs = 0;
  /** The disk has refused something, and whoever asked may say so. */
  #refused = false;

  constructor(options: ClientRunOptions, prng: Prng, trace: Trace) {
    this.options = options;
    this.prng = prng;
    this.trace = trace;
    this.clock = new WatchedClock({ seed: prng.integer(1, 1_000_000) });
    this.broker = new ModelBroker({
      plan: (connect) => this.#plan(connect),
      onBreach: (what) =>
        this.fail(new Violation(18, `the broker refuses what the client sent: ${what}`)),
      onOwned: (packet, topic, session) =>
        this.guard(() => {
          this.trace.add('owned', payloadNumber(packet.payload));
          const onceForAll = options.lostSession === 'reject';
          const number = payloadNumber(packet.payload);
          this.ledger.own(number, topic, packet.qos, session.epoch, onceForAll);
        }),
      onTaken: (payload) => this.guard(() => this.#taken(payloadNumber(payload))),
      reasonFor: (kind, version, packet) => this.#reasonFor(kind, version, packet),
      closesAt: (packet) => this.#poison.has(payloadNumber(packet.payload)),
      count: (what) => this.counts.add(what),
    });
    this.journal = new JournalWitness();
    this.store = this.#newStore();
    this.witness = new WireWitness(this.#surroundings());
    this.#backOff = this.#newBackOff();
    this.network = new ClientLink(
      this.broker,
      {
        clock: this.clock,
        seed: prng.integer(1, 1_000_000),
        chunking: options.largestChunk >= 100_000 ? 'whole' : { randomUpTo: options.largestChunk },
        delayMs: () =>
          options.longestDelayMs === 0 ? 0 : this.prng.integer(0, options.longestDelayMs),
        connect: (_attempt, { hostname }) => this.#attempt(hostname),
      },
      {
        opened: () => this.guard(() => this.witness.opened(this.nowMs)),
        closed: (by) => this.witness.closed(by),
        sent: (bytes) =>
          this.guard(() => {
            this.trace.bytes('to server', bytes);
            this.witness.sent(bytes, this.nowMs);
          }),
        received: (bytes, packets) => this.guard(() => this.#received(bytes, packets)),
        paused: (paused) => {
          this.counts.add(paused ? 'reading paused' : 'reading resumed');
          this.#readingPaused = paused;
          this.#resumedMs = this.nowMs;
        },
      },
    );
  }

  get nowMs(): number {
    return this.clock.now().monotonicMs;
  }

  get life(): number {
    return this.#life.number;
  }

  /** The client wants a connection, or has one. */
  get isAlive(): boolean {
    return this.client !== undefined && this.client.status.state !== 'closed' && !this.closing;
  }

  /** Keeps what went wrong for the end of the step. */
  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Starts a client of this life from what the store has. */
  async start(): Promise<void> {
    const life = this.#life;
    const { options } = this;
    this.closing = false;
    this.#state = 'none';
    this.#backOff = this.#newBackOff();
    this.#attemptsWhenClosed = undefined;
    this.#gaveUp = false;
    this.filters.clear();
    this.#asked.clear();
    this.#subscriptions = [];
    this.#grantedAll = true;
    if (options.mode === 'durable') this.witness.restarted(this.#surroundings());
    this.store.boot(this.prng);
    const environment: Environment = {
      transports: { mqtt: this.network.openFor(life) },
      missingTransports: {},
      clock: this.#clockOf(life),
      defaultStore: () => this.#storeOf(life),
    };
    let client: MqttClient;
    try {
      client = await connectWith(environment, 'mqtt://server', this.#connectOptions(life));
    } catch (error) {
      if (!life.dead) this.#notStarted(error as MqttError);
      return;
    }
    if (life.dead) return;
    this.client = client;
    client.on('status', (status) => {
      if (!life.dead) this.guard(() => this.#onStatus(status));
    });
    client.on('error', (error) => {
      if (!life.dead) this.counts.add(`error ${error.code}`);
    });
    for (const event of ['sessionLost', 'sessionDiscarded', 'sessionAdopted'] as const) {
      client.on(event, () => this.counts.add(`event ${event}`));
    }
    client.on('unmatched', (message) => {
      if (life.dead) return;
      this.counts.add('message unmatched');
      this.guard(() => (this.deliver(message, true).handled = true));
    });
    this.subscribe('in/#', 2);
    for (const filter of this.#known) this.subscribe(filter, 2);
  }

  #connectOptions(life: Life): ConnectOptions {
    const { options } = this;
    const five = options.version === '5.0';
    return {
      version: options.version,
      clientId: 'client',
      cleanStart: false,
      ...(five && { sessionExpirySeconds: Number.POSITIVE_INFINITY }),
      keepAliveSeconds: options.keepAliveSeconds,
      receiveMaximum: options.receiveMaximum,
      ...(five && { topicAliasMaximum: options.topicAliasMaximum }),
      queue: {
        maxMessages: options.queueMessages,
        maxBytes: options.queueBytes,
        maxAgeMs: options.queueAgeMs,
        overflow: options.overflow,
        queueQos0: options.queueQos0,
        ...(options.inFlight !== undefined && { inFlight: options.inFlight }),
      },
      inbox: { maxMessages: options.inboxMessages },
      reconnect: {
        initial: true,
        minDelayMs: options.minDelayMs,
        maxDelayMs: options.maxDelayMs,
      },
      foreignSession: options.foreignSession,
      lostSession: options.lostSession,
      redirects: options.redirects,
      onStoreFailure: options.onStoreFailure,
      store: this.#storeOf(life),
      waitForConnection: false,
    };
  }

  #clockOf(life: Life): Clock {
    const { clock } = this;
    return {
      now: () => clock.now(),
      random: () => clock.random(),
      schedule: (atMs, callback) => {
        if (life.dead) return () => {};
        const cancel = clock.schedule(atMs, () => {
          life.timers.delete(cancel);
          callback();
        });
        life.timers.add(cancel);
        return () => {
          life.timers.delete(cancel);
          cancel();
        };
      },
    };
  }

  /** A dead process asks nothing of the store any more. */
  #storeOf(life: Life): SessionStore {
    const { store } = this;
    return {
      durable: store.durable,
      load: (identity) => {
        if (life.dead) return new Promise(() => {});
        if (this.client !== undefined) this.#loadsAgain();
        return store.load(identity);
      },
      commit: (operations) => (life.dead ? new Promise(() => {}) : store.commit(operations)),
      clear: () => (life.dead ? undefined : store.clear()),
      close: () => (life.dead ? undefined : store.close()),
    };
  }

  /** The client goes on with what its store has, as after a crash; the application knows what it knew. */
  #loadsAgain(): void {
    hold(this.options.onStoreFailure === 'rebuild', 14, () => 'a store is opened again unasked');
    this.trace.add('store opened again');
    this.witness.restarted(this.#surroundings());
    if (!this.#failsAtRandom()) return;
    this.counts.add('fault store not opened');
    throw new Error('the store cannot be opened');
  }

  /** The store could not be opened. */
  #notStarted(error: MqttError): void {
    this.counts.add(`not started ${error.code}`);
    this.trace.add(`not started ${error.code}`);
    this.guard(() => {
      if (error.cause instanceof Violation) throw error.cause;
      const expected = this.store.damaged
        ? error.code === 'storeCorrupt'
        : error.code === 'storeFailed' && this.#refused;
      if (!expected) throw error;
      this.#refused = false;
      if (this.store.damaged) this.store.repair();
    });
  }

  /** Asks again for everything that was ever wanted: what is stored for a filter waits for its handler. */
  subscribeAgain(): void {
    for (const filter of this.#known) if (!this.filters.has(filter)) this.subscribe(filter, 2);
  }

  publish(qos: 0 | 1 | 2, topic: string, length: number, limits: { timeoutMs?: number }): void {
    const { client } = this;
    if (client === undefined) return;
    const life = this.#life;
    const number = this.ledger.nextNumber();
    const message = this.ledger.publish(number, topic, qos, life.number);
    this.trace.add('publish', number);
    this.unsettled += 1;
    if (this.faults && this.#poison.size < 3 && this.prng.chance(this.options.poison)) {
      this.counts.add('fault poison');
      this.#poison.add(number);
    }
    const retain = this.prng.chance(0.1);
    const payload = makePayload(number, length);
    const published = client.publish(topic, payload, { qos, retain, ...limits });
    if (qos > 0 && this.options.mode === 'durable') {
      published.stored.then(
        () => {
          if (life.dead) return;
          const stored = this.journal.numbers.has(number) || message.outcome !== undefined;
          this.guard(() =>
            hold(stored, 'stored', () => `message ${number} is said to be stored and is not`),
          );
        },
        () => {},
      );
    }
    const settled = (outcome: string): void => {
      if (life.dead) return;
      this.unsettled -= 1;
      this.counts.add(`published ${outcome}`);
      this.trace.add(`published ${outcome}`, number);
      this.guard(() => this.ledger.settled(message, outcome));
    };
    published.then(
      () => settled('success'),
      (error: MqttError) => {
        const givenUp = error.code === 'publishRefused' && error.reasonCode === undefined;
        if (givenUp) this.#checkGivenUp(number);
        // Of a client that goes on this says that the store has it not.
        const notStored = error.code === 'storeFailed' && this.#rebuilds && this.isAlive;
        settled(givenUp ? 'given up' : notStored ? 'not stored' : error.code);
      },
    );
  }

  /** A message is given up when connections ended at it three to six times in a row, and not before (26). */
  #checkGivenUp(number: number): void {
    const suspicion = this.witness.suspicionOf(number);
    this.guard(() =>
      hold(suspicion >= 6, 26, () => `message ${number} is given up at suspicion ${suspicion}`),
    );
  }

  subscribe(filter: string, qos: 0 | 1 | 2): void {
    const { client } = this;
    if (client === undefined || this.#asked.has(filter)) return;
    const life = this.#life;
    this.#asked.add(filter);
    if (filter !== 'in/#') this.#known.add(filter);
    this.unsettled += 1;
    const { application } = this;
    const { iterates, bufferSize, concurrency } = this.options;
    const options = { qos, ...application.optionsFor(life) };
    const granted = (subscription: Subscription): void => {
      if (!life.dead) this.#subscriptions.push(subscription);
    };
    const subscribed = iterates
      ? client.subscribe(filter, { ...options, bufferSize }).then((subscription) => {
          granted(subscription);
          application.iterate(subscription, life).catch((error: MqttError) => {
            // With the client the loop ends, and it is told why.
            this.counts.add(`iterator ended ${error.code}`);
            if (!life.dead && client.status.state !== 'closed') this.fail(error);
          });
        })
      : client
          .subscribe(filter, { ...options, concurrency }, (message) =>
            application.handle(message, life),
          )
          .then(granted);
    subscribed
      .then(
        () => {
          if (!life.dead) this.filters.add(filter);
        },
        (error: MqttError) => {
          if (life.dead) return;
          this.#grantedAll = false;
          this.#asked.delete(filter);
          this.counts.add(`subscribe ${error.code}`);
        },
      )
      .finally(() => {
        if (!life.dead) this.unsettled -= 1;
      });
  }

  unsubscribe(filter: string): void {
    const { client } = this;
    if (client === undefined || !this.filters.has(filter)) return;
    const life = this.#life;
    this.unsettled += 1;
    this.filters.delete(filter);
    if (this.options.iterates) {
      // What an iterator holds then is acknowledged: it is for the loop alone, and gone with the process.
      for (const message of this.ledger.inbound.values()) {
        if (message.topic !== filter) continue;
        message.handled = true;
        message.heldByLoop = this.life;
      }
    }
    client
      .unsubscribe(filter)
      .catch((error: MqttError) => this.counts.add(`unsubscribe ${error.code}`))
      .finally(() => {
        if (life.dead) return;
        this.#asked.delete(filter);
        this.unsettled -= 1;
      });
  }

  /** The application closes its client. */
  close(timeoutMs: number): void {
    const { client } = this;
    if (client === undefined || this.closing) return;
    const life = this.#life;
    this.closing = true;
    client.close({ timeoutMs }).then(
      () => {
        if (life.dead) return;
        this.counts.add('closed');
        this.guard(() =>
          hold(this.unsettledPublishes === 0, 10, () => 'a publish has no end after close'),
        );
        this.#endLife(false);
      },
      (error) => this.fail(error),
    );
    // With time it still waits for what is under way.
    if (timeoutMs === 0) this.#gaveUp = true;
  }

  get unsettledPublishes(): number {
    let unsettled = 0;
    for (const message of this.ledger.published.values()) {
      if (message.life === this.life && message.outcome === undefined) unsettled += 1;
    }
    return unsettled;
  }

  /** The process dies: nothing of it is heard of again. */
  crash(): void {
    this.counts.add('process crashed');
    this.network.current?.cut('reset');
    this.#endLife(true);
  }

  /** The run is over: nothing of it does anything any more. */
  abandon(): void {
    this.#kill();
    this.network.current?.cut('reset');
  }

  settleCommit(fails: boolean): void {
    this.store.settle(fails || this.#failsAtRandom());
  }

  /** What holds at every moment. */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
    const { witness, nowMs } = this;
    const keepAliveMs = witness.keepAliveMs;
    if (
      keepAliveMs > 0 &&
      nowMs >= this.lenientUntilMs &&
      this.client?.status.state === 'connected' &&
      !this.closing
    ) {
      const silentMs = nowMs - witness.lastSentMs;
      hold(
        silentMs <= keepAliveMs,
        19,
        () => `nothing sent for ${silentMs} ms, keep-alive is ${keepAliveMs}`,
      );
      const deafMs = nowMs - Math.max(witness.lastReceivedMs, this.#resumedMs);
      hold(
        this.#readingPaused || deafMs <= keepAliveMs * 1.5,
        19,
        () => `alive after ${deafMs} ms without a byte, keep-alive is ${keepAliveMs}`,
      );
    }
    if (this.#attemptsWhenClosed !== undefined) {
      const { attempts } = this.network.link;
      hold(
        attempts === this.#attemptsWhenClosed,
        20,
        () => 'an attempt after the end of the client',
      );
    }
    const { client } = this;
    if (client === undefined || this.options.overflow === 'wait') return;
    const { messages, bytes } = client.queued;
    const { queueMessages, queueBytes } = this.options;
    if (this.life === 1) {
      hold(
        messages <= queueMessages && bytes <= queueBytes,
        21,
        () => `${messages} messages of ${bytes} bytes are queued`,
      );
    }
  }

  #kill(): void {
    this.#life.dead = true;
    for (const cancel of this.#life.timers) cancel();
    this.#life.timers.clear();
    this.#life.ended.abort();
  }

  #endLife(crashed: boolean): void {
    const survives = this.options.mode === 'durable' || !crashed;
    this.trace.add(crashed ? 'crash' : 'end of a client');
    if (!crashed) {
      hold(this.#life.timers.size === 0, 14, () => `${this.#life.timers.size} timers after close`);
    }
    this.#kill();
    this.#life = newLife(this.#life.number + 1);
    this.client = undefined;
    this.closing = false;
    this.unsettled = 0;
    this.failNextCommit = false;
    this.sessionIsOurs = false;
    this.#attemptsWhenClosed = undefined;
    this.store.crash(this.prng);
    if (!survives) {
      this.journal = new JournalWitness();
      this.store = this.#newStore();
    }
    this.#readingPaused = false;
    this.#redirect = undefined;
    this.application.restarted(survives);
    this.witness.restarted(this.#surroundings());
  }

  /** What survived is known. */
  #recovered(): void {
    if (this.client !== undefined) {
      // Promises of this life are still to be settled.
      this.counts.add('session rebuilt');
      return;
    }
    const unfinished = new Set(this.journal.unfinished.map(({ number }) => number));
    for (const message of this.ledger.published.values()) {
      if (unfinished.has(message.number)) message.outcome = 'undone';
    }
  }

  /**
   * A message is handed over.
   * @param unmatched to nobody in particular: those before it may still be on their way to somebody
   */
  deliver(message: Message, unmatched = false): InboundMessage {
    const number = numberOfMessage(message);
    this.trace.add('message', number);
    // A loop gets what its iterator holds also then.
    const held = this.options.iterates && !unmatched;
    hold(!this.#gaveUp || held, 8, () => `message ${number} is handed out after the end`);
    const surviving = this.options.mode === 'durable';
    const known = this.ledger.inbound.get(number);
    const ended = this.journal.ended.has(number) && this.options.delivery !== 'at-most-once';
    const before = known !== undefined && known.delivered > 0 && known.qos === 2;
    const again = before && ((surviving && known.life !== this.life) || known.left);
    // A copy of it was settled, and nobody got it: the server sends another one.
    const first = this.journal.firstDeliveries.get(number);
    const another = first !== undefined && first !== message.deliveryId;
    // Or several are asked about at once, and the answers come in any order.
    const { delivery, concurrency } = this.options;
    const late = unmatched || another || (delivery === 'transactional' && concurrency > 1);
    // At QoS 2 the client knows another copy, as long as it lives.
    const mayBeDropped =
      this.#dropsAnswered &&
      known !== undefined &&
      known.answers > 1 &&
      (known.qos === 1 || known.answeredIn < this.life);
    return this.ledger.deliver(number, message.topic, again, this.life, {
      surviving,
      ended,
      late,
      mayBeDropped,
    });
  }

  /** Without a durable store a message that is to be seen at most once is answered first, and may find no room then. */
  get #dropsAnswered(): boolean {
    return this.options.delivery === 'at-most-once' && this.options.mode === 'memory';
  }

  #answered(number: number): void {
    const message = this.ledger.inbound.get(number);
    if (message === undefined) return;
    message.answers += 1;
    if (message.answers === 1) message.answeredIn = this.life;
  }

  /** What this life answered and did not hand over, its subscriptions have counted as dropped. */
  checkDropped(): void {
    if (!this.#dropsAnswered || !this.#grantedAll) return;
    const { inbound, droppedFirst } = this.ledger;
    let missed = 0;
    for (const { number, answeredIn, delivered } of inbound.values()) {
      const dropped = delivered === 0 || droppedFirst.has(number);
      if (answeredIn === this.life && dropped) missed += 1;
    }
    let told = 0;
    for (const { dropped } of this.#subscriptions) told += dropped;
    if (missed > 0) this.counts.add('messages at most once dropped', missed);
    hold(missed <= told, 'lost', () => `${missed} messages are dropped, ${told} of them counted`);
  }

  #received(bytes: Uint8Array, packets: readonly Uint8Array[]): void {
    this.trace.bytes('to client', bytes);
    this.witness.lastReceivedMs = this.nowMs;
    for (const packet of packets) {
      const type = (packet[0] as number) >> 4;
      if (type >= 3 && type <= 7) this.#backOff.progress();
      if (type === 14 && (packet[2] === 0x9c || packet[2] === 0x9d)) this.#redirect = 'told';
      this.witness.receivedPacket(packet);
    }
  }

  #onStatus(status: Status): void {
    this.counts.add(`status ${status.state}`);
    this.trace.add(`status ${status.state}`);
    hold(status.state !== 'connected' || this.#state !== 'connected', 15, () => 'connected twice');
    this.#state = status.state;
    if (status.state === 'connecting') this.#backOff.attempt();
    if (status.state === 'connected') {
      this.#backOff.connected(this.nowMs);
      const { server } = this.network;
      if (server !== undefined) server.connackArrived = true;
      if (!status.sessionPresent) this.sessionIsOurs = true;
    } else if (status.state === 'reconnecting' && status.reason.code === 'storeFailed') {
      // Where the server sent the client may have been lost with it.
      this.#redirect = undefined;
      this.#backOff.waits(status.delayMs, this.clock.lastRandom, this.nowMs);
    } else if (status.state === 'reconnecting' && this.#redirect === 'told') {
      this.#redirect = 'followed';
      this.counts.add('redirect followed');
      this.#backOff.redirected(this.nowMs);
      const { redirects } = this.options;
      hold(redirects === 'follow' && status.delayMs === 0, 20, () => 'a redirect is not followed');
    } else if (status.state === 'reconnecting') {
      this.#backOff.waits(status.delayMs, this.clock.lastRandom, this.nowMs);
    } else if (status.state === 'closed' && !this.closing) {
      this.counts.add(`gave up ${status.reason?.code}`);
      const rebuilds = this.#rebuilds && status.reason?.code === 'storeFailed';
      hold(!rebuilds, 12, () => 'a client that is to go on gives up with its store');
      if (this.#redirect === 'told') {
        this.counts.add('redirect reported');
        const { code } = status.reason ?? {};
        const known = code === 'serverRefused' || code === 'storeFailed';
        hold(known, 20, () => `a redirect is reported as ${code}`);
      }
      if (status.reason?.code === 'sessionLost') {
        // Somebody removes the session that the client will not take.
        this.broker.forget('client');
      }
      this.#attemptsWhenClosed = this.network.link.attempts;
      this.#gaveUp = true;
    }
  }

  #taken(number: number): void {
    const message = this.ledger.inbound.get(number);
    if (message === undefined) return;
    message.taken = true;
    if (this.options.mode === 'durable') {
      hold(
        this.journal.stored.has(number),
        7,
        () => `message ${number} was acknowledged and not stored`,
      );
    } else {
      // What an iterator holds at the end is acknowledged: it gives it to whoever goes on.
      const atMostOnce = this.options.delivery === 'at-most-once';
      const handed = atMostOnce || (this.options.iterates && (this.closing || !this.isAlive));
      hold(
        message.handled || handed,
        7,
        () => `message ${number} was acknowledged and not handled`,
      );
      message.handled = true;
    }
  }

  #attempt(hostname: string): { outcome: 'accept' | 'refuse' | 'hang'; delayMs: number } {
    if (this.#redirect === 'followed') {
      this.#redirect = undefined;
      this.guard(() =>
        hold(hostname === 'elsewhere', 20, () => `sent elsewhere, the client goes to ${hostname}`),
      );
    }
    const { prng, options } = this;
    const delayMs = prng.integer(0, options.longestDelayMs);
    if (!this.faults || !prng.chance(options.failedAttempts)) return { outcome: 'accept', delayMs };
    const outcome = prng.pick(['refuse', 'refuse', 'hang'] as const);
    this.counts.add(`fault attempt ${outcome}`);
    return { outcome, delayMs };
  }

  #plan(connect: ConnectFromClient): ModelConnectionPlan {
    const { prng, options } = this;
    const five = connect.version === '5.0';
    const refused = this.faults && prng.chance(options.refusals);
    // What leaves behind CONNECT cannot know its limits.
    const limited = five && this.faults && !connect.cleanStart && prng.chance(options.limits);
    if (limited) this.counts.add('fault other limits');
    return {
      refusal: refused ? prng.pick(five ? refusals5 : refusals311) : 0,
      receiveMaximum: five ? prng.pick([1, 2, 10, 65_535]) : 65_535,
      maximumPacketSize: limited ? prng.pick([100, 300, 268_435_460]) : 268_435_460,
      maximumQos: limited ? prng.pick([0, 1, 2, 2] as const) : 2,
      retainAvailable: !limited || prng.chance(0.5),
      topicAliasMaximum: five ? prng.pick([0, 1, 10]) : 0,
      serverKeepAlive: five && prng.chance(0.2) ? prng.pick([0, 2, 20]) : undefined,
      useAliases: numberOf(connect.properties, 0x22, 0) > 0 && prng.chance(0.7),
      delayAnswers: this.faults && prng.chance(options.delayedAnswers),
      window: prng.pick([1, 10, 1000]),
    };
  }

  #reasonFor(kind: 'puback' | 'pubrec' | 'suback', version: string, packet: ClientPacket): number {
    const { prng, options } = this;
    if (kind === 'suback' || version === '3.1.1' || !this.faults) return 0;
    if (!prng.chance(options.errorAnswers)) return 0;
    this.counts.add(`fault error ${kind}`);
    if (packet.kind === 'publish') {
      const message = this.ledger.published.get(payloadNumber(packet.payload));
      if (message !== undefined) message.refused = true;
    }
    return prng.pick([0x80, 0x83, 0x87, 0x97]);
  }

  #newStore(): ClientStore {
    const { mode, store } = this.options;
    const { journal } = this;
    const onDurable = (operations: readonly SessionOperation[]): void => {
      for (const operation of operations) {
        this.counts.add(`operation ${operation.type}`);
        this.trace.add(operation.type, 'sequence' in operation ? operation.sequence : 0);
      }
      this.guard(() => journal.take(operations));
    };
    const onRecovered = (): void => this.#recovered();
    if (mode === 'memory' || store === 'list') {
      const manner = () => (this.#fails() ? 'fail' : this.#isLate() ? 'late' : 'now');
      const keepsFailed = (): boolean => {
        const kept = this.#rebuilds && this.prng.chance(0.5);
        if (kept) this.counts.add('failed commit kept');
        return kept;
      };
      const durable = mode === 'durable';
      return new ListStore({ durable, manner, keepsFailed, onDurable }, onRecovered);
    }
    return new DiskStore({
      durability: store,
      disk: {
        fate: (operation) => this.#diskFate(operation),
        upTo: (most) => this.prng.integer(0, most),
        syncsLate: () => this.#isLate(),
        onDeath: () => this.crash(),
      },
      onDurable,
      onRecovered,
      count: (what) => this.counts.add(what),
    });
  }

  #fails(): boolean {
    const fails = this.failNextCommit && this.faults;
    if (fails) this.failNextCommit = false;
    return fails || this.#failsAtRandom();
  }

  get #rebuilds(): boolean {
    return this.options.onStoreFailure === 'rebuild';
  }

  /** The store fails a client that goes on all the same. */
  #failsAtRandom(): boolean {
    const { storeFailures } = this.options;
    if (!this.#rebuilds || storeFailures === 0 || !this.faults || !this.isAlive) return false;
    const fails = this.prng.chance(storeFailures);
    if (fails) this.counts.add('fault store fails at random');
    return fails;
  }

  #isLate(): boolean {
    const { lateCommits } = this.options;
    return lateCommits > 0 && this.faults && this.prng.chance(lateCommits);
  }

  #diskFate(operation: string): 'done' | 'short' | 'full' | 'die' {
    const { prng, options } = this;
    if (this.#fails()) {
      this.#refused = true;
      this.counts.add(`fault disk full at ${operation}`);
      return 'full';
    }
    if (!this.faults) return 'done';
    if (options.deathsOnDisk > 0 && prng.chance(options.deathsOnDisk)) {
      this.counts.add(`fault death at ${operation}`);
      return 'die';
    }
    return operation === 'write' && prng.chance(options.shortWrites) ? 'short' : 'done';
  }

  #newBackOff(): BackOffWitness {
    return new BackOffWitness(this.options.minDelayMs, this.options.maxDelayMs);
  }

  #surroundings() {
    return {
      journal: this.journal,
      durableDelivery: this.options.mode === 'durable',
      inFlight: this.options.inFlight ?? (this.options.version === '3.1.1' ? 20 : 65_535),
      count: (what: string) => this.counts.add(what),
      answered: (number: number) => this.#answered(number),
    };
  }
}

/** Those that another attempt may change, and one that none does. */
const refusals5 = [0x80, 0x83, 0x88, 0x88, 0x89, 0x89, 0x97, 0x9f, 0x87];
const refusals311 = [3, 3, 3, 5];
