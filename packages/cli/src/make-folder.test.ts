import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

describe('makeFolder', () => {
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'mqtt-kit-folder-'));
  });
  afterEach(() => rmSync(place, { recursive: true }));

  it('makes a folder and those above it, for its owner alone', () => {
    const folder = join(place, 'a', 'b', 'c');
    makeFolder(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(place, 'a')).mode & 0o777).toBe(0o700);
  });

  it('leaves one that is there', () => {
    makeFolder(place);
    expect(existsSync(place)).toBe(true);
  });

  it('throws where a file stands in the way', () => {
    writeFileSync(join(place, 'file'), '');
    expect(() => makeFolder(join(place, 'file', 'folder'))).toThrow('ENOTDIR');
  });

  it.runIf(existsSync('/proc/self'))('throws where a folder that is there takes none', () => {
    expect(() => makeFolder('/proc/mqtt-kit/queue')).toThrow('ENOENT');
  });
});
