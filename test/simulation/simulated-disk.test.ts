import { describe, expect, it } from 'vitest';
import { type DiskHooks, SimulatedDisk } from './simulated-disk.ts';

type Fate = ReturnType<DiskHooks['fate']>;

const create = { create: true, exclusive: false, directory: false };

/** A disk with a file of some bytes that are synced. `fates` meet the operations after that. */
function diskWith(
  content: string,
  settings: { fates?: Fate[]; draws?: number[]; late?: boolean } = {},
) {
  let ready = false;
  const fates = settings.fates ?? [];
  const draws = settings.draws ?? [];
  let deaths = 0;
  const disk: SimulatedDisk = new SimulatedDisk({
    fate: () => (ready ? (fates.shift() ?? 'done') : 'done'),
    upTo: (most) => Math.min(most, draws.shift() ?? 0),
    syncsLate: () => ready && (settings.late ?? false),
    onDeath: () => {
      deaths += 1;
      disk.crash(false);
    },
  });
  const file = disk.open('a.journal', create);
  disk.write(file, bytes(content), 0);
  disk.sync(file, undefined);
  const directory = disk.open('.', { create: false, exclusive: false, directory: true });
  disk.sync(directory, undefined);
  ready = true;
  return { disk, file, deaths: () => deaths };
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function content(disk: SimulatedDisk): string {
  return String.fromCharCode(...(disk.contentOf('.journal') ?? []));
}

describe('the simulated disk', () => {
  it('keeps what a killed process wrote, synced or not', () => {
    const { disk, file } = diskWith('abc');
    disk.write(file, bytes('def'), 3);
    disk.crash(false);
    expect(content(disk)).toBe('abcdef');
  });

  it('loses with the power what was not synced, or keeps any part of it', () => {
    // Names kept; of the write nothing, then its end alone, then its beginning.
    for (const [draws, expected] of [
      [[0, 0, 0], 'abc'],
      [[0, 1, 1, 9], 'abc\0ef'],
      [[0, 0, 2], 'abcde'],
    ] as const) {
      const { disk, file } = diskWith('abc', { draws: [...draws] });
      disk.write(file, bytes('def'), 3);
      disk.crash(true);
      expect(content(disk)).toBe(expected);
    }
  });

  it('keeps over a loss of power what was synced, and brings back what was overwritten or cut off', () => {
    const { disk, file } = diskWith('abc');
    disk.write(file, bytes('X'), 0);
    disk.sync(file, undefined);
    disk.write(file, bytes('YZ'), 1);
    disk.truncate(file, 0);
    disk.crash(true);
    expect(content(disk)).toBe('Xbc');
  });

  it('loses new names with the power until their directory is synced', () => {
    const { disk, file } = diskWith('abc');
    const fresh = disk.open('a.new', create);
    disk.write(fresh, bytes('new'), 0);
    disk.sync(fresh, undefined);
    disk.rename('a.new', 'a.journal');
    expect(content(disk)).toBe('new');
    disk.crash(true);
    expect(content(disk)).toBe('abc');
    expect(() => disk.size(file)).toThrow('EIO');
  });

  it('tears a write where the process dies, and does nothing more for it', () => {
    const { disk, file, deaths } = diskWith('abc', { fates: ['die'], draws: [2] });
    expect(disk.write(file, bytes('def'), 3)).toBe(3);
    expect(deaths()).toBe(1);
    expect(content(disk)).toBe('abcde');
    expect(() => disk.write(file, bytes('g'), 5)).toThrow('EIO');
    disk.start();
    expect(() => disk.write(file, bytes('g'), 5)).toThrow('EBADF');
    expect(content(disk)).toBe('abcde');
  });

  it('does a renaming whole or, where the process dies, not at all', () => {
    const { disk } = diskWith('abc', { fates: ['done', 'die'] });
    disk.open('a.new', create);
    expect(() => disk.rename('a.new', 'a.journal')).toThrow('EIO');
    expect(content(disk)).toBe('abc');
  });

  it('takes a part of a write, then refuses, when it is full', () => {
    const { disk, file } = diskWith('abc', { fates: ['full', 'short'], draws: [1, 0] });
    expect(() => disk.write(file, bytes('def'), 3)).toThrow('ENOSPC');
    expect(content(disk)).toBe('abcd');
    expect(disk.write(file, bytes('ef'), 4)).toBe(1);
    expect(content(disk)).toBe('abcde');
  });

  it('syncs late when it is told to, what was written before the call', () => {
    const { disk, file } = diskWith('abc', { late: true });
    const ends: unknown[] = [];
    disk.write(file, bytes('d'), 3);
    disk.sync(file, (error) => ends.push(error));
    disk.write(file, bytes('e'), 4);
    expect([disk.pending, ends]).toEqual([1, []]);
    disk.settle(false);
    expect(ends).toEqual([null]);
    disk.sync(file, (error) => ends.push((error as Error & { code: string }).code));
    disk.settle(true);
    expect(ends).toEqual([null, 'EIO']);
    disk.crash(true);
    expect(content(disk)).toBe('abcd');
  });

  it('lets bytes come between those of a file', () => {
    const { disk } = diskWith('abc');
    disk.insert('.journal', 1, bytes('??'));
    expect(content(disk)).toBe('a??bc');
  });
});
