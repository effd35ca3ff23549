/**
 * All subscriptions of a client: which topic filters the server is to know, which it does know, and whom a message
 * concerns.
 *
 * Several uses of a filter share one `FilterEntry` and one SUBSCRIBE. An entry is filed from the call of `subscribe`
 * on, so that a message that comes before SUBACK finds its handler, and so that nothing is forgotten when the
 * connection is lost in between: when the next one stands, everything that the server's session does not hold is asked
 * for again, in as few packets as properties allow. What the server refuses is taken out and not asked for again.
 */
import type { Negotiated, RequestOutcome, Ticket } from '@mqtt-kit/engine';
import { ReasonCode, sharedSubscription, type UserProperty } from '@mqtt-kit/packet';
import type { ClientSubscription } from './client-subscription.ts';
import type { Clock } from './clock.ts';
import { describeReason } from './connection-error.ts';
import type { Consumer } from './consumer.ts';
import type { Waiting } from './delivery.ts';
import type { Driver } from './driver.ts';
import { MqttError, MqttUsageError } from './errors.ts';
import { hasLimits, type Limits, RequestLimits } from './request-limits.ts';
import { SmallSet } from './small-set.ts';
import type { SubscribeSettings, UnsubscribeSettings } from './subscribe-options.ts';
import { type Asked, SubscribePackets } from './subscribe-packets.ts';
import { limitCode, refusal } from './subscribe-refusal.ts';
import { SubscriptionIdentifiers } from './subscription-identifiers.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import { SubscriptionUse } from './subscription-use.ts';
import { FilterEntry, type FilterRequest, type Route } from './topic-filter-entry.ts';
import type { ParsedTopicPattern } from './topic-pattern.ts';
import { Unsubscriptions } from './unsubscriptions.ts';

export interface SubscriptionsOwner {
  /** A filter has a new use: messages that are held may have a handler now. */
  onAdded(): void;
  /** Messages that waited for a handler that is gone. */
  onAbandoned(waiting: readonly Waiting[]): void;
  onError(error: MqttError): void;
}

export interface SubscriptionsSettings {
  /** Whether the server may keep a session, and filters in it, beyond a connection. */
  readonly sessionKept: boolean;
  /** Whether the server may hold what is not known here, whatever becomes of the session. */
  readonly foreignFilters: boolean;
  /** Whether filters have Subscription Identifiers. */
  readonly identified: boolean;
  /** Keeps the identifiers of this client apart from those of an earlier one in the same session. */
  readonly firstIdentifier: number;
}

export class Subscriptions {
  readonly tree: SubscriptionTree<Route> = new SubscriptionTree();
  readonly #clock: Clock;
  readonly #owner: SubscriptionsOwner;
  readonly #settings: SubscriptionsSettings;
  #entries: Map<string, FilterEntry> | undefined;
  readonly #identifiers: SubscriptionIdentifiers;
  readonly #uses = new SmallSet<SubscriptionUse>();
  readonly #packets: SubscribePackets;
  readonly #unsubscriptions: Unsubscriptions;
  #negotiated: Negotiated | undefined;
  #revision = 0;
  /** Left for the first connection to ask, and not wanted any more before it stood. */
  readonly #unwanted = new SmallSet<FilterRequest>();

  constructor(
    driver: Driver,
    clock: Clock,
    owner: SubscriptionsOwner,
    settings: SubscriptionsSettings,
  ) {
    this.#clock = clock;
    this.#owner = owner;
    this.#settings = settings;
    this.#packets = new SubscribePackets(driver, settings.identified);
    this.#unsubscriptions = new Unsubscriptions(driver);
    this.#identifiers = new SubscriptionIdentifiers(settings.firstIdentifier);
  }

  /** Whether this Subscription Identifier belonged to a filter whose UNSUBACK is awaited. */
  isEnding(identifier: number): boolean {
    return this.#identifiers.isEnding(identifier);
  }

  /** Whether neither SUBACK nor UNSUBACK is awaited. */
  get settled(): boolean {
    return this.#packets.settled && this.#unsubscriptions.settled;
  }

