/**
 * The world of one run at the engine level: one client process after the other, one store, one model broker, and the
 * connection between them. Everything that happens goes through here, so everything is judged here.
 */
import type {
  DisconnectReason,
  EngineEvent,
  Now,
  SessionOperation,
  Ticket,
  TransportEnd,
} from '@mqtt-kit/engine';
import {
  type ClientPacket,
  type ConnectFromClient,
  concatenate,
  FaultyStore,
  ModelBroker,
  type ModelConnectionPlan,
  numberOf,
  type Prng,
} from '@mqtt-kit/testkit';
import { Counts } from './counts.ts';
import { EngineLink } from './engine-link.ts';
import type { EngineRunOptions } from './engine-options.ts';
import { EngineProcess } from './engine-process.ts';
import { JournalWitness } from './journal-witness.ts';
import { Ledger, neverSent, type PublishedMessage } from './ledger.ts';
import { makePayload, payloadNumber } from './payloads.ts';
import type { Trace } from './trace.ts';
import { hold, Violation } from './violation.ts';
import { WireWitness } from './wire-witness.ts';

export interface Outstanding {
  readonly delivery: number;
  readonly number: number;
}

export class EngineWorld {
  readonly options: EngineRunOptions;
  readonly trace: Trace;
  readonly counts: Counts = new Counts();
  readonly ledger: Ledger = new Ledger();
  readonly broker: ModelBroker;
  readonly witness: WireWitness;
  journal: JournalWitness | undefined;
  store: FaultyStore | undefined;
  process: EngineProcess;
  /** The draws of the current step. */
  prng: Prng;
  /** Faults of the broker and the store happen. */
  faults = true;
  link: EngineLink | undefined;
  /** Deliveries whose handlers have not done with them. */
  readonly outstanding: Outstanding[] = [];
  life = 1;
  monotonicMs = 1_000;
  epochMs = Date.UTC(2024, 0, 1);
  failNextCommit = false;
  /** A session of the server ended, and retired identifiers with it. */
  identifiersFreed = false;
  /** Until then exact deadlines prove nothing: a timer came late. */
  lenientUntilMs = 0;
  /** Requests to subscribe and unsubscribe without their outcome. */
  readonly requests: Set<Ticket> = new Set();
  #byTicket = new Map<Ticket, PublishedMessage>();
  /** Tickets whose outcome was told in this life. */
  readonly #ended: Set<Ticket> = new Set();
  /** QoS 0 messages that were said to leave with the next batch. */
  #flushing: PublishedMessage[] = [];
  #discard = false;
  #state: 'down' | 'attempt' | 'up' = 'down';
  #subscribed = false;

