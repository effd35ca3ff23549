import type { Message } from 'mqtt-kit';

/** Prints messages. */
export interface Printer {
  print(message: Message): void;
  /** The program is about to end. */
  end?(): void;
}

/** What is known of the messages to come. */
export interface PrinterSetting {
  readonly topicFilters: readonly string[];
  readonly showTopic: boolean;
  /** Whether messages of more than one topic may come. */
  readonly severalTopics: boolean;
  /** Where the messages come from, for people. */
  readonly server: string;
  /** Whether Subscription Identifiers are as they were asked for. */
  readonly identifiersShown: boolean;
  /** The properties of a message as they came, by its payload. */
  readonly received?: WeakMap<Uint8Array, object>;
}

/** Views take the place of one line for each message. */
export type ViewName = 'table' | 'tree' | 'stats' | 'watch' | 'message-rate';
