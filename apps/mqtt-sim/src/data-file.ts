import {
  DefinitionError,
  type DefinitionPath,
  type FleetDefinition,
  type GeoPathOptions,
  geoPath,
  type RecordingOptions,
  recording,
  type StateRule,
  states,
} from 'mqtt-kit/simulator';
import { type Document, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { scalarOffset } from './scalar-offset.ts';
import { UsageError } from './usage-error.ts';

/** A definition in YAML or JSON, which knows the places of its parts. */
export class DataFile {
  readonly #name: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  readonly #value: unknown;
  /** Where the fleets are in the file: at its top, as its list, or under `fleets`. */
  #prefix: DefinitionPath = [];
  #single = true;

  /** Throws `UsageError` when the text is neither. */
  constructor(text: string, name: string) {
    this.#name = name;
    this.#text = text;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const [error] = this.#document.errors;
    if (error !== undefined) {
      const problem =
        error.code === 'MULTIPLE_DOCS'
          ? 'a file holds one document: several fleets stand under fleets'
          : error.message;
      throw new UsageError(`${this.#place(error.pos[0])}: ${problem}`);
    }
    if (name.endsWith('.json')) this.#checkJson(text);
    this.#checkAliases();
    try {
      // Aliases that multiply each other would fill the memory.
      this.#value = this.#document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      throw new UsageError(`${name}: ${(error as Error).message}`);
    }
  }

  /** The definitions; `read` gives the text of a file that one names. Throws `DefinitionError`. */
  definitions(read: (file: string) => string): FleetDefinition[] {
    const value = this.#value;
    const group = isObject(value) && 'fleets' in value ? value : undefined;
    const list = group === undefined ? value : group['fleets'];
    if (group !== undefined) {
      this.#prefix = ['fleets'];
      for (const name of Object.keys(group)) {
        if (name === 'fleets' || name === 'seed') continue;
        this.#prefix = [];
        throw new DefinitionError(`beside fleets there is seed alone, not ${name}`, [name]);
      }
    }
    const entries: unknown[] = Array.isArray(list) ? list : [list];
    this.#single = !Array.isArray(list);
    const seed = group?.['seed'];
    return entries.map((entry, index) => {
      const path = entries.length === 1 ? [] : [index];
      if (!isObject(entry)) throw new DefinitionError('a fleet must be an object', path);
      return definitionOf({ ...(seed === undefined ? {} : { seed }), ...entry }, path, read);
    });
  }

  /** `FILE:LINE:COLUMN` of a part of a definition, or of a character of an expression in it. */
  placeOf(path: DefinitionPath, offset: number | undefined): string {
    // The only fleet of a list has no number in the paths of its mistakes.
    const numbered = !this.#single && typeof path[0] !== 'number' ? [0, ...path] : path;
    const whole = [...this.#prefix, ...numbered];
    for (let length = whole.length; length >= 0; length--) {
      const node = this.#document.getIn(whole.slice(0, length), true);
      if (!isNode(node) || node.range == null) continue;
      const [start, end] = node.range;
      if (length < whole.length || !isScalar(node) || offset === undefined)
        return this.#place(start);
      return this.#place(start + scalarOffset(this.#text.slice(start, end), offset));
    }
    return this.#place(0);
  }

  #checkAliases(): void {
    const known = new Set<string>();
    visit(this.#document, {
      Node(_key, { anchor }) {
        if (anchor !== undefined) known.add(anchor);
      },
      Alias: (_key, { source, range }) => {
        if (known.has(source)) return;
        throw new UsageError(
          `${this.#place(range?.[0] ?? 0)}: there is no anchor &${source} before`,
        );
      },
    });
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  }

  /** JSON is stricter than the YAML that it is read as. */
  #checkJson(text: string): void {
    try {
      JSON.parse(text);
    } catch (error) {
      const { message } = error as Error;
      const position = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
      throw new UsageError(`${this.#place(position)}: ${message}`);
    }
  }
}

type Data = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A definition of data alone: the recording is read, and signals that no expression can say are made. */
function definitionOf(
  data: Data,
  path: DefinitionPath,
  read: (file: string) => string,
): FleetDefinition {
  const { recording: given, signals, ...rest } = data;
  const log =
    given === undefined
      ? undefined
      : located([...path, 'recording'], () => recordingOf(given, read));
  return {
    ...rest,
    ...(log === undefined ? {} : { recording: log }),
    signals: isObject(signals)
      ? Object.fromEntries(
          Object.entries(signals).map(([name, signal]) => [
            name,
            isObject(signal) ? located([...path, 'signals', name], () => signalOf(signal)) : signal,
          ]),
        )
      : signals,
  } as FleetDefinition;
}

function recordingOf(
  given: unknown,
  read: (file: string) => string,
): NonNullable<FleetDefinition['recording']> {
  const { file, ...options } = isObject(given) ? given : { file: given };
  if (typeof file !== 'string') {
    throw new DefinitionError('must be a file, or an object with file, time, loop, skip, loopGap');
  }
  try {
    return recording(read(file), options as RecordingOptions);
  } catch (error) {
    if (error instanceof DefinitionError) throw error;
    const { message } = error as Error;
    throw new DefinitionError(
      message.replace(/^recording: (?=line |there are no rows|no column)/, `${file}: `),
    );
  }
}

function signalOf(signal: Data): ReturnType<typeof states> | ReturnType<typeof geoPath> {
  const [kind] = Object.keys(signal);
  const { [kind ?? '']: value, ...options } = signal;
  if (kind === 'states' && isObject(value) && Object.keys(options).length === 0) {
    return located(['states'], () => states(value as Readonly<Record<string, StateRule>>));
  }
  if (kind === 'geoPath' && Array.isArray(value)) {
    return geoPath(value, options as unknown as GeoPathOptions);
  }
  throw new DefinitionError(
    'must be an expression, a number, { states: { NAME: { for, to } } } or { geoPath: [[latitude, longitude], ...], speedKmh }',
  );
}

function located<T>(path: DefinitionPath, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof DefinitionError) {
      throw new DefinitionError(error.problem, [...path, ...error.path], error.offset);
    }
    throw new DefinitionError((error as Error).message, path);
  }
}
