import type { PublishPacket, QoS, UserProperty } from '@mqtt-kit/packet';
import { MqttUsageError } from './errors.ts';
import { jsonProblem } from './json-problem.ts';
import { given } from './option-check.ts';
import type { LooseParams, ParsedTopicPattern } from './topic-pattern.ts';

/** A received message. */
export interface Message<Params = Readonly<Record<string, string | string[]>>> {
  readonly topic: string;
  /**
   * The bytes as received: a view on the received chunk, which is never changed but lives as long as the view does
   * (up to 64 KiB). To keep a small payload for long, keep `payload.slice()`.
   */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** Sent because it was retained, or (5.0, Retain As Published) as its publisher set it. */
  readonly retain: boolean;
  /** The server may have sent it before. */
  readonly dup: boolean;
  /**
   * It comes from the session store: an earlier life of the process took it, and may have handed it to a handler
   * without living to see the end of that. Never set where the store is not durable.
   */
  readonly redelivered: boolean;
  /** What the named wildcards of the subscription's filter stand for. */
  readonly params: Params;
  /** `undefined` at QoS 0. */
  readonly packetIdentifier: number | undefined;

  readonly payloadFormatIndicator: number | undefined;
  readonly messageExpirySeconds: number | undefined;
  readonly contentType: string | undefined;
  readonly responseTopic: string | undefined;
  readonly correlationData: Uint8Array | undefined;
  readonly userProperties: readonly UserProperty[];
  readonly subscriptionIdentifiers: readonly number[];

  /** The payload as UTF-8 text, U+FFFD for what is not. */
  text(): string;
  /** The payload as JSON. Throws `MqttError` `invalidArgument` naming topic and position when it is not JSON. */
  json<T = unknown>(): T;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const noUserProperties: readonly UserProperty[] = Object.freeze([]);
const noIdentifiers: readonly number[] = Object.freeze([]);

/** A received message as one subscription sees it. What few ask for is made when it is asked for. */
export class ReceivedMessage implements Message<LooseParams> {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly redelivered: boolean;
  readonly packetIdentifier: number | undefined;
  readonly #packet: PublishPacket;
  readonly #pattern: ParsedTopicPattern | undefined;
  #params: LooseParams | undefined;

  /** Without a pattern for a message that no subscription matches. */
  constructor(packet: PublishPacket, pattern: ParsedTopicPattern | undefined, redelivered = false) {
    this.topic = packet.topic;
    this.payload = packet.payload;
    this.qos = packet.qos;
    this.retain = packet.retain;
    this.dup = packet.dup;
    this.redelivered = redelivered;
    this.packetIdentifier = packet.packetIdentifier;
    this.#packet = packet;
    this.#pattern = pattern;
    this.#params = undefined;
  }

  get params(): LooseParams {
    this.#params ??= this.#pattern?.params(this.topic) ?? {};
    return this.#params;
  }

  get payloadFormatIndicator(): number | undefined {
    return this.#packet.properties.payloadFormatIndicator;
  }

  get messageExpirySeconds(): number | undefined {
    return this.#packet.properties.messageExpiryInterval;
  }

  get contentType(): string | undefined {
    return this.#packet.properties.contentType;
  }

  get responseTopic(): string | undefined {
    return this.#packet.properties.responseTopic;
  }

  get correlationData(): Uint8Array | undefined {
    return this.#packet.properties.correlationData;
  }

  get userProperties(): readonly UserProperty[] {
    return this.#packet.properties.userProperties ?? noUserProperties;
  }

  get subscriptionIdentifiers(): readonly number[] {
    return this.#packet.properties.subscriptionIdentifiers ?? noIdentifiers;
  }

  text(): string {
    return decoder.decode(this.payload);
  }

  json<T = unknown>(): T {
    const text = this.text();
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new MqttUsageError(
        `the message on ${given(this.topic)} is not JSON: ${jsonProblem(text) ?? (cause as Error).message}`,
        { cause },
      );
    }
  }
}
