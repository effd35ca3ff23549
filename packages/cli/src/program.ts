import { existsSync } from 'node:fs';
import { Diagnostics } from './diagnostics.ts';
import { ExitCode } from './exit-codes.ts';
import { helpText } from './help.ts';
import { type CalledAs, calledAs } from './mosquitto-name.ts';
import type { ProgramName } from './option-table.ts';
import { type ParsedArguments, parseArguments } from './parse-arguments.ts';
import { rawArguments } from './raw-arguments.ts';
import { internalReport, usageReport } from './report-error.ts';
import { isUsageError, quoted, UsageError } from './usage-error.ts';

/** What a program does with its arguments; resolves with its exit code. */
export type ProgramBody = (args: ParsedArguments, diagnostics: Diagnostics) => Promise<number>;

/** One of the programs. */
export interface Program {
  readonly name: ProgramName;
  /** Loads what the program does: help and mistakes need none of it. */
  readonly load: (name: ProgramName) => Promise<ProgramBody>;
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
  const code = await run(program, called, version, diagnostics);
  await diagnostics.flushed();
  process.exit(code);
}

async function run(
  program: Program,
  called: CalledAs,
  version: string,
  diagnostics: Diagnostics,
): Promise<number> {
  const name = called.program;
  const argv = rawArguments(process.argv.slice(2));
  if (called.mosquitto !== undefined) {
    const { runMosquitto } = await import('./mosquitto-program.ts');
    return runMosquitto(called.mosquitto, argv, version, diagnostics, print, () =>
      program.load(name),
    );
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
    const body = await program.load(name);
    return await body(args, diagnostics);
  } catch (error) {
    if (!isUsageError(error) && !isInvalidArgument(error)) throw error;
    diagnostics.error(usageReport(error, name), true);
    return ExitCode.usage;
  }
}

/** What the client itself finds wrong with its options. */
export function isInvalidArgument(error: unknown): error is Error & { hint: string | undefined } {
  return error instanceof Error && (error as { code?: unknown }).code === 'invalidArgument';
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

/** Resolves when the text was written, or when nobody reads it. That it could not be written is no success. */
function print(text: string): Promise<number> {
  return new Promise((resolve) => {
    const ended = (error?: NodeJS.ErrnoException | null): void => {
      const failed = error !== undefined && error !== null && error.code !== 'EPIPE';
      resolve(failed ? ExitCode.outputFailed : ExitCode.done);
    };
    process.stdout.on('error', ended);
    process.stdout.write(text, ended);
  });
}
