import type { SubscribeRequest, Ticket, UnsubscribeRequest } from './request.ts';

/** A request that was not answered yet, sent or not. */
export type SentRequest =
  | { readonly kind: 'subscribe'; readonly ticket: Ticket; readonly request: SubscribeRequest }
  | { readonly kind: 'unsubscribe'; readonly ticket: Ticket; readonly request: UnsubscribeRequest };
