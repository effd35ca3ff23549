import { existsSync } from 'node:fs';
import type { MqttError } from 'mqtt-kit';
import type { BegunConnection } from './begun-connection.ts';
import { Diagnostics } from './diagnostics.ts';
import { ExitCode, exitCodeOf } from './exit-codes.ts';
import { helpText } from './help.ts';
import { type CalledAs, calledAs } from './mosquitto-name.ts';
import type { ProgramName } from './option-table.ts';
import { parseArguments } from './parse-arguments.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { rawArguments } from './raw-arguments.ts';
import { internalReport, outputReport, reportOf, usageReport } from './report-error.ts';
import { StandardOutput } from './standard-output.ts';
import { isInvalidArgument, isUsageError, quoted, UsageError } from './usage-error.ts';

/**
 * What a program does with its arguments; resolves with its exit code. That standard output cannot be written is told
 * for it, unless it ends with `outputFailed` itself.
 */
export type ProgramBody = (
  args: ParsedArguments,
  diagnostics: Diagnostics,
  output: StandardOutput,
  begun?: BegunConnection,
) => Promise<number>;

/** One of the programs. */
export interface Program {
  readonly name: ProgramName;
  /** Loads what the program does: help and mistakes need none of it. */
  readonly load: (name: ProgramName) => Promise<ProgramBody>;
  /**
   * Does what needs no more than a little, and calls `done`; resolves when the rest of the program is needed, with the
   * connection that it is to go on with, if any.
   */
  readonly begin: (args: ParsedArguments, done: () => void) => Promise<BegunConnection | undefined>;
}

/**
 * Runs a program of this process: takes its arguments, its environment and its streams, and ends it with an exit code
 * of `ExitCode`. Whatever goes wrong is told in at most three lines.
 */
export async function runProgram(program: Program, version: string): Promise<void> {
  const called = calledAs(program.name, process.argv[1] ?? '', process.argv.slice(2), process.env);
  const diagnostics = new Diagnostics(called.program);
  const fail = (error: unknown): never => {
    diagnostics.error(internalReport(error), true);
    process.exit(ExitCode.internal);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const output = new StandardOutput();
  const code = endCode(
    await run(program, called, version, diagnostics, output),
    output,
    called,
    diagnostics,
  );
  await diagnostics.flushed();
  process.exit(code);
}

/** What could not be written to standard output is told here, once, whatever it was; mosquitto's programs say nothing. */
function endCode(
  code: number,
  { failure }: StandardOutput,
  { mosquitto }: CalledAs,
  diagnostics: Diagnostics,
): number {
  if (failure === undefined || mosquitto !== undefined || code === ExitCode.outputFailed)
    return code;
  diagnostics.error(outputReport(failure));
  return code === ExitCode.done ? ExitCode.outputFailed : code;
}

async function run(
  program: Program,
  called: CalledAs,
  version: string,
  diagnostics: Diagnostics,
  output: StandardOutput,
): Promise<number> {
  const name = called.program;
  const print = async (text: string): Promise<number> => {
    await output.print(text);
    return ExitCode.done;
  };
  const argv = rawArguments(process.argv.slice(2));
  if (called.mosquitto !== undefined) {
    const { runMosquitto } = await import('./mosquitto-program.ts');
    return runMosquitto(called.mosquitto, argv, version, diagnostics, print, async () => {
      const body = await program.load(name);
      return (args) => body(args, diagnostics, output);
    });
  }
  try {
    checkEnvironment(process.env);
    if (argv[0] === 'profile') {
      const profiles = await import('./profiles.ts');
      if (profiles.isProfileCommand(argv)) {
        return print(profiles.runProfileCommand(argv, process.env, diagnostics));
      }
    }
    const args = await withFiles(parseArguments(name, argv), argv);
    if (args.flag('help')) return print(await helpText(name, args.text('help')));
    if (args.flag('version')) return print(`${name} ${version}\n`);
    const shell = args.text('completion');
    if (shell !== undefined) {
      const { completionScript } = await import('./completion-script.ts');
      return print(completionScript(name, shell as Parameters<typeof completionScript>[1]));
    }
    if (args.flag('man')) {
      const { manualPage } = await import('./manual-page.ts');
      return print(manualPage(name, version));
    }
    if (args.flag('quiet')) diagnostics.silence();
    const begun = await program.begin(args, () => process.exit(ExitCode.done));
    const body = await program.load(name);
    return await body(args, diagnostics, output, begun);
  } catch (error) {
    if (isUsageError(error) || isInvalidArgument(error)) {
      diagnostics.error(usageReport(error, name), true);
      return ExitCode.usage;
    }
    if (!isClientError(error)) throw error;
    diagnostics.error(reportOf(error, {}));
    return exitCodeOf(error, name);
  }
}

/** What the client cannot begin with: a queue that is damaged, or in use. */
function isClientError(error: unknown): error is MqttError {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^[a-z]/.test(code);
}

function checkEnvironment({ MQTT_COMPAT: compat }: NodeJS.ProcessEnv): void {
  if (compat === undefined || compat === '' || compat === 'mosquitto') return;
  throw new UsageError(`MQTT_COMPAT expects mosquitto or nothing, not ${quoted(compat)}`);
}

/** The arguments with those of a profile and of the file of `-o` before them. */
async function withFiles(args: ParsedArguments, argv: readonly string[]): Promise<ParsedArguments> {
  const { program } = args;
  const file = args.text('options-file');
  const profile = args.text('profile');
  const check = (words: readonly string[]): unknown => parseArguments(program, words);
  const before: string[] = [];
  if (profile !== undefined || profileInUse(process.env)) {
    const { profileArguments } = await import('./profiles.ts');
    before.push(...profileArguments(profile, process.env, check));
  }
  if (file !== undefined) {
    const { optionsFileArguments } = await import('./options-file.ts');
    before.push(...optionsFileArguments(file, check));
  }
  return before.length === 0 ? args : parseArguments(program, [...before, ...argv]);
}

/** Most people have no profile: a look at one file tells. */
function profileInUse({
  MQTT_PROFILE: named,
  XDG_CONFIG_HOME: config,
  HOME: home,
}: NodeJS.ProcessEnv): boolean {
  if (named !== undefined) return named !== '';
  const folder = config || (home ? `${home}/.config` : undefined);
  return folder !== undefined && existsSync(`${folder}/mqtt-kit/profile`);
}
