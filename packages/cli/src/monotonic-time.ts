/**
 * Takes the place of `performance.now` in the bundled programs. In Node `performance` is a module of its own that is
 * loaded when it is first used, which costs more than all that a short run asks the time for. This one counts from some
 * other moment than `performance.timeOrigin`.
 */
export function monotonicTimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
