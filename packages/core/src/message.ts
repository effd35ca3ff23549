import type { QoS, UserProperty } from '@mqtt-kit/packet';

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
