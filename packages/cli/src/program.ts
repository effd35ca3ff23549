import { Diagnostics } from './diagnostics.ts';
import { ExitCode } from './exit-codes.ts';
import { helpText } from './help.ts';
import type { ProgramName } from './option-table.ts';
import { parseArguments } from './parse-arguments.ts';
import { rawArguments } from './raw-arguments.ts';
import { internalReport, usageReport } from './report-error.ts';
import { UsageError } from './usage-error.ts';

/**
 * Runs a program of this process: takes its arguments, its environment and its streams, and ends it with an exit code
 * of `ExitCode`. Whatever goes wrong is told in at most three lines.
 */
export async function runProgram(program: ProgramName, version: string): Promise<void> {
  const diagnostics = new Diagnostics(program);
  const fail = (error: unknown): never => {
    diagnostics.error(internalReport(error), true);
    process.exit(ExitCode.internal);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const code = await run(program, version, diagnostics);
  await diagnostics.flushed();
  process.exit(code);
}

async function run(
  program: ProgramName,
  version: string,
  diagnostics: Diagnostics,
): Promise<number> {
  try {
    const args = parseArguments(program, rawArguments(process.argv.slice(2)));
    if (args.flag('help')) return print(await helpText(program, args.text('help')));
    if (args.flag('version')) return print(`${program} ${version}\n`);
    if (args.flag('quiet')) diagnostics.silence();
    if (program === 'mqtt-pub') {
      const { publishProgram } = await import('./publish-program.ts');
      return await publishProgram(args, diagnostics);
    }
    const { subscribeProgram } = await import('./subscribe-program.ts');
    return await subscribeProgram(args, diagnostics);
  } catch (error) {
    if (error instanceof UsageError) {
      diagnostics.error(usageReport(error, program), true);
      return ExitCode.usage;
    }
    throw error;
  }
}

/** Resolves when the text was written, or when nobody reads it. */
function print(text: string): Promise<number> {
  return new Promise((resolve) => {
    process.stdout.on('error', () => resolve(ExitCode.done));
    process.stdout.write(text, () => resolve(ExitCode.done));
  });
}
