/** One input through everything that is checked of it, by its number or by its bytes. */
import { compareWithMqttPacket, type Differences } from './compare-mqtt-packet.ts';
import {
  checkChunks,
  checkRoundTrip,
  checkSingleBytes,
  type Decoded,
  decode,
  decoderOf,
  Finding,
} from './decoder-oracle.ts';
import { checkEngine, type EngineInput } from './engine-oracle.ts';
import type { Input } from './inputs.ts';
import type { Stream } from './streams.ts';
import { checkWork } from './work-oracle.ts';

/** Which of the checks that take long an input gets: all of them when it is looked at again. */
export interface Thoroughness {
  readonly cut: boolean;
  readonly singleBytes: boolean;
  readonly work: boolean;
  readonly comparison: boolean;
}

export const everything: Thoroughness = {
  cut: true,
  singleBytes: true,
  work: true,
  comparison: true,
};

/** What a whole decoding may take where nothing else runs: measured again before it is believed. */
const longestDecodingMs = 5;

export function checkDecoder(
  { stream, bytes, cuts }: Pick<Input, 'stream' | 'bytes' | 'cuts'>,
  { cut, singleBytes, work, comparison }: Thoroughness,
  differences: Differences,
): Decoded {
  const startMs = performance.now();
  const whole = decode(decoderOf(stream), [bytes]);
  if (performance.now() - startMs > longestDecodingMs) checkTime(stream, bytes);
  if (cut) checkChunks(stream, bytes, cuts, whole);
  checkRoundTrip(stream, bytes, whole);
  if (singleBytes) checkSingleBytes(stream, bytes, whole);
  if (work) checkWork(stream, bytes);
  if (comparison) compareWithMqttPacket(stream, bytes, whole, differences);
  return whole;
}

/** A process that has to share its processor may take long by chance, but not every time. */
function checkTime(stream: Stream, bytes: Uint8Array): void {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 20 && leastMs > longestDecodingMs; time += 1) {
    const startMs = performance.now();
    decode(decoderOf(stream), [bytes]);
    leastMs = Math.min(leastMs, performance.now() - startMs);
  }
  if (leastMs > longestDecodingMs) {
    throw new Finding(`${leastMs.toFixed(1)} ms for ${bytes.length} bytes`);
  }
}

/** What is wrong with an input, or `undefined`: for replaying and minimising. */
export function problemOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return describe(error);
  }
}

/** A finding by its sentence; anything else that was thrown is one in itself. */
export function describe(error: unknown): string {
  if (error instanceof Finding) return error.message;
  return `threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
}

export function decoderProblem(stream: Stream, bytes: Uint8Array): string | undefined {
  const cuts = [1, 2, bytes.length >> 1, bytes.length - 1].filter((cut) => cut > 0);
  return problemOf(() => checkDecoder({ stream, bytes, cuts }, everything, new Map()));
}

export function engineProblem(input: EngineInput): string | undefined {
  return problemOf(() => checkEngine(input, true));
}

/**
 * The shortest bytes with a problem of the same kind that removing pieces finds, then with as many zeros as can be.
 */
export function minimised(
  bytes: Uint8Array,
  problem: (candidate: Uint8Array) => string | undefined,
): Uint8Array {
  const kind = kindOf(problem(bytes));
  if (kind === undefined) return bytes;
  const still = (candidate: Uint8Array): boolean => kindOf(problem(candidate)) === kind;
  let least = bytes;
  for (let size = bytes.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= least.length; ) {
      const candidate = new Uint8Array(least.length - size);
      candidate.set(least.subarray(0, at));
      candidate.set(least.subarray(at + size), at);
      if (still(candidate)) least = candidate;
      else at += size;
    }
  }
  for (let at = 0; at < least.length; at += 1) {
    const candidate = least.slice();
    candidate[at] = 0;
    if (least[at] !== 0 && still(candidate)) least = candidate;
  }
  return least;
}

/** A problem without its numbers and quotations. */
function kindOf(problem: string | undefined): string | undefined {
  return problem?.replace(/\d+|"[^"]*"/g, '').slice(0, 60);
}
