/**
 * As much of `node:fs` as the file store uses, over the disk of the run that is under way. The bundle of the simulation
 * gives it to the sources of `packages/store-file` in place of the platform's; a function that they import and that is
 * missing here fails the bundle.
 */
import type { SimulatedDisk } from './simulated-disk.ts';

let current: SimulatedDisk | undefined;

/** The disk that the functions of this module work on. */
export function useDisk(disk: SimulatedDisk | undefined): void {
  current = disk;
}

/** Which life of the process it is. */
export function lifeOfDisk(): number {
  return disk().life;
}

function disk(): SimulatedDisk {
  if (current === undefined) throw new Error('no simulated disk is in use');
  return current;
}

export const constants = { O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_NOFOLLOW: 0 } as const;

export function openSync(path: string, flags: number | string): number {
  const bits = typeof flags === 'number' ? flags : 0;
  return disk().open(path, {
    create: (bits & constants.O_CREAT) !== 0,
    exclusive: (bits & constants.O_EXCL) !== 0,
    directory: typeof flags === 'string',
  });
}

export function closeSync(descriptor: number): void {
  disk().close(descriptor);
}

export function fstatSync(descriptor: number): { size: number } {
  return { size: disk().size(descriptor) };
}

export function readSync(
  descriptor: number,
  into: Uint8Array,
  offset: number,
  length: number,
  at: number,
): number {
  return disk().read(descriptor, at, into.subarray(offset, offset + length));
}

export function writeSync(
  descriptor: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  at: number,
): number {
  return disk().write(descriptor, bytes.subarray(offset, offset + length), at);
}

export function ftruncateSync(descriptor: number, size: number): void {
  disk().truncate(descriptor, size);
}

export function fdatasync(descriptor: number, done: (error: Error | null) => void): void {
  disk().sync(descriptor, done);
}

export function fdatasyncSync(descriptor: number): void {
  disk().sync(descriptor, undefined);
}

export function fsyncSync(descriptor: number): void {
  disk().sync(descriptor, undefined);
}

export function renameSync(from: string, to: string): void {
  disk().rename(from, to);
}

export function linkSync(from: string, to: string): void {
  disk().link(from, to);
}

export function rmSync(path: string): void {
  disk().remove(path);
}

/** There is one directory, and it is there. */
export function mkdirSync(): undefined {
  return undefined;
}

export function statSync(): { isDirectory(): boolean } {
  return { isDirectory: () => true };
}

export function lstatSync(path: string): ReturnType<typeof kindOf> | undefined {
  if (path.endsWith('.lock')) return kindOf(true);
  return disk().has(path) ? kindOf(false) : undefined;
}

/** There is nobody whose rights would matter. */
export function chmodSync(): void {}
export function fchmodSync(): void {}

function kindOf(directory: boolean) {
  return {
    isFile: () => !directory,
    isDirectory: () => directory,
    isSymbolicLink: () => false,
  };
}