  constructor(options: EngineRunOptions, prng: Prng, trace: Trace) {
    this.options = options;
    this.prng = prng;
    this.trace = trace;
    this.broker = new ModelBroker({
      plan: (connect) => this.#plan(connect),
      onBreach: (what) => {
        throw new Violation(18, `the broker refuses what the client sent: ${what}`);
      },
      onOwned: (packet, topic, session) => {
        this.trace.add('owned', payloadNumber(packet.payload));
        this.ledger.own(payloadNumber(packet.payload), topic, packet.qos, session.epoch);
      },
      onTaken: (payload) => this.#taken(payloadNumber(payload)),
      reasonFor: (kind, version, packet) => this.#reasonFor(kind, version, packet),
      closesAt: (packet) => this.#poison.has(payloadNumber(packet.payload)),
      count: (what) => this.counts.add(what),
    });
    this.#newStore();
    this.witness = new WireWitness(this.#surroundings());
    this.process = this.#newProcess();
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get isIdle(): boolean {
    return this.link === undefined;
  }

  /** Whoever connects waits for the end of the connection before to be told. */
  get mayConnect(): boolean {
    return this.isIdle && this.#state === 'down';
  }

  now(): Now {
    return { monotonicMs: this.monotonicMs, epochMs: this.epochMs };
  }

  /** Publishes a new message. */
  publish(qos: 0 | 1 | 2, topic: string, length: number, expirySeconds: number): void {
    const number = this.ledger.nextNumber();
    const message = this.ledger.publish(number, topic, qos, this.life);
    const ticket = this.process.engine.publish(
      {
        topic,
        payload: makePayload(number, length),
        qos,
        retain: false,
        properties:
          expirySeconds > 0 && this.options.request.version === '5.0'
            ? { messageExpiryInterval: expirySeconds }
            : {},
      },
      this.now(),
    );
    this.trace.add('publish', number);
    if (this.faults && this.#poison.size < 3 && this.prng.chance(this.options.poison)) {
      this.counts.add('fault poison');
      this.#poison.add(number);
    }
    message.uncertain = qos === 0 && this.options.request.pipeline;
    if (ticket === 0) this.#flushing.push(message);
    else this.#byTicket.set(ticket, message);
    const { messages, bytes } = this.process.engine.queued;
    const { maximumBytes, maximumMessages } = this.options.engine.queue;
    if (this.life === 1 && !this.options.request.pipeline) {
      // What a store brings back is beyond the bounds, and so is what was taken back from behind CONNECT.
      hold(
        messages <= maximumMessages && bytes <= maximumBytes,
        21,
        () => `the queue holds ${messages} messages of ${bytes} bytes`,
      );
    }
    this.process.pump();
  }

  /** Takes back a message of this life that has no outcome. */
  cancel(): void {
    const tickets = [...this.#byTicket.keys()];
    if (tickets.length === 0) return;
    const ticket = this.prng.pick(tickets);
    const message = this.#byTicket.get(ticket) as PublishedMessage;
    const result = this.process.engine.cancel(ticket, this.now());
    this.counts.add(`cancel ${result}`);
    if (result === 'withdrawn') {
      this.#byTicket.delete(ticket);
      this.ledger.settled(message, 'withdrawn');
    } else {
      // What ended it may wait for a commit.
      const known = result === 'inFlight' || this.process.isCommitting;
      hold(known, 1, () => `message ${message.number} has no outcome and is ${result}`);
    }
    this.process.pump();
  }

  /** Starts an attempt to connect; a refused one never opens. */
  connect(opens: boolean): void {
    if (!this.mayConnect) return;
    const { request } = this.options;
    const cleanStart = request.cleanStart || this.#discard;
    this.process.engine.connect({ ...request, cleanStart, pipeline: request.pipeline }, this.now());
    this.#discard = false;
    this.#state = 'attempt';
    this.process.linkNumber = this.process.engine.connection;
    this.trace.add(opens ? 'connect' : 'refused attempt');
    if (!opens) {
      this.process.engine.transportClosed(this.now());
      this.process.pump();
      return;
    }
    this.#saidGoodbye = false;
    this.link = new EngineLink(this.broker, `connection ${this.process.linkNumber}`);
    this.process.link = this.link;
    this.witness.opened(this.monotonicMs);
    this.process.engine.transportOpened(this.now());
    this.process.pump();
    this.#updateReading();
  }

  /** The client's end of the connection is gone. */
  closed(by: TransportEnd = 'network'): void {
    this.link = undefined;
    this.process.link = undefined;
    this.witness.closed(by);
    this.trace.add('closed');
    this.process.engine.transportClosed(this.now(), by);
    this.process.pump();
  }

  /** Bytes of the server arrive, at most so many. */
  deliverToClient(most: number): void {
    const { link } = this;
    if (link === undefined) return;
    if (link.dead) {
      this.closed();
      return;
    }
    const arrived = link.takeForClient(most);
    if (arrived === undefined) {
      if (!link.serverEnded) return;
      link.clientEnded = true;
      link.reset();
      this.closed('server');
      return;
    }
    this.trace.bytes('to client', arrived.bytes);
    if (link.clientEnded || this.#saidGoodbye) return; // Nobody looks at it any more.
    this.witness.lastReceivedMs = this.monotonicMs;
    for (const packet of arrived.packets) this.witness.receivedPacket(packet);
    this.process.engine.receive(arrived.bytes, this.now());
    this.process.pump();
    this.#updateReading();
  }

  acknowledge(index: number, reasonCode: number): void {
    const [done] = this.outstanding.splice(index, 1);
    if (done === undefined) return;
    const message = this.ledger.inbound.get(done.number);
    if (message !== undefined) {
      message.handled = true;
      // Whoever refuses a message takes it as new when it comes again.
      if (reasonCode >= 0x80) message.refused = true;
    }
    this.trace.add('acknowledge', done.number);
    this.process.engine.acknowledge(done.delivery, reasonCode, this.now());
    this.process.pump();
    this.#updateReading();
  }

  subscribe(filter: string, qos: 0 | 1 | 2): void {
    const subscription = {
      topicFilter: filter,
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
    };
    this.requests.add(
      this.process.engine.subscribe({ subscriptions: [subscription], properties: {} }, this.now()),
    );
    this.process.pump();
  }

  unsubscribe(filter: string): void {
    this.requests.add(
      this.process.engine.unsubscribe({ topicFilters: [filter], properties: {} }, this.now()),
    );
    this.process.pump();
  }

  disconnect(): void {
    this.#saidGoodbye = true;
    this.process.engine.disconnect({ reasonCode: 0, properties: {} }, this.now());
    this.process.pump();
  }

  /** A late commit is done, or fails. */
  settleCommit(fails: boolean): void {
    const result = this.store?.settle(fails);
    if (result === 'done') this.process.committed();
    else if (result === 'failed') this.restart(false);
  }

  /** Time goes by; deadlines on the way are met unless the timer is late. */
  advance(ms: number, late: boolean): void {
    const { engine } = this.process;
    const untilMs = this.monotonicMs + ms;
    this.trace.add(late ? 'late timer' : 'time', ms);
    if (late) {
      this.lenientUntilMs = untilMs + 6_000;
      this.#moveTo(untilMs);
      engine.deadlineReached(this.now());
      this.process.pump();
      return;
    }
    for (let rounds = 0; ; rounds++) {
      const deadlineMs = engine.nextDeadlineMs;
      if (deadlineMs > untilMs) break;
      this.#moveTo(Math.max(deadlineMs, this.monotonicMs));
      engine.deadlineReached(this.now());
      this.process.pump();
      hold(rounds < 1000, 14, () => `a deadline at ${deadlineMs} is never met`);
    }
    this.#moveTo(untilMs);
    this.#checkKeepAlive();
  }

  /** The process ends without a word and starts again from what its store has. */
  restart(crashed: boolean): void {
    this.counts.add(crashed ? 'process crashed' : 'process restarted');
    this.trace.add(crashed ? 'crash' : 'restart');
    this.link?.reset();
    this.link = undefined;
    const { mode } = this.options;
    const survives = mode === 'durable' || (mode === 'memory' && !crashed);
    this.store?.crash((unsynced) => this.prng.integer(0, unsynced));
    if (!survives) this.#newStore();
    else if (this.options.compacts) this.#compact();
    this.life += 1;
    this.#forgetWithdrawals();
    this.outstanding.length = 0;
    this.requests.clear();
    this.#ended.clear();
    this.#byTicket = new Map();
    this.#flushing = [];
    this.failNextCommit = false;
    this.#discard = false;
    this.#state = 'down';
    this.#subscribed = this.#subscribed && survives;
    this.witness.restarted(this.#surroundings());
    this.process = this.#newProcess();
    this.process.pump();
  }

  /** Every publish of this life that has no outcome. */
  get unsettled(): readonly PublishedMessage[] {
    return [...this.#byTicket.values(), ...this.#flushing];
  }

  /** What was taken back, and not durably so, comes again. */
  #forgetWithdrawals(): void {
    const unfinished = new Set(this.journal?.unfinished.map(({ number }) => number));
    for (const message of this.ledger.published.values()) {
      if (message.outcome !== undefined && neverSent.has(message.outcome)) {
        if (unfinished.has(message.number)) message.outcome = 'undone';
      }
    }
  }

  #newProcess(): EngineProcess {
    const process = new EngineProcess(this.options.engine, this.store, {
      now: () => this.now(),
      onEvent: (event) => this.#onEvent(event),
      onWrite: (bytes) => this.#write(bytes),
      onClose: () => this.#close(),
      onStoreFailed: () => this.counts.add('store failed'),
      onFlushed: (written) => this.#flushed(written),
    });
    this.process = process;
    const snapshot = this.store?.load() as SessionOperation[] | undefined;
    if (snapshot !== undefined && snapshot.length > 0) process.engine.restore(snapshot, this.now());
    return process;
  }

  #newStore(): void {
    const { mode, lateCommits, freeIdentifiers } = this.options;
    if (mode === 'none') return;
    const journal = new JournalWitness();
    this.journal = journal;
    this.store = new FaultyStore({
      durable: mode === 'durable',
      manner: () => {
        if (this.failNextCommit && this.faults) {
          this.failNextCommit = false;
          return 'fail';
        }
        return lateCommits > 0 && this.faults && this.prng.chance(lateCommits) ? 'late' : 'now';
      },
      onDurable: (operations) => {
        for (const operation of operations) {
          if (operation.type === 'reset') this.identifiersFreed = true;
          this.counts.add(`operation ${operation.type}`);
          this.trace.add(operation.type, 'sequence' in operation ? operation.sequence : 0);
          if (this.trace.kept) this.trace.add(`  ${described(operation)}`);
        }
        journal.take(operations);
      },
    });
    if (freeIdentifiers > 0) this.store.journal.push(...retired(freeIdentifiers));
  }

  #compact(): void {
    this.counts.add('store compacted');
    this.store?.compact();
  }

  #surroundings() {
    return {
      journal: this.journal,
      durableDelivery: this.options.mode === 'durable',
      inFlight: this.options.engine.queue.inFlight,
      count: (what: string) => this.counts.add(what),
    };
  }

  #write(bytes: readonly Uint8Array[]): void {
    const { link } = this;
    if (link === undefined || link.clientEnded) return;
    const joined = concatenate(bytes);
    this.trace.bytes('to server', joined);
    this.witness.sent(joined, this.monotonicMs);
    link.send(joined);
    if (link.bytesToServer > 65_536) this.process.engine.transportWritable(false, this.now());
  }