  /** Resolves when the server has granted all filters. Nothing is changed when the arguments cannot be. */
  subscribe(
    patterns: readonly ParsedTopicPattern[],
    settings: SubscribeSettings,
    makeConsumer: (onReturn: () => void) => Consumer,
  ): Promise<ClientSubscription> {
    for (const { filter } of patterns) this.#checkFilter(filter, settings);
    const filters = patterns.map(({ filter }) => filter);
    const use = new SubscriptionUse(this, filters, makeConsumer);
    this.#uses.add(use);
    this.#watch(use, settings.limits, patterns);
    const entries = patterns.map((pattern) => this.#join(use, pattern, settings));
    this.#packets.requestMissing(entries, this.#negotiated);
    this.#owner.onAdded();
    use.settleIfAnswered();
    return use.result;
  }

  /** Ends one use of its filters. Resolves when the server has forgotten those that nobody else uses. */
  async end(use: SubscriptionUse, limits: Limits | undefined): Promise<void> {
    const entries = Array.from(use.routes, ({ entry }) => entry);
    this.#endUse(use, undefined);
    const reasonCodes = await this.#leave(entries, [], limits);
    const failed = reasonCodes.findIndex((reasonCode) => reasonCode >= 0x80);
    if (failed < 0) return;
    const reasonCode = reasonCodes[failed] as number;
    const filter = JSON.stringify(entries[failed]?.topicFilter);
    const why = describeReason(reasonCode, undefined);
    throw new MqttError(
      'serverRefused',
      `the server refused to end the subscription to ${filter}: ${why}`,
      { reasonCode },
    );
  }

  /** Ends all uses of filters. Resolves with the server's reason code for each. */
  unsubscribe(
    topicFilters: readonly string[],
    { userProperties, limits }: UnsubscribeSettings,
  ): Promise<readonly number[]> {
    const entries = topicFilters.map((topicFilter) => {
      const entry = this.#entries?.get(topicFilter);
      if (entry === undefined) return this.#foreignEntry(topicFilter);
      for (const route of entry.routes) this.#removeRoute(route, undefined);
      return entry;
    });
    return this.#leave(entries, userProperties, limits);
  }

  /**
   * A connection stands: everything that the server's session does not hold is asked for. Returns how many filters it
   * had held.
   */
  onConnected(negotiated: Negotiated, sessionPresent: boolean): number {
    let forgotten = 0;
    this.#negotiated = negotiated;
    for (const entry of this.#entries?.values() ?? []) {
      if (!sessionPresent && entry.granted !== undefined) forgotten += 1;
      if (!sessionPresent) entry.granted = undefined;
      else if (entry.granted?.request === entry.wanted)
        this.#answer(entry, entry.wanted.revision, entry.granted.reasonCode);
    }
    this.#packets.requestMissing([...(this.#entries?.values() ?? [])], negotiated);
    this.#unsubscriptions.onConnected(negotiated, sessionPresent, (topicFilter) =>
      this.#has(topicFilter),
    );
    return forgotten;
  }

  /** What was asked for on the connection has failed; what still is to be, the engine keeps for the next one. */
  onDisconnected(): void {
    this.#negotiated = undefined;
    this.#unsubscriptions.onDisconnected(this.#settings.sessionKept);
  }

  /** The engine is gone, and with it what it was asked for. */
  onStoreFailed(): void {
    this.#packets.clear();
    for (const entry of this.#entries?.values() ?? []) entry.sent = undefined;
    this.onDisconnected();
  }

  onSubscribed(ticket: Ticket, outcome: RequestOutcome): void {
    const packet = this.#packets.take(ticket);
    if (packet === undefined) return;
    if (outcome.kind === 'acknowledged') {
      const { reasonString } = outcome.properties;
      packet.forEach((asked, index) => {
        const reasonCode = outcome.reasonCodes[index] ?? ReasonCode.unspecifiedError;
        if (reasonCode < 0x80) this.#granted(asked, reasonCode);
        else this.#refused(asked, reasonCode, refusal(asked.entry, reasonCode, reasonString));
      });
    } else if (outcome.code === 'connectionLost') {
      for (const { entry, request } of packet) {
        if (entry.sent === request) entry.sent = undefined;
      }
    } else {
      // One of them is more than the server takes; which one shows when each goes alone.
      if (packet.length > 1) for (const asked of packet) this.#packets.send([asked]);
      else for (const asked of packet) this.#overLimit(asked, outcome.message);
    }
  }

  onUnsubscribed(ticket: Ticket, outcome: RequestOutcome): void {
    this.#unsubscriptions.onUnsubscribed(ticket, outcome);
  }

  /** The client is over: what is unsettled rejects with `error`; iterators end, with `why` if there is a reason. */
  close(error: MqttError, why: MqttError | undefined): void {
    for (const use of this.#uses) {
      use.rejectQuietly(error);
      this.#endUse(use, why);
    }
    this.#unsubscriptions.close(error);
    this.#entries = undefined;
    this.#identifiers.clear();
    this.#packets.clear();
  }

  #checkFilter(topicFilter: string, settings: SubscribeSettings): void {
    const shown = JSON.stringify(topicFilter);
    if (settings.noLocal && sharedSubscription(topicFilter) !== undefined) {
      // [MQTT-3.8.3-4]
      throw new MqttUsageError(
        `noLocal must be false for a shared subscription; got true for ${shown}`,
      );
    }
    const wanted = this.#entries?.get(topicFilter)?.wanted.subscription;
    if (wanted === undefined) return;
    for (const name of ['noLocal', 'retainAsPublished'] as const) {
      if (wanted[name] === settings[name]) continue;
      throw new MqttUsageError(
        `${name} must be ${wanted[name]}, as in the subscription to ${shown} that stands already; got ${settings[name]}`,
        { hint: 'A client has one subscription for each filter: end the other one first.' },
      );
    }
  }

