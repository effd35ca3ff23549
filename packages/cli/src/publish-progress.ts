/** How far a long input is, on one line of a terminal that is written again each second. */
import type { Diagnostics } from './diagnostics.ts';

export interface Counts {
  /** Messages as far as they were read. */
  readonly total: number;
  /** Those of them that are not published. */
  readonly unpublished: number;
}

const everyMs = 1000;

/**
 * Shows the counts from the first second on; what it returns ends that and leaves nothing behind. Lines for people stand
 * above it.
 */
export function publishProgress(
  counts: Counts,
  stream: { readonly columns?: number; write(text: string): unknown },
  diagnostics: Pick<Diagnostics, 'divert'>,
): () => void {
  const beganMs = performance.now();
  let shown = false;
  const timer = setInterval(() => {
    // A line that wraps could not be written again.
    const line = progressLine(counts, performance.now() - beganMs);
    stream.write(`\r${line.slice(0, (stream.columns || 80) - 1)}\u001b[K`);
    shown = true;
  }, everyMs);
  timer.unref();
  diagnostics.divert((line) => stream.write(`${shown ? '\r' : ''}${line}\u001b[K\n`));
  return () => {
    clearInterval(timer);
    diagnostics.divert(undefined);
    if (shown) stream.write('\r\u001b[K');
  };
}

/** `12,345 published, 20 under way, 1,234 a second`. */
export function progressLine({ total, unpublished }: Counts, ms: number): string {
  const published = total - unpublished;
  const rate = Math.round((published * 1000) / Math.max(ms, 1));
  const number = (value: number): string => value.toLocaleString('en-US');
  return `${number(published)} published, ${number(unpublished)} under way, ${number(rate)} a second`;
}
