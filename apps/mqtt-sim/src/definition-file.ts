import { readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { MqttError } from 'mqtt-kit';
import {
  DefinitionError,
  type Fleet,
  type FleetDefinition,
  fleet,
  type PublishRule,
} from 'mqtt-kit/simulator';
import { DataFile } from './data-file.ts';
import { importModule, withPlace } from './import-module.ts';
import { UsageError } from './usage-error.ts';

/** What of a definition the command line changes. */
export interface Changes {
  readonly devices?: number;
  readonly every?: string;
  readonly seed?: string;
  readonly qos?: 0 | 1 | 2;
}

/** The fleets of a file. Throws `UsageError` that names the place of a mistake. */
export async function fleetOfFile(file: string, changes: Changes): Promise<Fleet> {
  const path = resolve(file);
  switch (extname(path)) {
    case '.json':
    case '.yaml':
    case '.yml': {
      const data = new DataFile(readText(path, file), file);
      return fleetOfText(data, (name) => readText(resolve(dirname(path), name), name), changes);
    }
    case '.js':
    case '.mjs':
    case '.ts':
    case '.mts':
      return fleetOfModule(await importModule(path, file), path, file, changes);
    default:
      throw new UsageError(
        `${file}: a definition is a file that ends with .mjs, .js, .ts, .json or .yaml`,
      );
  }
}

/** The fleets of a file of data; `read` gives the text of a file that it names. Throws `UsageError`. */
export function fleetOfText(
  data: DataFile,
  read: (file: string) => string,
  changes: Changes,
): Fleet {
  return told(
    (error) => atPlace(data, error),
    () => changedFleet(data.definitions(read), changes),
  );
}

/** The fleet of definitions with the changes of the command line. */
export function changedFleet(definitions: readonly FleetDefinition[], changes: Changes): Fleet {
  const changed = definitions.map((one) => changedDefinition(one, changes));
  // A mistake in the only one has no number in its place.
  const [first] = changed;
  return first !== undefined && changed.length === 1 ? fleet(first) : fleet(changed);
}

function changedDefinition(
  definition: FleetDefinition,
  { devices, every, seed, qos }: Changes,
): FleetDefinition {
  let changed = definition;
  if (seed !== undefined)
    changed = { ...changed, seed: /^-?\d+$/.test(seed) ? Number(seed) : seed };
  if (devices !== undefined) {
    if (changed.devices !== undefined) {
      throw new UsageError(
        `--devices: the fleet "${changed.name ?? 'fleet'}" lists its devices one by one`,
      );
    }
    changed = { ...changed, count: devices };
  }
  // Topics with a rhythm of their own keep it.
  if (every !== undefined) changed = { ...changed, every };
  return qos === undefined ? changed : withQos(changed, qos);
}

function withQos(definition: FleetDefinition, qos: 0 | 1 | 2): FleetDefinition {
  const { publish } = definition;
  if (publish === undefined) return { ...definition, qos };
  const rules = Object.entries(publish).map(
    ([topic, rule]) => [topic, isRule(rule) ? { ...rule, qos } : rule] as const,
  );
  return { ...definition, qos, publish: Object.fromEntries(rules) };
}

function isRule(rule: unknown): rule is PublishRule {
  return typeof rule === 'object' && rule !== null && !Array.isArray(rule);
}

async function fleetOfModule(
  exported: unknown,
  path: string,
  file: string,
  changes: Changes,
): Promise<Fleet> {
  const inModule = (error: unknown): unknown => {
    if (error instanceof UsageError) return error;
    if (error instanceof MqttError) {
      return error instanceof DefinitionError ? new UsageError(`${file}: ${error.message}`) : error;
    }
    return new UsageError(`${file}: ${withPlace(error, path)}`);
  };
  let given: unknown;
  try {
    given = typeof exported === 'function' ? await exported(changes) : await exported;
  } catch (error) {
    throw error instanceof UsageError
      ? error
      : new UsageError(`${file}: ${withPlace(error, path)}`);
  }
  if (isFleet(given)) {
    if (Object.values(changes).every((value) => value === undefined))
      return told(inModule, () => given);
    throw new UsageError(
      `${file} exports a fleet that is made already: --devices, --rate, --seed and --qos cannot change it`,
      'Export its definition instead: export default { count: 3, signals: { ... } }',
    );
  }
  if (typeof given !== 'object' || given === null) {
    throw new UsageError(
      `${file} has no definition`,
      'Export one: export default { count: 3, signals: { ... } }',
    );
  }
  const list = (Array.isArray(given) ? given : [given]) as FleetDefinition[];
  return told(inModule, () => changedFleet(list, changes));
}

function isFleet(given: unknown): given is Fleet {
  return (
    typeof given === 'object' &&
    given !== null &&
    'messages' in given &&
    typeof given.messages === 'function'
  );
}

/** A fleet whose mistakes are told as `locate` puts them: those of its definition, and those that running it finds. */
function told(locate: (error: unknown) => unknown, make: () => Fleet): Fleet {
  let fleet: Fleet;
  try {
    fleet = make();
  } catch (error) {
    throw locate(error);
  }
  return {
    devices: fleet.devices,
    *messages(options) {
      try {
        yield* fleet.messages(options);
      } catch (error) {
        throw locate(error);
      }
    },
    run: (url, options) =>
      fleet.run(url, options).catch((error: unknown) => {
        throw locate(error);
      }),
  };
}

function atPlace(data: DataFile, error: unknown): unknown {
  if (!(error instanceof DefinitionError)) return error;
  const path = error.path.length === 0 ? '' : `${error.path.join('.')}: `;
  return new UsageError(`${data.placeOf(error.path, error.offset)}: ${path}${error.problem}`);
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${shown} cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EISDIR' ? 'it is a folder' : message;
}
