/** Runs one of our programs as mosquitto's counterpart: its arguments, its words, its exit codes. */
import type { Diagnostics } from './diagnostics.ts';
import { helpText } from './help.ts';
import { mosquittoArguments } from './mosquitto-arguments.ts';
import { isMosquittoMistake } from './mosquitto-mistake.ts';
import { mosquittoOptionsFile } from './options-file.ts';
import type { MosquittoName, ParsedArguments } from './parse-arguments.ts';
import { isInvalidArgument } from './program.ts';
import { isUsageError } from './usage-error.ts';

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
  let args: ParsedArguments | undefined;
  const help = async (): Promise<number> => {
    await print(await usage(name, version));
    return 1;
  };
  try {
    args = mosquittoArguments(name, argv, mosquittoOptionsFile(name, argv, process.env));
    if (args.flag('help')) return await help();
    if (args.flag('version')) {
      await print(versionLine(name, version));
      return 1;
    }
    if (args.flag('quiet')) diagnostics.silence();
    const body = await load();
    return await body(args);
  } catch (error) {
    if (isMosquittoMistake(error)) {
      diagnostics.exactly(error.message, true);
      if (error.withUsage) await help();
      return 1;
    }
    if (!isUsageError(error) && !isInvalidArgument(error)) throw error;
    diagnostics.exactly(`Error: ${error.message}\n`, true);
    return 1;
  }
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
