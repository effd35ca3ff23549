/** What a soaked client is told, and what it answers. */
export interface SoakOrder {
  readonly work: 'messages' | 'reconnects' | 'subscriptions';
  readonly qos: 0 | 1 | 2;
  readonly store: 'memory' | 'file';
  /** Where a file store goes. */
  readonly folder: string;
  /** Of the server, on the loopback interface. */
  readonly port: number;
  /** How many messages, reconnections or subscriptions in all, and how often to measure meanwhile. */
  readonly amount: number;
  readonly samples: number;
}

export interface SoakSample {
  /** Messages, reconnections or subscriptions so far. */
  readonly done: number;
  /** Heap and external memory after garbage collection. */
  readonly bytes: number;
  /** Kinds of open handles and requests, each as often as it is open. */
  readonly handles: readonly string[];
  /** On the process and on the signal of `connect`. */
  readonly listeners: number;
}
