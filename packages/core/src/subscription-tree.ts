/**
 * Which topic filters match a topic name, for ten thousand filters as fast as for ten.
 *
 * A trie over topic levels, walked level by level without recursion, so that no topic, however deep, can exhaust the
 * stack. The result for a topic name is kept until the tree changes: streams of readings repeat few names.
 */
import { sharedSubscription } from '@mqtt-kit/packet';

/** Topic names whose result is kept, twice: in the current generation and in the one before it. */
const cacheGenerationSize = 4_096;

interface Node<T> {
  /** Named levels below. */
  children: Map<string, Node<T>> | undefined;
  /** The level `+`. */
  plus: Node<T> | undefined;
  /** What is filed under filters that end in `#` here. */
  below: Filed<T>[];
  /** What is filed under filters that end here. */
  here: Filed<T>[];
}

interface Filed<T> {
  readonly sequence: number;
  readonly value: T;
}

export class SubscriptionTree<T> {
  readonly #root: Node<T> = newNode();
  #sequence = 0;
  #recent: Map<string, readonly T[]> | undefined;
  #older: Map<string, readonly T[]> | undefined;

  /** Files a value under a valid filter. `$share/{name}/` is looked through. */
  add(topicFilter: string, value: T): void {
    const { levels, endsInHash } = filterLevels(topicFilter);
    let node = this.#root;
    for (const level of levels) node = descend(node, level);
    const filed = { sequence: ++this.#sequence, value };
    if (endsInHash) node.below = filedWith(node.below, filed);
    else node.here = filedWith(node.here, filed);
    this.#forgetResults();
  }

  /** Takes a value out again, and nodes that nothing needs with it. */
  remove(topicFilter: string, value: T): void {
    const { levels, endsInHash } = filterLevels(topicFilter);
    const path = [this.#root];
    for (const level of levels) {
      const next = child(path.at(-1) as Node<T>, level);
      if (next === undefined) return;
      path.push(next);
    }
    const last = path.at(-1) as Node<T>;
    const filed = endsInHash ? last.below : last.here;
    const index = filed.findIndex((item) => item.value === value);
    if (index < 0) return;
    filed.splice(index, 1);
    this.#prune(path, levels);
    this.#forgetResults();
  }

  /** The values under all filters that match, in the order in which they were filed. Not to be changed. (4.7) */
  match(topicName: string): readonly T[] {
    let result = this.#recent?.get(topicName);
    if (result !== undefined) return result;
    result = this.#older?.get(topicName) ?? this.#walk(topicName);
    if (this.#recent === undefined || this.#recent.size >= cacheGenerationSize) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(topicName, result);
    return result;
  }

  /** The values under all filters for which there is a topic name that both match. */
  overlapping(topicFilter: string): Set<T> {
    const { levels, endsInHash } = filterLevels(topicFilter);
    const found = new Set<T>();
    let nodes = [this.#root];
    levels.forEach((level, depth) => {
      const next: Node<T>[] = [];
      for (const node of nodes) {
        // Wildcards in the first level do not match names that begin with "$". [MQTT-4.7.2-1]
        const wildcardsCount = depth > 0 || !level.startsWith('$');
        if (wildcardsCount) collect(node.below, found);
        if (wildcardsCount && node.plus !== undefined) next.push(node.plus);
        if (level === '+') next.push(...namedChildren(node, depth));
        else if (node.children?.has(level)) next.push(node.children.get(level) as Node<T>);
      }
      nodes = next;
    });
    for (const node of nodes) {
      collect(node.below, found);
      if (endsInHash) collectAll(node, levels.length, found);
      else collect(node.here, found);
    }
    return found;
  }

  #walk(topicName: string): readonly T[] {
    const found: Filed<T>[] = [];
    let nodes = [this.#root];
    let start = 0;
    for (let depth = 0; nodes.length > 0; depth++) {
      const wildcardsCount = depth > 0 || !topicName.startsWith('$'); // [MQTT-4.7.2-1]
      // "#" includes the level above it: "a/#" matches "a". [MQTT-4.7.1-1]
      if (wildcardsCount) for (const node of nodes) found.push(...node.below);
      if (start > topicName.length) {
        for (const node of nodes) found.push(...node.here);
        break;
      }
      const slash = topicName.indexOf('/', start);
      const end = slash < 0 ? topicName.length : slash;
      const level = topicName.slice(start, end);
      const next: Node<T>[] = [];
      for (const node of nodes) {
        const named = node.children?.get(level);
        if (named !== undefined) next.push(named);
        if (wildcardsCount && node.plus !== undefined) next.push(node.plus);
      }
      nodes = next;
      start = end + 1;
    }
    return found.sort((a, b) => a.sequence - b.sequence).map((item) => item.value);
  }

  #prune(path: readonly Node<T>[], levels: readonly string[]): void {
    for (let depth = levels.length; depth > 0; depth--) {
      const node = path[depth] as Node<T>;
      const used = node.here.length > 0 || node.below.length > 0 || node.plus !== undefined;
      if (used || node.children?.size) return;
      const parent = path[depth - 1] as Node<T>;
      const level = levels[depth - 1] as string;
      if (level === '+') parent.plus = undefined;
      else parent.children?.delete(level);
    }
  }

  #forgetResults(): void {
    this.#recent = undefined;
    this.#older = undefined;
  }
}

function newNode<T>(): Node<T> {
  return { children: undefined, plus: undefined, below: nothing, here: nothing };
}

/** What is filed where nothing is. */
const nothing: never[] = [];

function filedWith<T>(filed: Filed<T>[], added: Filed<T>): Filed<T>[] {
  if (filed === nothing) return [added];
  filed.push(added);
  return filed;
}

/** The levels of a filter without its `$share/{name}/` and without a last `#`. */
function filterLevels(topicFilter: string): {
  readonly levels: readonly string[];
  readonly endsInHash: boolean;
} {
  const levels = (sharedSubscription(topicFilter)?.topicFilter ?? topicFilter).split('/');
  const endsInHash = levels.at(-1) === '#';
  if (endsInHash) levels.pop();
  return { levels, endsInHash };
}

function child<T>(node: Node<T>, level: string): Node<T> | undefined {
  return level === '+' ? node.plus : node.children?.get(level);
}

function descend<T>(node: Node<T>, level: string): Node<T> {
  const existing = child(node, level);
  if (existing !== undefined) return existing;
  const created = newNode<T>();
  if (level === '+') {
    node.plus = created;
  } else {
    node.children ??= new Map();
    node.children.set(level, created);
  }
  return created;
}

function namedChildren<T>(node: Node<T>, depth: number): Node<T>[] {
  const children = [...(node.children ?? [])];
  const visible = depth > 0 ? children : children.filter(([level]) => !level.startsWith('$'));
  return visible.map(([, next]) => next);
}

function collect<T>(filed: readonly Filed<T>[], found: Set<T>): void {
  for (const { value } of filed) found.add(value);
}

/** A node and everything under it. */
function collectAll<T>(top: Node<T>, topDepth: number, found: Set<T>): void {
  let nodes = [top];
  for (let depth = topDepth; nodes.length > 0; depth++) {
    const next: Node<T>[] = [];
    for (const node of nodes) {
      collect(node.here, found);
      collect(node.below, found);
      if (node.plus !== undefined) next.push(node.plus);
      for (const named of namedChildren(node, depth)) next.push(named);
    }
    nodes = next;
  }
}
