import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { programOf, requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { programs, run } from './programs.ts';
import { Tmux } from './tmux.ts';

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

/** A folder with the completion of mqtt-pub and a file to complete. */
async function folderWith(shell: string, file: string): Promise<string> {
  const { stdout, code } = await run('mqtt-pub', ['--completion', shell]);
  expect(code).toBe(0);
  const folder = temporaryFolder(`completion-${shell}`);
  writeFileSync(join(folder, file), stdout);
  writeFileSync(join(folder, 'payload.json'), '{}');
  return folder;
}

describe.runIf(requires('fish'))('completion in fish', () => {
  it('completes options, their choices, files and properties', async () => {
    const folder = await folderWith('fish', 'mqtt-pub.fish');
    const completed = (line: string) => {
      const script = `source mqtt-pub.fish; complete -C 'mqtt-pub ${line}'`;
      const out = execFileSync(programOf('fish'), ['--no-config', '-c', script], {
        cwd: folder,
        encoding: 'utf8',
        env: { HOME: folder, PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' },
      });
      // What follows a tab describes it.
      return out.split('\n').flatMap((one) => (one === '' ? [] : [one.split('\t')[0]]));
    };
    expect(completed('--will-q')).toEqual(['--will-qos']);
    expect(completed('-q ')).toEqual(['0', '1', '2']);
    expect(completed('--qos=')).toEqual(['--qos=0', '--qos=1', '--qos=2']);
    expect(completed('-f pay')).toEqual(['payload.json']);
    expect(completed('-D pub')).toEqual(['publish']);
    expect(completed('-D publish content')).toEqual(['content-type']);
    expect(completed('-m ')).toEqual([]);
  });
});

describe.runIf(requires('zsh', 'tmux'))('completion in zsh', () => {
  it('completes options, their choices, files and properties', async () => {
    const folder = await folderWith('zsh', '_mqtt-pub');
    using terminal = new Tmux(folder, `${programOf('zsh')} -f`);
    terminal.type(
      "PS1='ready> '; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; clear",
    );
    terminal.press('Enter');
    await terminal.showsOnly('ready>');
    const completes = async (line: string, expected: string): Promise<void> => {
      terminal.type(`mqtt-pub ${line}`);
      await terminal.shows(`mqtt-pub ${line.trim()}`);
      terminal.press('Tab');
      await terminal.shows(expected);
      // The line goes, and the screen is cleared.
      terminal.press('C-u', 'C-l');
      await terminal.showsOnly('ready>');
    };
    await completes('--will-q', 'mqtt-pub --will-qos');
    await completes('-q ', '0  1  2');
    await completes('--qos=', '0  1  2');
    await completes('-f pay', 'mqtt-pub -f payload.json');
    await completes('-D pub', 'mqtt-pub -D publish');
    await completes('-D publish content', 'mqtt-pub -D publish content-type');
  }, 120_000);
});
