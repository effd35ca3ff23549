/**
 * Topic aliases of one connection, one table for each direction (5.0, 3.3.2.3.4). Both die with the connection
 * [MQTT-3.3.2-7]: neither the session nor a store ever sees an alias.
 */
import type { PublishPacket } from '@mqtt-kit/packet';
import { ReasonCode } from '@mqtt-kit/packet';
import { ProtocolBreach } from './breach.ts';
import { type Linked, LinkedList } from './linked-list.ts';

/** The server's aliases. */
export class IncomingTopicAliases {
  readonly #maximum: number;
  readonly #topics: (string | undefined)[] = [];

  /** @param maximum the Topic Alias Maximum of our CONNECT; all from 1 up to it are taken. [MQTT-3.3.2-10] */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Makes the topic of a received PUBLISH absolute, and remembers what it teaches. */
  resolve(packet: PublishPacket): void {
    const alias = packet.properties.topicAlias;
    if (alias === undefined) {
      if (packet.topic === '') {
        throw new ProtocolBreach(
          ReasonCode.protocolError,
          'PUBLISH has neither a topic nor a Topic Alias',
        );
      }
      return;
    }
    if (alias === 0 || alias > this.#maximum) {
      throw new ProtocolBreach(
        ReasonCode.topicAliasInvalid,
        `PUBLISH has Topic Alias ${alias}, allowed is ${this.#maximum === 0 ? 'none' : `1 to ${this.#maximum}`}`,
      );
    }
    if (packet.topic !== '') {
      this.#topics[alias] = packet.topic;
      return;
    }
    const topic = this.#topics[alias];
    if (topic === undefined) {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        `PUBLISH has Topic Alias ${alias}, which stands for no topic yet`,
      );
    }
    packet.topic = topic;
  }
}

/** An alias of ours and the topic it stands for at present. */
export interface OutgoingTopicAlias extends Linked<OutgoingTopicAlias> {
  readonly alias: number;
  topic: string;
  /** For messages without properties of their own: made once. */
  readonly properties: { readonly topicAlias: number };
}

/** Our aliases: the topics sent last, as many as the server allows. [MQTT-3.3.2-9] */
export class OutgoingTopicAliases {
  readonly #maximum: number;
  readonly #byTopic = new Map<string, OutgoingTopicAlias>();
  /** The one used longest ago comes first. */
  readonly #byUse = new LinkedList<OutgoingTopicAlias>();

  /** @param maximum at least 1 */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias that stands for a topic, which counts as a use. */
  find(topic: string): OutgoingTopicAlias | undefined {
    const entry = this.#byTopic.get(topic);
    if (entry?.next !== undefined) {
      this.#byUse.remove(entry);
      this.#byUse.append(entry);
    }
    return entry;
  }

  /** The alias to send along with a topic that has none. It stands for the topic once `assign` says so. */
  candidate(): OutgoingTopicAlias {
    const alias = this.#byUse.size + 1;
    if (alias > this.#maximum) return this.#byUse.first!;
    return {
      alias,
      topic: '',
      properties: { topicAlias: alias },
      previous: undefined,
      next: undefined,
    };
  }

  /** The packet that carries this alias together with the topic has been encoded. */
  assign(entry: OutgoingTopicAlias, topic: string): void {
    if (this.#byTopic.get(entry.topic) === entry) {
      this.#byTopic.delete(entry.topic);
      this.#byUse.remove(entry);
    }
    entry.topic = topic;
    this.#byTopic.set(topic, entry);
    this.#byUse.append(entry);
  }
}
