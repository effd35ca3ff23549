/** What the model broker keeps of one client beyond a connection: subscriptions and both flows of messages. */
import { filterMatches } from './model-broker-packets.ts';

/** A message to the client, from acceptance to its last acknowledgement. */
export interface Outbound {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 1 | 2;
  /** 0 while it has none. */
  packetIdentifier: number;
  state: 'queued' | 'sent' | 'released';
  /** The connection on which its PUBLISH or PUBREL left last. */
  connection: number;
  /** Whether that was its PUBLISH: then it holds a place within the client's Receive Maximum. */
  holdsPlace: boolean;
}

export interface ModelSubscription {
  readonly qos: 0 | 1 | 2;
  readonly identifier: number;
}

export class ModelSession {
  readonly clientId: string;
  /** Names this session among all of one broker: a new one has a new number. */
  readonly epoch: number;
  readonly subscriptions: Map<string, ModelSubscription> = new Map();
  /** Packet identifiers of received QoS 2 messages whose PUBREL has not come. */
  readonly received: Set<number> = new Set();
  /** When the last PUBREC for each of them was sent: places in one order. */
  readonly receivedOrder: Map<number, number> = new Map();
  /** In the order of acceptance. */
  readonly outbound: Outbound[] = [];
  lastReceivedOrder = 0;
  #lastIdentifier = 0;

  constructor(clientId: string, epoch: number) {
    this.clientId = clientId;
    this.epoch = epoch;
  }

  /** The strongest subscription that matches a topic. */
  match(topic: string): ModelSubscription | undefined {
    let found: ModelSubscription | undefined;
    for (const [filter, subscription] of this.subscriptions) {
      if (!filterMatches(filter, topic)) continue;
      if (found === undefined || subscription.qos > found.qos) found = subscription;
    }
    return found;
  }

  add(topic: string, payload: Uint8Array, qos: 1 | 2): void {
    this.outbound.push({
      topic,
      payload,
      qos,
      packetIdentifier: 0,
      state: 'queued',
      connection: 0,
      holdsPlace: false,
    });
  }

  find(packetIdentifier: number): Outbound | undefined {
    return this.outbound.find((message) => message.packetIdentifier === packetIdentifier);
  }

  remove(message: Outbound): void {
    const index = this.outbound.indexOf(message);
    if (index >= 0) this.outbound.splice(index, 1);
  }

  /** A packet identifier that no message to the client has. */
  freeIdentifier(): number {
    do this.#lastIdentifier = (this.#lastIdentifier % 65_535) + 1;
    while (this.find(this.#lastIdentifier) !== undefined);
    return this.#lastIdentifier;
  }
}
