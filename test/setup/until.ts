import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until a condition holds, looking every few milliseconds. Rejects after `limitMs` with what was waited for.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(5);
  }
}
