import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { programs, run } from './programs.ts';

beforeAll(programs, 60_000);

describe('completion in bash', () => {
  it('completes options, their choices, files and properties', async () => {
    const { stdout, code } = await run('mqtt-pub', ['--completion', 'bash']);
    expect(code).toBe(0);
    const folder = temporaryFolder('completion');
    const script = join(folder, 'mqtt-pub.bash');
    writeFileSync(script, stdout);
    writeFileSync(join(folder, 'payload.json'), '{}');
    const completed = (...words: string[]) => {
      const line = `
        source '${script}'
        COMP_WORDS=(mqtt-pub ${words.map((word) => `'${word}'`).join(' ')})
        COMP_CWORD=${words.length}
        _mqtt_pub
        printf '%s\\n' "\${COMPREPLY[@]}"`;
      const out = execFileSync('/bin/bash', ['-c', line], { cwd: folder, encoding: 'utf8' });
      return out.trim().split('\n');
    };
    expect(completed('--will-q')).toEqual(['--will-qos']);
    expect(completed('-q', '')).toEqual(['0', '1', '2']);
    expect(completed('-f', 'pay')).toEqual(['payload.json']);
    expect(completed('-D', 'pub')).toEqual(['publish']);
    expect(completed('-D', 'publish', 'content')).toEqual(['content-type']);
    expect(completed('-m', '')).toEqual(['']);
  });
});
