/** `--record FILE`: every message that is printed, as a line that `mqtt-pub --replay` reads. */
import { createWriteStream, openSync } from 'node:fs';
import type { Message } from 'mqtt-kit';
import { fileProblem } from './input-files.ts';
import { recordOf } from './message-record.ts';
import type { Recorder } from './message-taker.ts';
import { UsageError } from './usage-error.ts';

/** Opens the file, which is written anew; `-` is no file. Throws `UsageError` when it cannot be written. */
export function openRecorder(file: string): Recorder {
  if (file === '-') {
    throw new UsageError('--record expects a file', 'On standard output: --output ndjson');
  }
  let descriptor: number;
  try {
    descriptor = openSync(file, 'w', 0o666);
  } catch (error) {
    throw fileProblem('--record', file, error);
  }
  const stream = createWriteStream(file, { fd: descriptor });
  // Whoever records wants all of it: a disk that is full ends the program.
  const write = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()));
    });
  stream.on('error', () => {});
  let last: Promise<void> = Promise.resolve();
  return {
    write: (message: Message) => {
      last = write(`${JSON.stringify(recordOf(message, Date.now()))}\n`);
      return last;
    },
    end: async () => {
      await last;
      await new Promise<void>((resolve) => {
        stream.end(() => resolve());
      });
    },
  };
}
