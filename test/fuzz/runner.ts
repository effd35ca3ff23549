/**
 * The part of the fuzzer that runs in a thread of its own, so that another one can tell when it hangs.
 */
import { parentPort, workerData } from 'node:worker_threads';
import {
  checkDecoder,
  decoderProblem,
  describe,
  engineProblem,
  minimised,
  type Thoroughness,
} from './check-input.ts';
import { type Differences, differenceClasses } from './compare-mqtt-packet.ts';
import { Finding } from './decoder-oracle.ts';
import { checkEngine, type EngineInput, engineInputOf } from './engine-oracle.ts';
import { hexOf, inputOf } from './inputs.ts';
import { makeStreams, type Stream } from './streams.ts';
import { checkAssembly, checkGrowth, checkRetention } from './work-oracle.ts';

/** What is asked for: numbers of inputs, or bytes that were printed before. */
export interface Assignment {
  readonly seed: number;
  readonly from: number;
  readonly inputs: number;
  readonly engineInputs: number;
  /** Whether growth and retention are measured, too: that takes seconds, and has no inputs. */
  readonly bounds: boolean;
  /** `decoder:5.0:server:HEX` or `engine:5.0:connected:HEX`. */
  readonly replay?: string;
  /** Only tells the bytes of input `from`, without checking it: it hung. */
  readonly show?: 'decoder' | 'engine';
  /** The numbers of the inputs under way, of the decoder and of the engine: seen from outside when this hangs. */
  readonly progress: SharedArrayBuffer;
}

/** An input that broke a rule. */
export interface Failure {
  readonly problem: string;
  /** For `--replay`, minimised. */
  readonly replay: string;
  readonly stack: string;
}

export interface Summary {
  readonly failures: readonly Failure[];
  readonly counts: Readonly<Record<string, number>>;
  /** Sentences of refusals, without their numbers. */
  readonly refusals: number;
  readonly ms: number;
}

/** More are not looked at. */
const mostFailures = 10;

/** Has what the prototype of all objects has. */
const nothing = {};

const { seed, from, inputs, engineInputs, bounds, replay, show, progress } =
  workerData as Assignment;
const underWay = new Int32Array(progress);
const failures: Failure[] = [];
const counts: Record<string, number> = {};
const refusals = new Set<string>();
const differences: Differences = new Map();

const startMs = performance.now();
const streams = makeStreams(seed);
if (show !== undefined)
  failures.push({ problem: 'hangs', replay: shownInput(show, from), stack: '' });
else if (replay === undefined) run();
else replayOne(replay);
for (const { name } of differenceClasses) {
  counts[`difference to mqtt-packet: ${name}`] = differences.get(name) ?? 0;
}
const summary: Summary = {
  failures,
  counts,
  refusals: refusals.size,
  ms: performance.now() - startMs,
};
parentPort?.postMessage(summary);

function run(): void {
  if (bounds) {
    guarded('growth', () => checkGrowth(streams));
    guarded('retention', checkRetention);
    guarded('assembly', checkAssembly);
  }
  const prototypes = prototypesOf();
  const stackTraceLimit = Error.stackTraceLimit;
  // A stack for each refusal would take longer than all the rest.
  Error.stackTraceLimit = 0;
  for (let number = from; number < from + inputs; number += 1) {
    Atomics.store(underWay, 0, number);
    decoderInput(number);
    // Assigning to a prototype shows here at once.
    for (const name in nothing) {
      fail(new Finding(`polluted: ${name}`), shownInput('decoder', number));
      Reflect.deleteProperty(Object.prototype, name);
    }
    if (failures.length >= mostFailures) return;
  }
  Error.stackTraceLimit = stackTraceLimit;
  for (let number = from; number < from + engineInputs; number += 1) {
    Atomics.store(underWay, 1, number);
    engineInput(number);
    if (failures.length >= mostFailures) return;
  }
  if (prototypesOf() !== prototypes) fail(new Finding('a prototype is not what it was'), 'run');
  count('prototypes compared');
}

