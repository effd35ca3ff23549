/**
 * The append-only file of one session.
 *
 * It begins with a header that names the format and has a random salt. Then follow frames, one for each group of commits
 * that becomes durable together: a mark, length and CRC-32 of the body, a CRC-32 of these, the body (operations one
 * after the other). A frame is taken whole or not at all, which is what makes a commit all or nothing: a process killed
 * in the middle of a write leaves a torn last frame, and reading cuts it off. A bad frame with good ones behind it is
 * something else, damage, and is never passed over in silence.
 *
 * Payloads are somebody else's words. Both sums start from the salt, so that nobody can write bytes into a payload that
 * pass for frames of this file, and the sum of the head keeps the search behind damage linear.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
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

const headerText = Buffer.from('mqtt-kit session journal 1\n', 'latin1');
const headerBytes = headerText.byteLength + 4;
const headerStart = 'mqtt-kit session journal ';
/** Not ASCII, so that text in a payload seldom looks like the begin of a frame. */
const frameMark = 0xc5a7;
const frameHeadBytes = 2 + 4 + 4 + 4;
const syncData = promisify(fdatasync);

/** What reading a journal found. */
export interface JournalContents {
  readonly operations: readonly SessionOperation[];
  /** Bytes of a torn last frame that were cut off. */
  readonly tornBytes: number;
  /** Damaged stretches that a repair left out. */
  readonly damaged: readonly { readonly at: number; readonly bytes: number }[];
  /** Where the damaged file went. */
  readonly damagedFile: string | undefined;
}

/** What the bytes of a journal hold. `length` is 0 for one that never got its header. */
type ReadJournal = Omit<JournalContents, 'damagedFile'> & {
  readonly length: number;
  readonly salt: number;
};

export class Journal {
  readonly #file: string;
  #descriptor: number;
  #length: number;
  #salt: number;
  readonly #writer = new OperationWriter();

  private constructor(file: string, descriptor: number, length: number, salt: number) {
    this.#file = file;
    this.#descriptor = descriptor;
    this.#length = length;
    this.#salt = salt;
  }

