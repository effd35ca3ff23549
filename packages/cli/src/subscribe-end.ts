import type { MqttError } from 'mqtt-kit';

/** What ends a program that prints messages. */
export type SubscribeEnd =
  | { readonly kind: 'count' | 'timeLimit' | 'signal' | 'readerGone' | 'idle' | 'recordFailed' }
  | { readonly kind: 'outputFailed'; readonly error: NodeJS.ErrnoException }
  | { readonly kind: 'refused' | 'givenUp'; readonly error: MqttError };
