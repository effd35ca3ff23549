/** What the processes of a lane are told. */
export interface Order {
  readonly url: string;
  readonly version: '3.1.1' | '5.0';
  readonly clientId: string;
  readonly topic: string;
  readonly qos: 1 | 2;
  /** The directory of its file store; without one the session lives in memory. */
  readonly store: string | undefined;
  readonly durability: 'process' | 'power';
  /** The file it writes to, one line for each thing that happened. */
  readonly log: string;
}

export interface PublisherOrder extends Order {
  /** The first number of this life. */
  readonly first: number;
  /** Messages at a time, each 20 ms; with 0 only what earlier lives left is finished. */
  readonly burst: number;
}

export interface ReceiverOrder extends Order {
  readonly delivery: 'at-least-once' | 'transactional';
}