  /**
   * Opens or makes the file and reads what it holds. Throws `storeCorrupt` for a file that is no journal, is of a newer
   * format, or is damaged in the middle and `repair` is not asked for.
   */
  static open(file: string, repair: boolean): { journal: Journal; contents: JournalContents } {
    const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
    const descriptor = openSync(file, flags, 0o600);
    try {
      // Whatever the umask says, or somebody copied it as.
      fchmodSync(descriptor, 0o600);
      // Left by a process that was killed while it wrote the journal anew.
      rmSync(freshName(file), { force: true });
      const found = readJournal(file, readAll(descriptor), repair);
      const journal = new Journal(file, descriptor, found.length, found.salt);
      let damagedFile: string | undefined;
      // By way of another name, so that a loss of power leaves no half of a header under this one.
      if (found.length === 0) journal.rewrite([]);
      else if (found.damaged.length > 0) damagedFile = journal.#repair(found.operations);
      else if (found.tornBytes > 0) ftruncateSync(descriptor, found.length);
      return { journal, contents: { ...found, damagedFile } };
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
    head.writeUInt32LE(crc32(body, this.#salt), 6);
    head.writeUInt32LE(crc32(head.subarray(0, 10), this.#salt), 10);
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
   * The same at once, for what was read: a process that was killed may have written it and not synced it, and who
   * goes by it relies on it.
   */
  syncRead(): void {
    fdatasyncSync(this.#descriptor);
    syncDirectory(dirname(this.#file));
  }

  /**
   * Replaces the contents by these operations. At every moment either the old file or the new one stands complete under
   * the name, whatever is killed or loses power.
   */
  rewrite(operations: readonly SessionOperation[]): void {
    const temporary = freshName(this.#file);
    rmSync(temporary, { force: true });
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    const descriptor = openSync(temporary, flags, 0o600);
    const fresh = new Journal(temporary, descriptor, 0, 0);
    try {
      fchmodSync(descriptor, 0o600);
      fresh.#begin();
      if (operations.length > 0) fresh.append(operations);
      fdatasyncSync(descriptor);
      renameSync(temporary, this.#file);
    } catch (error) {
      closeSync(descriptor);
      tryTo(() => rmSync(temporary, { force: true }));
      throw error;
    }
    // The old file has no name any more: nothing depends on how its closing goes.
    tryTo(() => closeSync(this.#descriptor));
    this.#descriptor = descriptor;
    this.#length = fresh.#length;
    this.#salt = fresh.#salt;
    syncDirectory(dirname(this.#file));
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Nothing is thrown away in silence: what was damaged is kept under another name. */
  #repair(operations: readonly SessionOperation[]): string {
    for (let number = 1; ; number++) {
      const damagedFile = `${this.#file}.damaged-${number}`;
      try {
        linkSync(this.#file, damagedFile);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
        throw error;
      }
      this.rewrite(operations);
      return damagedFile;
    }
  }

  #begin(): void {
    ftruncateSync(this.#descriptor, 0);
    const salt = randomBytes(4);
    writeWhole(this.#descriptor, Buffer.concat([headerText, salt]), 0);
    this.#salt = salt.readUInt32LE(0);
    this.#length = headerBytes;
    syncDirectory(dirname(this.#file));
  }
}

function freshName(file: string): string {
  return `${file}.new`;
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

function readJournal(file: string, bytes: Buffer, repair: boolean): ReadJournal {
  // Killed while the header was being written: nothing was ever committed.
  const text = bytes.subarray(0, headerText.byteLength);
  if (bytes.byteLength < headerBytes && headerText.subarray(0, text.byteLength).equals(text)) {
    return { operations: [], tornBytes: bytes.byteLength, damaged: [], length: 0, salt: 0 };
  }
  const operations: SessionOperation[] = [];
  const damaged: { at: number; bytes: number }[] = [];
  if (!text.equals(headerText)) damaged.push(damagedHeader(file, bytes, repair));
  let salt = bytes.readUInt32LE(headerText.byteLength);
  const fittingSalt = otherSaltOfFirstFrame(bytes, salt);
  if (fittingSalt !== undefined) {
    // With the salt that stands there not one frame is sound, as if nothing had ever been whole.
    if (!repair) throw damage(file, headerText.byteLength, 4);
    damaged.push({ at: headerText.byteLength, bytes: 4 });
    salt = fittingSalt;
  }
  let at = headerBytes;
  for (;;) {
    const frame = frameAt(bytes, at, salt);
    if (frame !== undefined) {
      for (const operation of operationsOf(file, at, frame)) operations.push(operation);
      at += frameHeadBytes + frame.byteLength;
      continue;
    }
    const next = nextFrame(bytes, at + 1, salt);
    if (next === undefined) break;
    if (!repair) throw damage(file, at, next - at);
    damaged.push({ at, bytes: next - at });
    at = next;
  }
  return { operations, tornBytes: bytes.byteLength - at, damaged, length: at, salt };
}

/** With the salt in its place, and frames that fit it, the text before it is all that is missing. */
function damagedHeader(
  file: string,
  bytes: Buffer,
  repair: boolean,
): { at: number; bytes: number } {
  const start = bytes.subarray(0, 64).toString('latin1');
  const format = /^(\d+)\n/.exec(start.slice(headerStart.length))?.[1];
  if (start.startsWith(headerStart) && format !== undefined) {
    throw new MqttError(
      'storeCorrupt',
      `${file} has session journal format ${format}; this version reads format 1`,
      { hint: 'It was written by a newer mqtt-kit: use that version, or another directory.' },
    );
  }
  const salt =
    bytes.byteLength < headerBytes ? undefined : bytes.readUInt32LE(headerText.byteLength);
  if (salt === undefined || nextFrame(bytes, headerBytes, salt) === undefined) {
    throw new MqttError('storeCorrupt', `${file} is not a session journal`, {
      hint: 'Give the file store a directory of its own.',
    });
  }
  if (!repair) throw damage(file, 0, headerText.byteLength);
  return { at: 0, bytes: headerText.byteLength };
}

/** The one salt that fits the sum of the first frame's head, when it is another one and fits that of the body, too. */
function otherSaltOfFirstFrame(bytes: Buffer, written: number): number | undefined {
  if (bytes.byteLength < headerBytes + frameHeadBytes) return undefined;
  const sum = bytes.readUInt32LE(headerBytes + 10);
  const salt = startOfSum(bytes.subarray(headerBytes, headerBytes + 10), sum);
  return salt === written || frameAt(bytes, headerBytes, salt) === undefined ? undefined : salt;
}

/** From where CRC-32 has to start to end at this sum: its steps backwards. */
function startOfSum(bytes: Uint8Array, sum: number): number {
  let state = ~sum;
  for (const byte of bytes.toReversed()) {
    for (let bit = 0; bit < 8; bit++) {
      state = state < 0 ? ((state ^ 0xedb88320) << 1) | 1 : state << 1;
    }
    state ^= byte;
  }
  return ~state >>> 0;
}

/** The body of a complete, sound frame at this place. */
function frameAt(bytes: Buffer, at: number, salt: number): Buffer | undefined {
  const start = at + frameHeadBytes;
  if (start > bytes.byteLength || bytes.readUInt16LE(at) !== frameMark) return undefined;
  if (crc32(bytes.subarray(at, at + 10), salt) !== bytes.readUInt32LE(at + 10)) return undefined;
  const size = bytes.readUInt32LE(at + 2);
  if (start + size > bytes.byteLength) return undefined;
  const body = bytes.subarray(start, start + size);
  return crc32(body, salt) === bytes.readUInt32LE(at + 6) ? body : undefined;
}

function nextFrame(bytes: Buffer, from: number, salt: number): number | undefined {
  const mark = Buffer.from([frameMark & 0xff, frameMark >> 8]);
  for (let at = bytes.indexOf(mark, from); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    if (frameAt(bytes, at, salt) !== undefined) return at;
  }
  return undefined;
}

function operationsOf(file: string, at: number, body: Buffer): SessionOperation[] {
  try {
    return readOperations(body);
  } catch (cause) {
    throw new MqttError('storeCorrupt', `${file}: the frame at byte ${at} cannot be read`, {
      cause,
      hint: 'It was written by a newer mqtt-kit: use that version.',
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