/** What the prototypes of the platform have, in one text. */
function prototypesOf(): string {
  return [Object, Array, Function, String, Uint8Array, Map, Set, Error, Promise]
    .map(({ prototype }) =>
      Reflect.ownKeys(prototype).map((key) => {
        const { value, get } = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
        return `${String(key)} ${typeof value} ${typeof value === 'object' ? '' : String(get ?? value)}`;
      }),
    )
    .join();
}

function decoderInput(number: number): void {
  const { stream, bytes, cuts, type, spoiledBy } = inputOf(streams, seed, number);
  try {
    const { error, packets } = checkDecoder(
      { stream, bytes, cuts },
      thoroughnessOf(number),
      differences,
    );
    const outcome = error !== undefined ? 'refused' : packets.length > 0 ? 'taken' : 'incomplete';
    count(`${stream.version} ${stream.sender} type ${type} ${outcome}`);
    for (const name of spoiledBy) count(`spoiled by ${name}`);
    if (error !== undefined) {
      count(`refused with 0x${error.reasonCode.toString(16)}`);
      if (number % 8 < 4)
        refusals.add(error.message.replace(/(0x)?[0-9A-F]*\d[0-9A-F]*|"[^"]*"/g, 'N'));
    }
  } catch (error) {
    const least = minimised(bytes, (candidate) => decoderProblem(stream, candidate));
    fail(error, `decoder:${stream.version}:${stream.sender}:${hexOf(least)}`);
  }
}

/** The slower checks take turns, each over all streams and types. */
function thoroughnessOf(number: number): Thoroughness {
  const turn = Math.floor(number / 61);
  return {
    cut: turn % 2 === 0,
    singleBytes: turn % 16 === 1,
    work: turn % 128 === 3,
    comparison: turn % 16 === 5,
  };
}

function engineInput(number: number): void {
  const input = engineInputOf(seed, number);
  try {
    const end = checkEngine(input, number % 4 < 2);
    count(`engine ${input.version} ${input.connected ? 'connected' : 'connecting'} ${end}`);
  } catch (error) {
    const least = minimised(input.bytes, (bytes) => engineProblem({ ...input, bytes }));
    fail(error, engineReplay({ ...input, bytes: least }));
  }
}

function engineReplay({ version, connected, bytes }: EngineInput): string {
  return `engine:${version}:${connected ? 'connected' : 'connecting'}:${hexOf(bytes)}`;
}

function shownInput(level: 'decoder' | 'engine', number: number): string {
  if (level === 'engine') return engineReplay(engineInputOf(seed, number));
  const { stream, bytes } = inputOf(streams, seed, number);
  return `decoder:${stream.version}:${stream.sender}:${hexOf(bytes)}`;
}

function replayOne(text: string): void {
  const [level = '', version = '', where = '', hex = ''] = text.split(':');
  const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
  const stream = streams.find((one) => one.version === version && one.sender === where);
  let problem: string | undefined;
  if (level === 'decoder' && stream !== undefined) problem = decoderProblem(stream, bytes);
  else if (level === 'engine' && isVersion(version)) {
    const cuts = [1, 2, bytes.length >> 1];
    problem = engineProblem({ version, connected: where === 'connected', bytes, cuts });
  } else throw new Error(`cannot replay ${text}`);
  if (problem !== undefined) failures.push({ problem, replay: text, stack: '' });
  count('replayed');
}

function isVersion(text: string): text is Stream['version'] {
  return text === '5.0' || text === '3.1.1';
}

function guarded(name: string, check: () => void): void {
  try {
    check();
    count(name);
  } catch (error) {
    fail(error, name);
  }
}

function fail(error: unknown, input: string): void {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  failures.push({ problem: describe(error), replay: input, stack });
}

function count(name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
