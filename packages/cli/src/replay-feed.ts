/** What `mqtt-sub --record` wrote, with its gaps: `--replay FILE --speed 10 --loop`. */
import { createReadStream } from 'node:fs';
import type { FeedMessage } from './feed-message.ts';
import { fileProblem } from './input-files.ts';
import { LineSplitter } from './lines.ts';
import { type PublishedRecord, parseRecord } from './message-record.ts';
import { UsageError } from './usage-error.ts';

export interface ReplayPlan {
  /** `-` for standard input. */
  readonly file: string;
  /** How many times faster; Infinity leaves out the gaps. */
  readonly speed: number;
  readonly loop: boolean;
}

/** Waits before each message for as long as it came after the first. Throws `UsageError` that names file and line. */
export async function* replayFeed(plan: ReplayPlan): AsyncGenerator<FeedMessage> {
  if (plan.loop && plan.file === '-') {
    throw new UsageError('--loop: standard input cannot be read again');
  }
  do {
    let any = false;
    let firstMs: number | undefined;
    const beganMs = performance.now();
    for await (const record of records(plan.file)) {
      any = true;
      firstMs ??= record.epochMs;
      if (record.epochMs !== undefined && firstMs !== undefined) {
        const dueMs = beganMs + (record.epochMs - firstMs) / plan.speed;
        await until(dueMs);
      }
      yield record;
    }
    if (!any) throw new UsageError(`--replay: there is no message in ${plan.file}`);
  } while (plan.loop);
}

async function* records(file: string): AsyncGenerator<PublishedRecord> {
  const lines: Uint8Array[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  let lineNumber = 0;
  const parsed = (line: Uint8Array): readonly PublishedRecord[] => {
    lineNumber += 1;
    const text = new TextDecoder().decode(line);
    if (text.trim() === '') return [];
    try {
      return [parseRecord(text)];
    } catch (error) {
      throw new UsageError(`--replay: ${file}:${lineNumber}: ${(error as Error).message}`);
    }
  };
  const input: AsyncIterable<Uint8Array> = file === '-' ? process.stdin : createReadStream(file);
  try {
    for await (const chunk of input) {
      splitter.push(chunk);
      for (const line of lines.splice(0)) yield* parsed(line);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw fileProblem('--replay', file, error);
  }
  splitter.end();
  for (const line of lines.splice(0)) yield* parsed(line);
}

async function until(dueMs: number): Promise<void> {
  // Timers cannot wait for longer than 24 days.
  for (let left = dueMs - performance.now(); left > 0; left = dueMs - performance.now()) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, Math.min(left, 2_000_000_000));
    });
  }
}
