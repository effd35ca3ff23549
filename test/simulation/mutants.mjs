/** Planted bugs: see `mutants/`. */
/** @param {number} _processes @param {string | undefined} _only @returns {Promise<number>} */
export async function showMutants(_processes, _only) {
  return 0;
}
