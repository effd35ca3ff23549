import type { SubscribeRequest, Ticket, UnsubscribeRequest } from './request.ts';

/** A request that was not answered yet, sent or not. */
export type SentRequest = {
  readonly ticket: Ticket;
  /** Whoever asked knows the outcome; the server's answer may still come. */
  settled: boolean;
} & (
  | { readonly kind: 'subscribe'; readonly request: SubscribeRequest }
  | { readonly kind: 'unsubscribe'; readonly request: UnsubscribeRequest }
);
