/**
 * Interleaved measurements. A cell compares contestants that do the same work: each round runs all of them one after
 * the other, in turned order, and the first one a second time. Ratios are taken inside a round, between neighbours in
 * time; that of the first to itself, which ought to be 1, shows what a difference is worth on this machine.
 *
 * @typedef {Readonly<Record<string, number>>} Sample what one run measured, by metric; units last in the names
 * @typedef {{ readonly name: string, measure(): Promise<Readonly<Record<string, Sample>>> }} Contestant
 *   measures once, each row of its cell
 * @typedef {object} Cell
 * @property {string} name for `--only`; its rows are named so, or begin so
 * @property {string} group
 * @property {readonly Contestant[]} contestants the one that others are compared with first
 * @property {import('./report.mjs').ColumnSet} [columns] what its table shows; `messages` without it
 * @property {boolean} [quick] whether it belongs to a quick run
 * @property {boolean} [constant] measured once: it has no noise
 *
 * @typedef {{ readonly name: string, readonly samples: readonly Sample[] }} Measured
 * @typedef {{ readonly name: string, readonly group: string, readonly measured: readonly Measured[] }} Row
 */

/** The second run of the first contestant. */
export const again = 'again';

/**
 * @param {Cell} cell @param {number} rounds @param {(round: number) => void} onRound
 * @returns {Promise<readonly Row[]>}
 */
export async function measureCell({ name, group, contestants, constant }, rounds, onRound) {
  const [first] = contestants;
  if (first === undefined) return [];
  const places = constant ? contestants : [...contestants, { name: again, measure: first.measure }];
  /** @type {Map<string, Map<string, Sample[]>>} */
  const rows = new Map();
  for (let round = 0; round < (constant ? 1 : rounds); round += 1) {
    onRound(round);
    const at = round % places.length;
    for (const place of [...places.slice(at), ...places.slice(0, at)]) {
      for (const [row, sample] of Object.entries(await measured(place, name))) {
        const ofRow = rows.get(row) ?? new Map(places.map((one) => [one.name, []]));
        rows.set(row, ofRow);
        ofRow.get(place.name)?.push(sample);
      }
    }
  }
  return [...rows].map(([row, samples]) => ({
    name: row,
    group,
    measured: [...samples].map(([contestant, all]) => ({ name: contestant, samples: all })),
  }));
}

/** @param {Contestant} contestant @param {string} cell */
async function measured(contestant, cell) {
  try {
    return await contestant.measure();
  } catch (error) {
    const why = /** @type {Error} */ (error).message;
    throw new Error(`${cell}, ${contestant.name}: ${why}`, { cause: error });
  }
}

/**
 * How many times as much another takes as the first, pair by pair.
 *
 * @param {Row} row @param {string} other @param {string} metric @returns {readonly number[]}
 */
export function ratios({ measured: all }, other, metric) {
  const own = all[0]?.samples ?? [];
  const theirs = all.find(({ name }) => name === other)?.samples ?? [];
  return theirs.map((sample, round) => (sample[metric] ?? 0) / (own[round]?.[metric] ?? 0));
}
