/** `--record FILE`: every message that is printed, as a line that `mqtt-pub --replay` reads. */
import { createWriteStream, openSync } from 'node:fs';
import type { Message } from 'mqtt-kit';
import { fileProblem } from './input-files.ts';
import { recordOf } from './message-record.ts';
import type { Recorder } from './message-taker.ts';
import { UsageError } from './usage-error.ts';

const never: Promise<void> = new Promise(() => {});

/**
 * Opens the file, which is written anew; `-` is no file. Throws `UsageError` when it cannot be written. Messages that it
 * cannot take any more are not acknowledged; `onFailure` is called then.
 */
export function openRecorder(file: string, onFailure: () => void): Recorder {
  if (file === '-') {
    throw new UsageError('--record expects a file', 'On standard output: --output ndjson');
  }
  let descriptor: number;
  try {
    descriptor = openSync(file, 'w', 0o666);
  } catch (error) {
    throw fileProblem('--record', file, error, 'write');
  }
  const stream = createWriteStream(file, { fd: descriptor });
  let failure: NodeJS.ErrnoException | undefined;
  // Whoever records wants all of it: a disk that is full ends the program.
  stream.on('error', (error) => {
    failure ??= error;
    onFailure();
  });
  return {
    get failure() {
      return failure;
    },
    write: (message: Message) => {
      if (failure !== undefined) return never;
      return new Promise((resolve) => {
        stream.write(`${JSON.stringify(recordOf(message, Date.now()))}\n`, (error) => {
          if (!error) resolve();
        });
      });
    },
    end: () =>
      new Promise((resolve) => {
        if (failure !== undefined) resolve();
        else stream.end(() => resolve());
      }),
  };
}
