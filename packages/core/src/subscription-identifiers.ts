import { NumberMap } from '@mqtt-kit/engine';
import type { SubscriptionTree } from './subscription-tree.ts';
import type { SubscriptionUse } from './subscription-use.ts';
import type { FilterEntry, Route } from './topic-filter-entry.ts';

/** Up to so many calls get an identifier of their own each. */
const ownIdentifiers = 100;

/**
 * Subscription Identifiers tell overlapping filters apart (rule 10 of the design). A SUBSCRIBE carries one for all its
 * filters, so filters that share no topic name share an identifier when they come in one call, or when there are many
 * of them: ten thousand plain topics fit into a few packets.
 */
export class SubscriptionIdentifiers {
  readonly #first: number;
  /** How many entries have an identifier. */
  #taken: NumberMap<number> | undefined;
  /** Those of filters whose UNSUBACK is awaited, and of how many each: copies for them may be on their way. */
  #ending: NumberMap<number> | undefined;

  /** @param first keeps the identifiers of this client apart from those of an earlier one in the same session */
  constructor(first: number) {
    this.#first = first;
  }

  isEnding(identifier: number): boolean {
    return this.#ending?.has(identifier) ?? false;
  }

  /**
   * An identifier that no filter has with which this one shares a topic name: that of the same call, or one that
   * nobody has, or when those become many, the lowest.
   */
  choose(topicFilter: string, use: SubscriptionUse, tree: SubscriptionTree<Route>): number {
    const overlapping = new Set<number>();
    for (const { entry } of tree.overlapping(topicFilter)) overlapping.add(entry.identifier);
    for (const { entry } of use.routes) {
      if (!overlapping.has(entry.identifier)) return entry.identifier;
      break;
    }
    const taken = this.#taken ?? overlapping;
    const avoided = taken.size < ownIdentifiers ? taken : overlapping;
    let identifier = this.#first;
    while (avoided.has(identifier) || overlapping.has(identifier)) identifier += 1;
    return identifier;
  }

  take({ identifier }: FilterEntry): void {
    this.#taken ??= new NumberMap();
    add(this.#taken, identifier, 1);
  }

  release({ identifier }: FilterEntry): void {
    if (this.#taken !== undefined) add(this.#taken, identifier, -1);
  }

  clear(): void {
    this.#taken = undefined;
  }

  /** They are ending until the answers are there. */
  end(entries: readonly FilterEntry[], answers: Promise<unknown>): void {
    this.#ending ??= new NumberMap();
    const ending = this.#ending;
    for (const { identifier } of entries) add(ending, identifier, 1);
    const ended = (): void => {
      for (const { identifier } of entries) add(ending, identifier, -1);
    };
    // Also where nobody waits for the answers any more.
    answers.then(ended, ended);
  }
}

function add(counts: NumberMap<number>, identifier: number, by: 1 | -1): void {
  const count = (counts.get(identifier) ?? 0) + by;
  if (count > 0) counts.set(identifier, count);
  else counts.delete(identifier);
}
