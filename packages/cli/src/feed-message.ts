import type { MessageProperties } from 'mqtt-kit';

/** A message to publish; what is missing is as the command line says. */
export interface FeedMessage {
  readonly topic?: string | undefined;
  readonly payload: Uint8Array;
  readonly qos?: 0 | 1 | 2 | undefined;
  readonly retain?: boolean | undefined;
  readonly properties?: MessageProperties | undefined;
}

/** Messages one after the other. What it throws is told as a mistake in the input. */
export type MessageFeed = AsyncIterable<FeedMessage>;
