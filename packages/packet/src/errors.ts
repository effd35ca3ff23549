/**
 * Received bytes that are no packet, or a packet that this end may not be sent.
 * The only error that decoding can give, whatever the bytes.
 */
export class MalformedPacketError extends Error {
  override readonly name = 'MalformedPacketError';
  /** What a 5.0 DISCONNECT answers with: 0x81 malformed, 0x82 protocol error, 0x95 too large, ... */
  readonly reasonCode: number;
  constructor(reasonCode: number, message: string) {
    super(message);
    this.reasonCode = reasonCode;
  }
}

/** A packet of our own that cannot be put on the wire. The message names the field, what was given and the limit. */
export class InvalidPacketError extends Error {
  override readonly name = 'InvalidPacketError';
}
