/**
 * The servers of a client, and which one is tried next.
 *
 * Attempts go in rounds: in each round every server whose turn it is is tried once, in the order of the list, and only
 * between rounds is there a wait. A server that failed is left out of more and more rounds, up to 15 in a row; a good
 * connection makes it as good as new, and begins the next round. While none has its turn, those do that have it soonest:
 * servers that all fail are all tried in each round.
 *
 * A server may send a client elsewhere: for once (the connection after that one goes by the list again), or for good.
 */
import type { ConnectionUrl } from './connection-url.ts';

interface Entry {
  url: ConnectionUrl;
  /** Attempts in a row without a good connection. */
  failures: number;
  /** The round in which it has its turn again. */
  dueRound: number;
  triedRound: number;
}

const mostRoundsLeftOut = 16;

export class ServerList {
  readonly #entries: readonly Entry[];
  #current: Entry;
  #elsewhere: ConnectionUrl | undefined;
  #round = 0;

  constructor(urls: readonly [ConnectionUrl, ...ConnectionUrl[]]) {
    this.#entries = urls.map((url) => ({ url, failures: 0, dueRound: 0, triedRound: -1 }));
    this.#current = this.#entries[0] as Entry;
  }

  /** The server of the current connection or attempt, or of the one to come. */
  get current(): ConnectionUrl {
    return this.#elsewhere ?? this.#current.url;
  }

  /** Whether the round goes on after the current attempt. */
  get hasUntried(): boolean {
    return this.#untried() !== undefined;
  }

  /** An attempt begins. */
  attempt(): void {
    this.#current.triedRound = this.#round;
  }

  /** The connection or attempt is over. Goes to the next server, and tells whether that is in the same round. */
  next(wasGood: boolean): boolean {
    const current = this.#current;
    this.#elsewhere = undefined;
    if (wasGood) {
      current.failures = 0;
      current.dueRound = this.#round + 1;
      this.#round += 1;
      return false;
    }
    current.failures += 1;
    current.dueRound = this.#round + Math.min(2 ** (current.failures - 1), mostRoundsLeftOut);
    const untried = this.#untried();
    if (untried !== undefined) {
      this.#current = untried;
      return true;
    }
    const soonest = Math.min(...this.#entries.map(({ dueRound }) => dueRound));
    this.#round = Math.max(this.#round + 1, soonest);
    this.#current = this.#untried() ?? current;
    return false;
  }

  /** The server sent us elsewhere. */
  redirect(url: ConnectionUrl, forGood: boolean): void {
    if (forGood) this.#current.url = url;
    this.#elsewhere = url;
  }

  #untried(): Entry | undefined {
    const round = this.#round;
    return this.#entries.find((entry) => entry.triedRound !== round && entry.dueRound <= round);
  }
}
