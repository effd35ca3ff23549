/**
 * The append-only file of one session.
 *
 * It begins with a header that names the format. Then follow frames, one for each group of commits that becomes durable
 * together: a mark, the length and CRC-32 of the body, the body (operations one after the other). A frame is taken whole
 * or not at all, which is what makes a commit all or nothing: a process killed in the middle of a write leaves a torn last
 * frame, and reading cuts it off. A bad frame with good ones behind it is something else, damage, and is never passed
 * over in silence.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { MqttError } from '@mqtt-kit/core';
import type { SessionOperation } from '@mqtt-kit/engine';
import { OperationWriter, readOperations } from './operation-codec.ts';

const header = Buffer.from('mqtt-kit session journal 1\n', 'latin1');
const headerStart = 'mqtt-kit session journal ';
/** Not ASCII, so that text in a payload seldom looks like the begin of a frame. */
const frameMark = 0xc5a7;
const frameHeadBytes = 2 + 4 + 4;
const syncData = promisify(fdatasync);

/** What reading a journal found. */
export interface JournalContents {
  readonly operations: readonly SessionOperation[];
  /** Bytes of a torn last frame that were cut off. */
  readonly tornBytes: number;
  /** Damaged stretches that a repair left out. */
  readonly damaged: readonly { readonly at: number; readonly bytes: number }[];
}

export class Journal {
  readonly #file: string;
  #descriptor: number;
  #length: number;
  readonly #writer = new OperationWriter();

  private constructor(file: string, descriptor: number, length: number) {
    this.#file = file;
    this.#descriptor = descriptor;
    this.#length = length;
  }

