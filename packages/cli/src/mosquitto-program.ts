/** Runs one of our programs as mosquitto's counterpart: its arguments, its words, its exit codes. */
import type { Diagnostics } from './diagnostics.ts';
import { helpText } from './help.ts';
import { mosquittoArguments } from './mosquitto-arguments.ts';
import { requireUsable } from './mosquitto-checks.ts';
import { isMosquittoMistake } from './mosquitto-mistake.ts';
import type { MosquittoName } from './mosquitto-name.ts';
import { clientProperties } from './mosquitto-properties.ts';
import { MosquittoWire } from './mosquitto-wire.ts';
import { mosquittoOptionsFile } from './options-file.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { isInvalidArgument, isUsageError } from './usage-error.ts';

/** The version of mosquitto's programs whose behaviour this is. */
const likeVersion = '2.1.2';

/** Resolves with the exit code. */
export async function runMosquitto(
  name: MosquittoName,
  argv: readonly string[],
  version: string,
  diagnostics: Diagnostics,
  print: (text: string) => Promise<number>,
  load: () => Promise<(args: ParsedArguments) => Promise<number>>,
): Promise<number> {
  diagnostics.speakExactly();
  endByUserSignal();
  let args: ParsedArguments | undefined;
  const help = async (): Promise<number> => {
    await print(await usage(name, version));
    return 1;
  };
  try {
    args = mosquittoArguments(name, argv, (file) => mosquittoOptionsFile(name, file, process.env));
    if (args.flag('help')) return await help();
    if (args.flag('version')) {
      await print(versionLine(name, version));
      return 1;
    }
    if (args.flag('quiet')) diagnostics.silence();
    requireUsable(args);
    const body = await load();
    const wire = new MosquittoWire(args);
    return await body({ ...args, ...clientArguments(args), wire });
  } catch (error) {
    if (isMosquittoMistake(error)) {
      diagnostics.exactly(error.message, !error.isQuiet);
      if (error.withUsage) await help();
      return 1;
    }
    if (!isUsageError(error) && !isInvalidArgument(error)) throw error;
    diagnostics.exactly(startProblem(error.message));
    return 1;
  }
}

/** The client is given what it uses of the properties: the others are added to its packets. */
function clientArguments(args: ParsedArguments): Pick<ParsedArguments, 'texts'> {
  const properties = clientProperties(args.texts('property'));
  return { texts: (name) => (name === 'property' ? properties : args.texts(name)) };
}

/** Node would open its inspector: a program without a handler is ended. */
function endByUserSignal(): void {
  process.once('SIGUSR1', (signal) => process.kill(process.pid, signal));
}

/** What the client finds wrong with files for TLS, they find when they connect. */
function startProblem(message: string): string {
  return /^--(?:cafile|capath|cert|key)\b/.test(message)
    ? 'Unable to connect (A TLS error occurred).\n'
    : `Error: ${message}\n`;
}

async function usage(name: MosquittoName, version: string): Promise<string> {
  const programs = {
    mosquitto_pub: 'mqtt-pub',
    mosquitto_sub: 'mqtt-sub',
    mosquitto_rr: 'mqtt-request',
  } as const;
  const text = await helpText(programs[name], 'all');
  // It goes by the name under which it was called.
  const named = text.replaceAll(/mqtt-sub --request|mqtt-(?:pub|sub|request)/g, name);
  return `${versionLine(name, version)}\n${named}`;
}

function versionLine(name: MosquittoName, version: string): string {
  return `${name} version ${likeVersion} running on mqtt-kit ${version}.\n`;
}
