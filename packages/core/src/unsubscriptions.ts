/**
 * Topic filters that the server is to forget. Each is kept until UNSUBACK: a connection that is lost in between does
 * not leave a subscription behind that nobody knows of.
 */
import { type Negotiated, NumberMap, type RequestOutcome, type Ticket } from '@mqtt-kit/engine';
import { ReasonCode, type UserProperty } from '@mqtt-kit/packet';
import type { Driver } from './driver.ts';
import type { MqttError } from './errors.ts';
import { packetsOf } from './filter-packets.ts';
import { SmallSet } from './small-set.ts';

export class Unsubscriptions {
  readonly #driver: Driver;
  readonly #leaving = new SmallSet<Leaving>();
  #byTicket: NumberMap<readonly Leaving[]> | undefined;
  #negotiated: Negotiated | undefined;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Whether no UNSUBACK is awaited. */
  get settled(): boolean {
    return (this.#byTicket?.size ?? 0) === 0;
  }

  /** Resolves with the server's reason code for each filter; while there is no connection, with a later one. */
  leave(
    topicFilters: readonly string[],
    userProperties: readonly UserProperty[],
  ): readonly Promise<number>[] {
    const items = topicFilters.map((topicFilter) => new Leaving(topicFilter, userProperties));
    for (const item of items) this.#leaving.add(item);
    this.#request(items);
    return items.map((item) => item.reasonCode);
  }

  /** `isWanted` says whether somebody has subscribed to a filter again. */
  onConnected(
    negotiated: Negotiated,
    sessionPresent: boolean,
    isWanted: (topicFilter: string) => boolean,
  ): void {
    this.#negotiated = negotiated;
    for (const item of this.#leaving) {
      if (isWanted(item.topicFilter)) this.#left(item, ReasonCode.success);
      else if (!sessionPresent) this.#left(item, ReasonCode.noSubscriptionExisted);
    }
    this.#request([...this.#leaving]);
  }

  onDisconnected(sessionKept: boolean): void {
    this.#negotiated = undefined;
    this.#byTicket = undefined;
    if (sessionKept) return;
    for (const item of this.#leaving) this.#left(item, ReasonCode.noSubscriptionExisted);
  }

  onUnsubscribed(ticket: Ticket, outcome: RequestOutcome): void {
    const items = this.#byTicket?.get(ticket);
    if (items === undefined) return;
    this.#byTicket?.delete(ticket);
    if (outcome.kind === 'acknowledged') {
      items.forEach((item, index) => {
        this.#left(item, outcome.reasonCodes[index] ?? ReasonCode.unspecifiedError);
      });
    } else if (outcome.code !== 'connectionLost') {
      // One of them is larger than the server takes; which one shows when each goes alone.
      if (items.length > 1) for (const item of items) this.#send([item]);
      else for (const item of items) this.#left(item, ReasonCode.packetTooLarge);
    }
  }

  close(error: MqttError): void {
    for (const item of this.#leaving) item.reject(error);
    this.#leaving.clear();
    this.#byTicket = undefined;
  }

  #request(items: readonly Leaving[]): void {
    if (this.#negotiated === undefined || items.length === 0) return;
    const packets = packetsOf(
      items,
      this.#negotiated.maximumPacketSize,
      (item) => item.topicFilter,
      (item) => JSON.stringify(item.userProperties),
    );
    for (const packet of packets) this.#send(packet);
  }

  #send(items: readonly Leaving[]): void {
    const { userProperties } = items[0] as Leaving;
    const ticket = this.#driver.unsubscribe({
      topicFilters: items.map((item) => item.topicFilter),
      properties: userProperties.length === 0 ? {} : { userProperties },
    });
    this.#byTicket ??= new NumberMap();
    this.#byTicket.set(ticket, items);
  }

  #left(item: Leaving, reasonCode: number): void {
    this.#leaving.delete(item);
    item.resolve(reasonCode);
  }
}

class Leaving {
  readonly topicFilter: string;
  readonly userProperties: readonly UserProperty[];
  readonly reasonCode: Promise<number>;
  resolve: (reasonCode: number) => void = nothing;
  reject: (error: MqttError) => void = nothing;

  constructor(topicFilter: string, userProperties: readonly UserProperty[]) {
    this.topicFilter = topicFilter;
    this.userProperties = userProperties;
    this.reasonCode = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever asked hears it from the promise that is made of this one.
    this.reasonCode.catch(nothing);
  }
}

function nothing(): void {}
