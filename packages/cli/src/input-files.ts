import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { isUsageError, quoted, UsageError } from './usage-error.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  EEXIST: 'there is a file of that name',
  EROFS: 'nothing can be written there',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of the path is no directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ERR_FS_FILE_TOO_LARGE: 'the file is too large',
};

/** Why a file that the command line names cannot be read, written or used. */
export function fileProblem(
  option: string,
  file: string,
  error: unknown,
  doing: 'read' | 'write' | 'use' = 'read',
): UsageError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new UsageError(
    `${option}: cannot ${doing} ${quoted(file)}: ${reasons[code ?? ''] ?? message}`,
    file === '-' && option === '-f' ? 'For standard input: -s' : undefined,
  );
}

/** The bytes of a file. Throws `UsageError`. */
export function readInputFile(option: string, file: string): Uint8Array {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    return fstatSync(descriptor).isFile()
      ? readFileSync(descriptor)
      : readToItsEnd(descriptor, option, file);
  } catch (error) {
    throw isUsageError(error) ? error : fileProblem(option, file, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** No message and no certificate is longer. */
const longestInput = 268_435_455;

/** A pipe, or a device, which may have no end. */
function readToItsEnd(descriptor: number, option: string, file: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let size = 0; size <= longestInput; ) {
    const chunk = new Uint8Array(65_536);
    const count = readSync(descriptor, chunk);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
    size += count;
  }
  throw new UsageError(
    `${option}: ${quoted(file)} is longer than an MQTT message can be (${longestInput} bytes)`,
  );
}

/** The bytes of standard input. Throws `UsageError` when it cannot be read: it may be a directory. */
export async function* standardInput(option: string): AsyncGenerator<Uint8Array> {
  try {
    // Node takes a directory for an empty file.
    if (fstatSync(0).isDirectory()) {
      throw new UsageError(`${option}: standard input is a directory`);
    }
    yield* process.stdin as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (isUsageError(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${option}: cannot read standard input: ${code === 'EBADF' ? 'it is not open for reading' : message}`,
    );
  }
}

/** The next byte of an open file, as soon as there is one; nothing at its end. Throws `UsageError`. */
export function readByte(descriptor: number, option: string, file: string): number | undefined {
  const byte = new Uint8Array(1);
  for (;;) {
    try {
      return readSync(descriptor, byte, 0, 1, null) === 0 ? undefined : byte[0];
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EOF') return undefined;
      if (code !== 'EAGAIN') throw fileProblem(option, file, error);
      // Another program made it non-blocking: look again soon.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** A PEM file: certificates, or a private key. Throws `UsageError` when there is none in it. */
export function readPemFile(option: string, file: string, content: RegExp): string {
  const text = new TextDecoder().decode(readInputFile(option, file));
  if (text.trim() === '') throw new UsageError(`${option}: ${quoted(file)} is empty`);
  if (content.test(text)) return text;
  throw new UsageError(
    `${option}: ${quoted(file)} holds no ${option === '--key' ? 'private key' : 'certificate'} in PEM form`,
    'A PEM file has lines such as -----BEGIN CERTIFICATE-----',
  );
}
