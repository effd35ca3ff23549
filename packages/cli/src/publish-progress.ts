/** How far a long input is, on one line of a terminal that is written again each second. */

export interface Counts {
  /** Messages as far as they were read. */
  readonly total: number;
  /** Those of them that are not published. */
  readonly unpublished: number;
}

const everyMs = 1000;

/** Shows the counts from the first second on; what it returns ends that and leaves nothing behind. */
export function publishProgress(
  counts: Counts,
  stream: { write(text: string): unknown },
): () => void {
  const beganMs = performance.now();
  let shown = false;
  const timer = setInterval(() => {
    stream.write(`\r${progressLine(counts, performance.now() - beganMs)}\u001b[K`);
    shown = true;
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
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