  /** Files one use of a filter, and asks for more when its QoS is higher than what others want. */
  #join(
    use: SubscriptionUse,
    pattern: ParsedTopicPattern,
    settings: SubscribeSettings,
  ): FilterEntry {
    const topicFilter = pattern.filter;
    let entry = this.#entries?.get(topicFilter);
    if (entry === undefined) {
      const identifier = this.#identifiers.choose(topicFilter, use, this.tree);
      entry = new FilterEntry(topicFilter, identifier, this.#newRequest(topicFilter, settings));
      this.#addEntry(entry);
    } else if (settings.qos > entry.wanted.subscription.qos) {
      entry.wanted = this.#newRequest(topicFilter, settings);
    }
    const route: Route = { entry, use, pattern };
    entry.routes.add(route);
    use.routes.add(route);
    this.tree.add(topicFilter, route);
    const granted = this.#negotiated === undefined ? undefined : entry.granted;
    if (granted !== undefined && granted.request.subscription.qos >= settings.qos) {
      use.answer(topicFilter, granted.reasonCode, undefined);
    } else {
      entry.wait(route);
    }
    return entry;
  }

  #newRequest(topicFilter: string, settings: SubscribeSettings): FilterRequest {
    const { qos, noLocal, retainAsPublished, retainHandling, userProperties } = settings;
    this.#revision += 1;
    return {
      subscription: { topicFilter, qos, noLocal, retainAsPublished, retainHandling },
      userProperties,
      revision: this.#revision,
    };
  }

  #has(topicFilter: string): boolean {
    return this.#entries?.has(topicFilter) ?? false;
  }

  #addEntry(entry: FilterEntry): void {
    this.#entries ??= new Map();
    this.#entries.set(entry.topicFilter, entry);
    this.#identifiers.take(entry);
  }

  /** Does nothing when another entry has its place. */
  #dropEntry(entry: FilterEntry): void {
    if (this.#entries?.get(entry.topicFilter) !== entry) return;
    this.#entries?.delete(entry.topicFilter);
    this.#identifiers.release(entry);
  }

  /** The caller's limits end the call, and once it is settled its signal ends the subscription. */
  #watch(use: SubscriptionUse, limits: Limits, patterns: readonly ParsedTopicPattern[]): void {
    if (!hasLimits(limits)) return;
    const { signal } = limits;
    const what = `the subscription to ${listed(patterns.map(({ pattern }) => pattern))}`;
    const waiting = new RequestLimits(this.#clock, limits, what, (error) => {
      use.reject(error);
      this.#endQuietly(use);
    });
    use.onSettled = () => {
      waiting.stop();
      if (signal === undefined || !this.#uses.has(use)) return;
      const end = (): void => this.#endQuietly(use);
      signal.addEventListener('abort', end, { once: true });
      use.onEnded = () => signal.removeEventListener('abort', end);
    };
  }

  #endQuietly(use: SubscriptionUse): void {
    this.end(use, undefined).catch(() => {
      // The caller's signal has ended it: nobody waits for the server's answer.
    });
  }

  #endUse(use: SubscriptionUse, why: MqttError | undefined): void {
    for (const route of use.routes) this.#removeRoute(route, why);
  }

  /** Takes one route out. A use without routes is over. */
  #removeRoute(route: Route, why: MqttError | undefined): void {
    const { entry, use } = route;
    entry.routes.delete(route);
    this.tree.remove(entry.topicFilter, route);
    use.routes.delete(route);
    if (use.routes.size === 0 && this.#uses.delete(use)) {
      use.onEnded();
      const abandoned = use.consumer.end(why);
      if (abandoned.length > 0) this.#owner.onAbandoned(abandoned);
    }
    if (!entry.stopWaiting(route)) return;
    // Somebody ended it before the server answered.
    use.answer(entry.topicFilter, ReasonCode.noSubscriptionExisted, undefined);
    if (use.routes.size > 0) use.settleIfAnswered();
    else use.reject(new MqttError('aborted', 'the subscription was ended before it was granted'));
  }

  #granted({ entry, request }: Asked, reasonCode: number): void {
    if (entry.sent === request) entry.sent = undefined;
    entry.granted = { request, reasonCode };
    this.#answer(entry, request.revision, reasonCode);
    if (this.#unwanted.delete(request) && !this.#has(entry.topicFilter)) {
      this.#unsubscriptions.leave([entry.topicFilter], []);
    }
  }

  /** Nobody asks for it again: those who wait are told, and those who had it until it was lost, too. */
  #refused({ entry, request }: Asked, reasonCode: number, error: MqttError): void {
    if (entry.sent === request) entry.sent = undefined;
    if (entry.wanted === request && entry.granted !== undefined) {
      entry.wanted = entry.granted.request;
    }
    const answered = entry.answer(request.revision, reasonCode, error);
    for (const route of answered) this.#removeRoute(route, error);
    if (entry.granted === undefined) {
      const orphans = [...entry.routes].filter((route) => !entry.isWaiting(route));
      for (const route of orphans) this.#removeRoute(route, error);
      if (orphans.length > 0) this.#owner.onError(error);
    }
    if (entry.routes.size === 0) this.#dropEntry(entry);
    for (const { use } of answered) use.settleIfAnswered();
  }

  #overLimit(asked: Asked, message: string): void {
    const { topicFilter } = asked.entry;
    this.#refused(asked, limitCode(topicFilter), new MqttError('serverLimit', message));
  }

  #answer(entry: FilterEntry, revision: number, reasonCode = 0): void {
    for (const { use } of entry.answer(revision, reasonCode, undefined)) use.settleIfAnswered();
  }

  /** A filter that this client does not use: the session of an earlier one may hold it. */
  #foreignEntry(topicFilter: string): FilterEntry {
    const subscription = {
      topicFilter,
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    const request = { subscription, userProperties: [], revision: 0 };
    const entry = new FilterEntry(topicFilter, 1, request);
    const { sessionKept, foreignFilters } = this.#settings;
    if (sessionKept || foreignFilters) entry.granted = { request, reasonCode: 0 };
    return entry;
  }

  /** UNSUBSCRIBE for those filters that nobody uses any more. Resolves with a reason code for each of all. */
  async #leave(
    entries: readonly FilterEntry[],
    userProperties: readonly UserProperty[],
    limits: Limits | undefined,
  ): Promise<readonly number[]> {
    const gone = new Map<FilterEntry, number>();
    for (const entry of entries) {
      if (entry.routes.size > 0) continue;
      this.#dropEntry(entry);
      const online = this.#negotiated !== undefined;
      if (!online && entry.sent !== undefined) this.#unwanted.add(entry.sent);
      if (entry.mayBeKnown && (online || this.#settings.sessionKept)) {
        gone.set(entry, gone.size);
      }
    }
    const filters = Array.from(gone.keys(), ({ topicFilter }) => topicFilter);
    const answers = Promise.all(this.#unsubscriptions.leave(filters, userProperties));
    this.#identifiers.end([...gone.keys()], answers);
    const codes = await this.#within(answers, limits, filters);
    return entries.map((entry) => {
      if (entry.routes.size > 0) return ReasonCode.success;
      return codes[gone.get(entry) ?? -1] ?? ReasonCode.noSubscriptionExisted;
    });
  }

  #within<T>(
    answer: Promise<T>,
    limits: Limits | undefined,
    filters: readonly string[],
  ): Promise<T> {
    if (filters.length === 0 || !hasLimits(limits)) return answer;
    return new Promise((resolve, reject) => {
      const what = `the end of the subscription to ${listed(filters)}`;
      const waiting = new RequestLimits(this.#clock, limits, what, reject);
      answer.then(resolve, reject).finally(() => waiting.stop());
    });
  }
}

function listed(filters: readonly string[]): string {
  const shown = filters.slice(0, 3).map((filter) => JSON.stringify(filter));
  return filters.length > 3
    ? `${shown.join(', ')} and ${filters.length - 3} more`
    : shown.join(', ');
}
