import { readFileSync, readSync } from 'node:fs';
import { quoted, UsageError } from './usage-error.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is no directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ERR_FS_FILE_TOO_LARGE: 'the file is too large',
};

/** Why a file that the command line names cannot be used. */
export function fileProblem(option: string, file: string, error: unknown): UsageError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new UsageError(
    `${option}: cannot ${option === '--record' ? 'write' : 'read'} ${quoted(file)}: ${reasons[code ?? ''] ?? message}`,
    file === '-' && option === '-f' ? 'For standard input: -s' : undefined,
  );
}

/** The bytes of a file. Throws `UsageError`. */
export function readInputFile(option: string, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw fileProblem(option, file, error);
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
