import { readFileSync } from 'node:fs';
import { MqttError } from 'mqtt-kit';
import {
  type Fleet,
  type FleetSummary,
  messageLine,
  type PresetName,
  preset,
} from 'mqtt-kit/simulator';
import { type Arguments, readArguments } from './arguments.ts';
import { type Changes, changedFleet, fleetOfFile } from './definition-file.ts';
import { ExitCode, exitCodeOf } from './exit-codes.ts';
import { showProgress, summaryText, Troubles } from './progress.ts';
import { UsageError } from './usage-error.ts';

/** Messages that `--describe` shows unless told how many. */
const describedMessages = 20;

/** Runs the program; resolves with its exit code. Whatever goes wrong is told in at most three lines. */
export async function program(words: readonly string[]): Promise<number> {
  // Told to whoever writes; without a listener it would end the process.
  process.stdout.on('error', () => {});
  try {
    const request = await readArguments(words, packageVersion());
    if (request.kind === 'text') {
      await print(request.text);
      return ExitCode.done;
    }
    return await runRequest(request.args);
  } catch (error) {
    if ((error as { code?: string }).code === 'EPIPE') return ExitCode.done;
    tell(error);
    return exitCodeOf(error);
  }
}

async function runRequest(args: Arguments): Promise<number> {
  const fleet = await fleetOf(args);
  const limits = {
    ...(args.for === undefined ? {} : { for: args.for }),
    ...(args.count === undefined ? {} : { count: args.count }),
    ...(args.start === undefined ? {} : { start: args.start }),
  };
  if (args.describe) {
    const bounded = args.for !== undefined || args.count !== undefined;
    await describe(fleet, bounded ? limits : { ...limits, count: describedMessages });
    return ExitCode.done;
  }
  const stop = new AbortController();
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Asked twice it does not wait for goodbyes.
      if (interrupted) process.exit(signal === 'SIGINT' ? 130 : 143);
      interrupted = true;
      stop.abort();
    });
  }
  const progress = args.quiet ? undefined : showProgress();
  const troubles = new Troubles(args.quiet);
  const summary = await fleet.run(args.url, {
    ...limits,
    speed: args.speed,
    signal: stop.signal,
    ...(args.connections === undefined ? {} : { connections: args.connections }),
    ...(args.connectRate === undefined ? {} : { connectRate: args.connectRate }),
    ...(args.clientId === undefined ? {} : { clientId: args.clientId }),
    connection: {
      ...(args.username === undefined ? {} : { username: args.username }),
      ...(args.password === undefined ? {} : { password: args.password }),
    },
    ...(progress === undefined ? {} : { onProgress: progress.show }),
    onError: (error) => troubles.tell(error),
  });
  progress?.clear();
  return finish(summary, args);
}

async function finish(summary: FleetSummary, args: Arguments): Promise<number> {
  const { firstError, ...figures } = summary;
  if (args.json) {
    await print(`${JSON.stringify({ ...figures, firstError: firstError?.message ?? null })}\n`);
  } else if (!args.quiet) {
    process.stderr.write(summaryText(summary));
  }
  if (summary.failed === 0) return ExitCode.done;
  tell(firstError ?? new Error(`${summary.failed} messages were not published`));
  return ExitCode.notPublished;
}

async function fleetOf(args: Arguments): Promise<Fleet> {
  const changes: Changes = {
    ...(args.devices === undefined ? {} : { devices: args.devices }),
    ...(args.every === undefined ? {} : { every: args.every }),
    ...(args.seed === undefined ? {} : { seed: args.seed }),
    ...(args.qos === undefined ? {} : { qos: args.qos }),
  };
  if (args.file !== undefined) return fleetOfFile(args.file, changes);
  return changedFleet(preset(args.preset as PresetName), changes);
}

/** One line of JSON for each message; the reader's pace is kept. */
async function describe(fleet: Fleet, limits: Parameters<Fleet['messages']>[0]): Promise<void> {
  let lines = '';
  for (const message of fleet.messages(limits)) {
    lines += `${messageLine(message)}\n`;
    if (lines.length < 65_536) continue;
    await print(lines);
    lines = '';
  }
  await print(lines);
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

function tell(error: unknown): void {
  const known = error instanceof UsageError || error instanceof MqttError;
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`mqtt-sim: ${known ? text : `a mistake in the program: ${text}`}\n`);
  if (known && error.hint !== undefined) process.stderr.write(`${error.hint}\n`);
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