  #close(): void {
    const { link } = this;
    if (link === undefined) return;
    link.clientEnded = true;
    if (link.silentToServer || link.silentToClient || link.stalled || !this.prng.chance(0.7)) {
      // The peer never answers, and the driver does not wait for ever.
      link.reset();
    }
  }

  #flushed(written: boolean): void {
    const flushing = this.#flushing;
    if (flushing.length === 0) return;
    this.#flushing = [];
    for (const message of flushing)
      this.ledger.settled(message, written ? 'success' : 'connectionLost');
  }

  #onEvent(event: EngineEvent): void {
    this.counts.add(`event ${event.type}`);
    this.trace.add(event.type);
    switch (event.type) {
      case 'connected':
        this.#onConnected(event.sessionPresent);
        return;
      case 'disconnected':
        hold(this.#state !== 'down', 15, () => 'disconnected twice');
        this.#state = 'down';
        this.counts.add(`disconnected ${event.reason.kind}`);
        this.#onDisconnected(event.reason);
        return;
      case 'message': {
        const number = payloadNumber(event.packet.payload);
        hold(number > 0, 18, () => 'a message whose payload nobody sent');
        const current = event.connection <= this.process.engine.connection || this.isIdle;
        hold(current, 22, () => `message ${number} of connection ${event.connection}`);
        this.ledger.deliver(number, event.packet.topic, event.redelivered, this.life, {
          surviving: this.options.mode === 'durable',
          ended: this.journal?.deliveries.get(event.delivery)?.done === true,
          late: false,
          mayBeDropped: false,
        });
        this.trace.add(`message ${event.delivery}${event.redelivered ? ' again' : ''}`, number);
        if (event.redelivered) this.counts.add('message redelivered');
        if (event.delivery !== 0) this.outstanding.push({ delivery: event.delivery, number });
        return;
      }
      case 'published': {
        const message = this.#byTicket.get(event.ticket);
        // It may be a message of an earlier life.
        hold(!this.#ended.has(event.ticket), 10, () => `a second outcome of ${event.ticket}`);
        this.#ended.add(event.ticket);
        if (message === undefined) return;
        this.#byTicket.delete(event.ticket);
        const { outcome } = event;
        const ended =
          outcome.kind === 'failed'
            ? outcome.code
            : outcome.kind === 'acknowledged' && outcome.reasonCode >= 0x80
              ? 'refused'
              : 'success';
        this.counts.add(`published ${ended}`);
        if (ended === 'publishRefused') {
          const suspicion = this.witness.suspicionOf(message.number);
          hold(
            suspicion >= 6,
            26,
            () => `message ${message.number} given up at suspicion ${suspicion}`,
          );
        }
        this.ledger.settled(message, ended);
        return;
      }
      case 'subscribed':
      case 'unsubscribed': {
        const known = this.requests.delete(event.ticket);
        hold(known, 10, () => `a second outcome for request ${event.ticket}`);
        if (event.type === 'subscribed' && event.outcome.kind === 'failed')
          this.#subscribed = false;
        return;
      }
      default:
        return;
    }
  }

  #onConnected(sessionPresent: boolean): void {
    hold(this.#state === 'attempt', 15, () => `connected while ${this.#state}`);
    this.#state = 'up';
    // What CONNACK said of the session is durable now.
    if (this.link !== undefined) this.link.server.connackArrived = true;
    if (!sessionPresent) this.#subscribed = false;
    if (this.#subscribed) return;
    this.#subscribed = true;
    this.subscribe('in/#', 2);
  }

  #onDisconnected(reason: DisconnectReason): void {
    if (reason.kind === 'foreignSession') this.#discard = true;
    if (reason.kind === 'breach') {
      hold(
        this.garbled,
        18,
        () => `the engine finds a breach that there is none of: ${reason.message}`,
      );
    }
  }

  /** The server sent on this connection what it may not send. */
  garbled = false;

  #taken(number: number): void {
    const message = this.ledger.inbound.get(number);
    if (message === undefined) return;
    message.taken = true;
    if (this.options.mode === 'durable') {
      hold(
        this.journal?.stored.has(number) === true,
        7,
        () => `message ${number} was acknowledged and not stored`,
      );
    } else {
      hold(message.handled, 7, () => `message ${number} was acknowledged and not handled`);
    }
  }

  #plan(connect: ConnectFromClient): ModelConnectionPlan {
    const { prng, options } = this;
    const five = connect.version === '5.0';
    const refused = this.faults && prng.chance(options.refusals);
    if (refused) {
      this.counts.add('fault refused CONNECT');
      this.#refusals += 1;
    }
    return {
      refusal: refused ? prng.pick(five ? refusals5 : refusals311) : 0,
      receiveMaximum: five ? prng.pick([1, 2, 10, 65_535]) : 65_535,
      // What leaves behind CONNECT cannot know this limit.
      maximumPacketSize:
        five && !options.request.pipeline
          ? prng.pick([100, 1000, 268_435_460, 268_435_460])
          : 268_435_460,
      maximumQos: five && this.faults && prng.chance(0.1) ? prng.pick([0, 1] as const) : 2,
      retainAvailable: true,
      topicAliasMaximum: five ? prng.pick([0, 1, 10]) : 0,
      serverKeepAlive: five && prng.chance(0.3) ? prng.pick([0, 2, 20]) : undefined,
      useAliases: numberOf(connect.properties, 0x22, 0) > 0 && prng.chance(0.7),
      delayAnswers: this.faults && prng.chance(options.delayedAnswers),
      window: prng.pick([1, 10, 1000]),
    };
  }

  #refusals = 0;
  /** Messages at which the server closes each time. */
  readonly #poison: Set<number> = new Set();

  #reasonFor(kind: 'puback' | 'pubrec' | 'suback', version: string, packet: ClientPacket): number {
    const { prng, options } = this;
    if (kind === 'suback') return 0;
    if (version === '3.1.1') return 0;
    if (!this.faults || !prng.chance(options.errorAnswers)) return prng.chance(0.1) ? 0x10 : 0;
    this.counts.add(`fault error ${kind}`);
    if (packet.kind === 'publish') {
      const message = this.ledger.published.get(payloadNumber(packet.payload));
      if (message !== undefined) message.refused = true;
    }
    return prng.pick([0x80, 0x83, 0x87, 0x90, 0x97, 0x99]);
  }

  #moveTo(monotonicMs: number): void {
    this.epochMs += monotonicMs - this.monotonicMs;
    this.monotonicMs = monotonicMs;
  }

  #checkKeepAlive(): void {
    const { link, witness, monotonicMs } = this;
    const keepAliveMs = witness.keepAliveMs;
    if (link === undefined || link.clientEnded || this.#saidGoodbye || keepAliveMs === 0) return;
    if (monotonicMs < this.lenientUntilMs) return;
    const silentMs = monotonicMs - witness.lastSentMs;
    hold(
      silentMs <= keepAliveMs,
      19,
      () => `nothing sent for ${silentMs} ms, keep-alive is ${keepAliveMs}`,
    );
    if (this.#paused) return;
    const deafMs = monotonicMs - Math.max(witness.lastReceivedMs, this.#resumedMs);
    hold(
      deafMs <= keepAliveMs * 1.5,
      19,
      () => `alive after ${deafMs} ms without a byte, keep-alive is ${keepAliveMs}`,
    );
    if (witness.pingSentMs === undefined) return;
    const waitedMs =
      monotonicMs - Math.max(witness.pingSentMs, witness.lastReceivedMs, this.#resumedMs);
    hold(
      waitedMs <= this.options.engine.pingTimeoutMs,
      19,
      () => `no answer to PINGREQ for ${waitedMs} ms`,
    );
  }

  #paused = false;
  #resumedMs = 0;
  #saidGoodbye = false;

  get readingPaused(): boolean {
    return this.#paused && this.link?.dead !== true && this.link?.clientEnded !== true;
  }

  /** Reading stops while the inbox is full, unless an answer is awaited. */
  #updateReading(): void {
    const { engine } = this.process;
    const paused = engine.inboxFull && !engine.awaitingAnswer && this.link !== undefined;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (!paused) this.#resumedMs = this.monotonicMs;
    this.counts.add(paused ? 'reading paused' : 'reading resumed');
    engine.readingPaused(paused, this.now());
  }
}

function described(operation: SessionOperation): string {
  return JSON.stringify(operation, (key, value) =>
    key === 'payload' ? payloadNumber(value as Uint8Array) : value,
  );
}

const refusals5 = [
  0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99,
  0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
];
const refusals311 = [1, 2, 3, 4, 5];

/** A journal in which all packet identifiers but a few are retired. */
function retired(free: number): SessionOperation[] {
  const operations: SessionOperation[] = [];
  for (let packetIdentifier = free + 1; packetIdentifier <= 65_535; packetIdentifier++) {
    operations.push({
      type: 'outDone',
      sequence: 0,
      packetIdentifier,
      reasonCode: undefined,
      cause: 'serverLimit',
    });
  }
  return operations;
}
