/** How often each thing happened: faults, packets in each state, transitions. */
export class Counts {
  readonly #counts = new Map<string, number>();

  add(name: string, times: number = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times);
  }

  merge(other: Readonly<Record<string, number>>): void {
    for (const [name, times] of Object.entries(other)) this.add(name, times);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}
