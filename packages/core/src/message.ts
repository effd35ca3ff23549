import type { Delivery } from '@mqtt-kit/engine';
import type { PublishPacket, QoS, UserProperty } from '@mqtt-kit/packet';
import { MqttUsageError } from './errors.ts';
import { jsonProblem } from './json-problem.ts';
import { given } from './option-check.ts';
import type { ManualReceipt } from './receipt.ts';
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
   * It was taken before by this session, and may have been handed to a handler, without that coming to an end: in an
   * earlier life of the process (it comes from the session store), or because `handlerFailure` left it for redelivery.
   * Not set for what the server sends again by itself: `dup` may tell that.
   */
  readonly redelivered: boolean;
  /**
   * Names the message as this client took it from the server, to know it again when it is redelivered: the same for
   * all subscriptions that get it. `undefined` at QoS 0.
   *
   * With a durable store it is the same after every restart, and unique for the life of the store; it is unique beyond
   * that, too, as long as the clock of the computer is not set back before the store was made. It grows in order of
   * arrival. With a memory store that holds for clients of one process that use the store one after the other; without
   * a store it names the message within its client alone. When the server sends a QoS 1 message again, because the
   * acknowledgement was lost, that is a new message with a new one: at QoS 2 it never is.
   */
  readonly deliveryId: number | undefined;
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

  /**
   * Says that the application has done with the message: for subscriptions with `acknowledge: 'manual'`. PUBACK or
   * PUBREC leaves then, in order of arrival, so behind those of earlier messages; with a durable store, which has
   * answered the server already, the message leaves the store.
   *
   * A reason code of 0x80 and above refuses the message (5.0, without a durable store). At QoS 0 the call does nothing,
   * and after the client was closed it has no effect; after the loss of the connection it counts at QoS 2, while at QoS 1
   * the server sends the message again, as another one.
   *
   * Throws `MqttError` `invalidArgument`, and changes nothing, on a second call, in a subscription that acknowledges by
   * itself, and for a reason code that cannot be sent.
   */
  acknowledge(reasonCode?: number): void;
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
  readonly deliveryId: number | undefined;
  readonly packetIdentifier: number | undefined;
  readonly #packet: PublishPacket;
  readonly #pattern: ParsedTopicPattern | undefined;
  readonly #manual: ManualReceipt | undefined;
  #params: LooseParams | undefined;

  /**
   * @param pattern none for a message that no subscription matches
   * @param manual where the application acknowledges
   */
  constructor(
    packet: PublishPacket,
    pattern: ParsedTopicPattern | undefined,
    redelivered = false,
    delivery: Delivery = 0,
    manual: ManualReceipt | undefined = undefined,
  ) {
    this.topic = packet.topic;
    this.payload = packet.payload;
    this.qos = packet.qos;
    this.retain = packet.retain;
    this.dup = packet.dup;
    this.redelivered = redelivered;
    this.deliveryId = delivery === 0 ? undefined : delivery;
    this.packetIdentifier = packet.packetIdentifier;
    this.#packet = packet;
    this.#pattern = pattern;
    this.#manual = manual;
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

  acknowledge(reasonCode = 0): void {
    if (this.#manual === undefined) {
      throw new MqttUsageError(
        "acknowledge() must be called for subscriptions with acknowledge: 'manual'; this one acknowledges by itself",
      );
    }
    this.#manual.acknowledge(reasonCode);
  }
}
