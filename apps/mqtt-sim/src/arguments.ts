import { presetNames } from 'mqtt-kit/simulator';
import yargs from 'yargs';
import { UsageError } from './usage-error.ts';

/** What the command line asks for. */
export interface Arguments {
  readonly file: string | undefined;
  readonly preset: string | undefined;
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly devices: number | undefined;
  readonly every: string | undefined;
  readonly seed: string | undefined;
  readonly for: string | undefined;
  readonly count: number | undefined;
  readonly speed: number;
  readonly start: string | undefined;
  readonly describe: boolean;
  readonly connections: number | undefined;
  readonly connectRate: number | undefined;
  readonly clientId: string | undefined;
  readonly qos: 0 | 1 | 2 | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What is to be done: a run, or a text to print. */
export type Request =
  | { readonly kind: 'run'; readonly args: Arguments }
  | { readonly kind: 'text'; readonly text: string };

/** Reads the command line. Throws `UsageError`. */
export async function readArguments(words: readonly string[], version: string): Promise<Request> {
  let printed = '';
  let failure: string | undefined;
  const parser = commandLine(version)
    .exitProcess(false)
    .fail((message, error) => {
      failure ??= message ?? error?.message ?? 'the command line cannot be read';
    });
  const parsed = await parser.parseAsync([...words], {}, (_error, _argv, output) => {
    printed = output;
  });
  if (failure !== undefined) throw new UsageError(failure, 'Try: mqtt-sim --help');
  if (printed !== '') return { kind: 'text', text: `${printed}\n` };
  const [command] = parsed._;
  if (command === 'presets') return { kind: 'text', text: `${presetNames.join('\n')}\n` };
  return { kind: 'run', args: checked(parsed as unknown as Given) };
}

const optionTable = {
  preset: { type: 'string', choices: presetNames, describe: 'A fleet that comes with the program' },
  url: { alias: 'L', type: 'string', describe: 'Server, such as mqtts://broker.example' },
  host: { alias: 'h', type: 'string', describe: 'Server by its name [localhost]' },
  port: { alias: 'p', type: 'number', describe: 'Port [1883]' },
  username: { alias: 'u', type: 'string', describe: 'User name' },
  pw: { alias: 'P', type: 'string', describe: 'Password [MQTT_PASSWORD]' },
  qos: {
    alias: 'q',
    type: 'number',
    choices: [0, 1, 2],
    describe: 'QoS in place of the one in the file',
  },
  devices: { type: 'number', describe: 'Number of devices' },
  rate: { type: 'string', describe: 'Readings of each device in a second, or 6/m, 12/h' },
  seed: { type: 'string', describe: 'The same seed gives the same data' },
  for: { type: 'string', describe: 'Ends after a time, in the time of the run: 10m' },
  count: { type: 'number', describe: 'Ends after so many readings' },
  speed: { type: 'string', describe: 'How fast time passes: 60x, or max [1x]' },
  start: { type: 'string', describe: 'When the run begins: 2026-01-01T00:00:00Z [now]' },
  describe: { type: 'boolean', describe: 'Prints messages as JSON lines, without a server' },
  connections: { type: 'number', describe: 'Connections that all devices share [one each]' },
  'connect-rate': { type: 'number', describe: 'New connections in a second [500]' },
  'client-id': { type: 'string', describe: "Client identifier, such as 'sim-{id}' [random]" },
  json: { type: 'boolean', describe: 'Prints the summary as JSON on standard output' },
  quiet: { type: 'boolean', describe: 'Shows mistakes alone' },
} as const;

function commandLine(version: string): ReturnType<typeof yargs> {
  return yargs()
    .scriptName('mqtt-sim')
    .usage('Usage: mqtt-sim run FILE | --preset NAME [options]')
    .command('run [file]', 'Runs the fleets of a file (.mjs, .js, .ts, .json, .yaml) or a preset')
    .command('presets', 'Lists the presets')
    .options(optionTable)
    .example('mqtt-sim run --preset house', 'a house on the server of this machine')
    .example(
      'mqtt-sim run --preset energy --devices 500 --rate 1',
      '500 meters, one reading each in a second',
    )
    .example(
      'mqtt-sim run freezer.yaml --describe --for 6h',
      'what a file would publish in six hours',
    )
    .demandCommand(1, 1, 'nothing to do: give run and a file or a preset', 'one command at a time')
    .strict()
    .help('help')
    .version(version)
    .wrap(100);
}

interface Given {
  readonly file?: string;
  readonly preset?: string;
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly pw?: string;
  readonly qos?: 0 | 1 | 2;
  readonly devices?: number;
  readonly rate?: string;
  readonly seed?: string;
  readonly for?: string;
  readonly count?: number;
  readonly speed?: string;
  readonly start?: string;
  readonly describe?: boolean;
  readonly connections?: number;
  readonly connectRate?: number;
  readonly clientId?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

function checked(given: Given): Arguments {
  for (const name of Object.keys(optionTable)) {
    const value: unknown = (given as Readonly<Record<string, unknown>>)[name];
    if (Array.isArray(value)) throw new UsageError(`--${name} is given ${value.length} times`);
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new UsageError(`--${name} must be a number`);
    }
    if (value === '') throw new UsageError(`--${name} needs a value`);
  }
  if ((given.file === undefined) === (given.preset === undefined)) {
    throw new UsageError(
      given.file === undefined
        ? 'no file and no preset given'
        : 'give a file or a preset, not both',
      'Try: mqtt-sim run --preset house',
    );
  }
  if (given.url !== undefined && (given.host !== undefined || given.port !== undefined)) {
    throw new UsageError('--url says already where the server is: leave out -h and -p');
  }
  const host = given.host?.includes(':') ? `[${given.host.replace(/^\[|\]$/g, '')}]` : given.host;
  const port = given.port === undefined ? '' : `:${given.port}`;
  return {
    file: given.file,
    preset: given.preset,
    url: given.url ?? `mqtt://${host ?? 'localhost'}${port}`,
    username: given.username,
    password: given.pw ?? (given.username === undefined ? undefined : process.env['MQTT_PASSWORD']),
    devices: given.devices,
    every: given.rate === undefined ? undefined : everyOf(given.rate),
    seed: given.seed,
    for: given.for,
    count: given.count,
    speed: speedOf(given.speed ?? '1x'),
    start: given.start,
    describe: given.describe ?? false,
    connections: given.connections,
    connectRate: given.connectRate,
    clientId: given.clientId,
    qos: given.qos,
    json: given.json ?? false,
    quiet: given.quiet ?? false,
  };
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Time between two readings at a rate. */
function everyOf(rate: string): string {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(?:\/([smh]))?$/.exec(rate) ?? [];
  const ms = unitMs[unit as keyof typeof unitMs] / Number(amount);
  if (ms >= 1 && Number.isFinite(ms)) return `${ms}ms`;
  throw new UsageError(
    `--rate must be readings of each device, such as 1, 10/s or 6/m; given was "${rate}"`,
    'At most 1000/s: more devices give more messages',
  );
}

function speedOf(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const [, factor] = /^(\d+(?:\.\d+)?)x?$/.exec(text) ?? [];
  const speed = Number(factor);
  if (speed > 0) return speed;
  throw new UsageError(`--speed must be a factor such as 60x, or max; given was "${text}"`);
}
