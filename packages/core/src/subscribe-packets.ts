import { type Negotiated, NumberMap, type Ticket } from '@mqtt-kit/engine';
import type { Driver } from './driver.ts';
import { packetsOf } from './filter-packets.ts';
import type { FilterEntry, FilterRequest } from './topic-filter-entry.ts';

/** A filter in a SUBSCRIBE, as it was asked for. */
export interface Asked {
  readonly entry: FilterEntry;
  readonly request: FilterRequest;
}

/** SUBSCRIBE packets whose answers are awaited: as few as properties allow. */
export class SubscribePackets {
  readonly #driver: Driver;
  /** Whether filters have Subscription Identifiers. Without, SUBSCRIBE need not wait for what CONNACK says of them. */
  readonly #identified: boolean;
  #byTicket: NumberMap<readonly Asked[]> | undefined;

  constructor(driver: Driver, identified: boolean) {
    this.#driver = driver;
    this.#identified = identified;
  }

  get settled(): boolean {
    return (this.#byTicket?.size ?? 0) === 0;
  }

  /**
   * SUBSCRIBE for those of the entries that the server does not hold, if there is a connection, or if the engine may be
   * left to find out when the first one has it: perhaps together with CONNECT.
   */
  requestMissing(entries: readonly FilterEntry[], negotiated: Negotiated | undefined): void {
    if (negotiated === undefined && this.#identified) return;
    const identified = this.#identified && negotiated?.subscriptionIdentifiersAvailable === true;
    const missing = entries.filter((entry) => entry.isMissing && entry.routes.size > 0);
    const packets = packetsOf(
      missing.map((entry): Asked => ({ entry, request: entry.wanted })),
      negotiated?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
      ({ entry }) => entry.topicFilter,
      ({ entry, request }) =>
        `${identified ? entry.identifier : ''} ${JSON.stringify(request.userProperties)}`,
    );
    for (const packet of packets) this.send(packet);
  }

  send(packet: readonly Asked[]): void {
    const { entry, request } = packet[0] as Asked;
    const { userProperties } = request;
    for (const asked of packet) asked.entry.sent = asked.request;
    const ticket = this.#driver.subscribe({
      subscriptions: packet.map((asked) => asked.request.subscription),
      properties: {
        ...(this.#identified && { subscriptionIdentifiers: [entry.identifier] }),
        ...(userProperties.length > 0 && { userProperties }),
      },
    });
    this.#byTicket ??= new NumberMap();
    this.#byTicket.set(ticket, packet);
  }

  /** What was asked for in the request that is answered. */
  take(ticket: Ticket): readonly Asked[] | undefined {
    const packet = this.#byTicket?.get(ticket);
    this.#byTicket?.delete(ticket);
    return packet;
  }

  clear(): void {
    this.#byTicket = undefined;
  }
}