  /**
   * Opens or makes the file and reads what it holds. Throws `storeCorrupt` for a file that is no journal, is of a newer
   * format, or is damaged in the middle and `repair` is not asked for.
   */
  static open(file: string, repair: boolean): { journal: Journal; contents: JournalContents } {
    const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
    const descriptor = openSync(file, flags, 0o600);
    try {
      const contents = readJournal(file, readAll(descriptor), repair);
      const journal = new Journal(file, descriptor, contents.length);
      if (contents.length === 0) journal.#begin();
      else if (contents.damaged.length > 0) journal.rewrite(contents.operations);
      else if (contents.tornBytes > 0) ftruncateSync(descriptor, contents.length);
      return { journal, contents };
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** Bytes of the file, whole frames only. */
  get length(): number {
    return this.#length;
  }

  /** Appends one frame: handed to the operating system when this returns, so that it outlives the process. */
  append(operations: readonly SessionOperation[]): void {
    this.#writer.truncate(0);
    for (const operation of operations) this.#writer.append(operation);
    const body = this.#writer.bytes;
    const head = Buffer.allocUnsafe(frameHeadBytes);
    head.writeUInt16LE(frameMark, 0);
    head.writeUInt32LE(body.byteLength, 2);
    head.writeUInt32LE(crc32(body), 6);
    const frame = Buffer.concat([head, body]);
    try {
      writeWhole(this.#descriptor, frame, this.#length);
    } catch (error) {
      // Half a frame may stand there now. Reading would cut it off; a frame written behind it would hide behind damage.
      tryTo(() => ftruncateSync(this.#descriptor, this.#length));
      throw error;
    }
    this.#length += frame.byteLength;
  }

  /** Waits until what was appended so far outlives a loss of power. */
  sync(): Promise<void> {
    return syncData(this.#descriptor);
  }

  /**
   * Replaces the contents by these operations. At every moment either the old file or the new one stands complete under
   * the name, whatever is killed or loses power.
   */
  rewrite(operations: readonly SessionOperation[]): void {
    const temporary = `${this.#file}.new`;
    rmSync(temporary, { force: true });
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    const descriptor = openSync(temporary, flags, 0o600);
    const fresh = new Journal(temporary, descriptor, 0);
    try {
      fresh.#begin();
      if (operations.length > 0) fresh.append(operations);
      fdatasyncSync(descriptor);
      renameSync(temporary, this.#file);
    } catch (error) {
      closeSync(descriptor);
      tryTo(() => rmSync(temporary, { force: true }));
      throw error;
    }
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#length = fresh.#length;
    syncDirectory(dirname(this.#file));
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #begin(): void {
    ftruncateSync(this.#descriptor, 0);
    writeWhole(this.#descriptor, header, 0);
    this.#length = header.byteLength;
    syncDirectory(dirname(this.#file));
  }
}

/** Makes a new name in a directory outlive a loss of power. */
export function syncDirectory(directory: string): void {
  // Windows cannot open a directory; its file system keeps names by itself.
  tryTo(() => {
    const descriptor = openSync(directory, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

function readAll(descriptor: number): Buffer {
  const size = fstatSync(descriptor).size;
  const bytes = Buffer.allocUnsafe(size);
  let filled = 0;
  while (filled < size) {
    const count = readSync(descriptor, bytes, filled, size - filled, filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** A write may take fewer bytes than it was given, and says so only by its count. */
function writeWhole(descriptor: number, bytes: Buffer, position: number): void {
  let written = 0;
  while (written < bytes.byteLength) {
    written += writeSync(
      descriptor,
      bytes,
      written,
      bytes.byteLength - written,
      position + written,
    );
  }
}

function readJournal(
  file: string,
  bytes: Buffer,
  repair: boolean,
): JournalContents & { length: number } {
  // Killed while the header was being written: nothing was ever committed.
  if (bytes.byteLength < header.byteLength && header.subarray(0, bytes.byteLength).equals(bytes)) {
    return { operations: [], tornBytes: bytes.byteLength, damaged: [], length: 0 };
  }
  checkHeader(file, bytes);
  const operations: SessionOperation[] = [];
  const damaged: { at: number; bytes: number }[] = [];
  let at = header.byteLength;
  for (;;) {
    const frame = frameAt(bytes, at);
    if (frame !== undefined) {
      for (const operation of operationsOf(file, at, frame)) operations.push(operation);
      at += frameHeadBytes + frame.byteLength;
      continue;
    }
    const next = nextFrame(bytes, at + 1);
    if (next === undefined) break;
    if (!repair) throw damage(file, at, next - at);
    damaged.push({ at, bytes: next - at });
    at = next;
  }
  return { operations, tornBytes: bytes.byteLength - at, damaged, length: at };
}

function checkHeader(file: string, bytes: Buffer): void {
  if (bytes.subarray(0, header.byteLength).equals(header)) return;
  const start = bytes.subarray(0, 64).toString('latin1');
  if (start.startsWith(headerStart)) {
    const format = start.slice(headerStart.length).split('\n', 1)[0];
    throw new MqttError(
      'storeCorrupt',
      `${file} has session journal format ${format}; this version reads format 1`,
      {
        hint: 'It was written by a newer mqtt-kit: use that version, or another directory.',
      },
    );
  }
  throw new MqttError('storeCorrupt', `${file} is not a session journal`, {
    hint: 'Give the file store a directory of its own.',
  });
}

/** The body of a complete, sound frame at this place. */
function frameAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + frameHeadBytes > bytes.byteLength || bytes.readUInt16LE(at) !== frameMark)
    return undefined;
  const size = bytes.readUInt32LE(at + 2);
  const start = at + frameHeadBytes;
  if (start + size > bytes.byteLength) return undefined;
  const body = bytes.subarray(start, start + size);
  return crc32(body) === bytes.readUInt32LE(at + 6) ? body : undefined;
}

function nextFrame(bytes: Buffer, from: number): number | undefined {
  const mark = Buffer.from([frameMark & 0xff, frameMark >> 8]);
  for (let at = bytes.indexOf(mark, from); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    if (frameAt(bytes, at) !== undefined) return at;
  }
  return undefined;
}

function operationsOf(file: string, at: number, body: Buffer): SessionOperation[] {
  try {
    return readOperations(body);
  } catch (cause) {
    throw new MqttError('storeCorrupt', `${file}: the frame at byte ${at} cannot be read`, {
      cause,
    });
  }
}

function damage(file: string, at: number, bytes: number): MqttError {
  return new MqttError(
    'storeCorrupt',
    `${file} is damaged: ${bytes} bytes from byte ${at} on are no journal, and sound ones follow`,
    {
      hint: 'The disk or another program changed it. fileStore(directory, { repair: true }) keeps all that is sound.',
    },
  );
}

function tryTo(action: () => void): void {
  try {
    action();
  } catch {
    // The error that led here, or the state already reached, says more than this one.
  }
}
