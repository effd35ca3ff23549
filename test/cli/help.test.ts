import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startChild } from '../setup/child-process.ts';
import { programOf, requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { type ProgramName, plainEnvironment, programs, run, shell } from './programs.ts';

beforeAll(programs, 60_000);

describe.each<ProgramName>(['mqtt-pub', 'mqtt-sub'])('%s', (program) => {
  it('--help is short, goes to stdout and ends with 0', async () => {
    const { code, stdout, stderr } = await run(program, ['--help']);
    const lines = stdout.toString().split('\n');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines.length).toBeLessThan(32);
    expect(lines.filter((line) => line.length > 79)).toEqual([]);
    const examples = lines.filter((line) => line.includes(`${program} `) && line.startsWith('  '));
    expect(examples.length).toBeGreaterThanOrEqual(4);
  });

  it('--help=all shows every option', async () => {
    const { code, stdout } = await run(program, ['--help=all']);
    expect(code).toBe(0);
    for (const name of ['--password-file', '--will-retain', '--retry-limit', '--insecure']) {
      expect(stdout.toString()).toContain(name);
    }
  });

  it('--help says in which unit a time is given', async () => {
    const { stdout } = await run(program, ['--help=all']);
    const text = stdout.toString().replace(/\s+/g, ' ');
    for (const option of ['--timeout', '--keepalive', '--connect-timeout']) {
      const description = text.slice(text.indexOf(` ${option} `)).slice(0, 120);
      expect(description, option).toMatch(/seconds.*2m/);
    }
  });

  it('the examples of --help are understood', async () => {
    const { stdout } = await run(program, ['--help']);
    const commands = stdout
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('  ') && line.includes(`${program} `));
    const variable = program === 'mqtt-pub' ? '$PUB' : '$SUB';
    for (const command of commands) {
      // As the shell hands them over, but to a host that does not exist: usage errors come before it is asked for.
      const line = command.replace(program, `${variable} -h host.invalid`).replace(/^.*\| /, '');
      const { code, stderr } = await shell(`${line} </dev/null`);
      expect({ command, code, stderr }).toMatchObject({ command, code: 68 });
    }
  }, 60_000);

  it('--version says name and version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL(`../../apps/${program}/package.json`, import.meta.url), 'utf8'),
    );
    const { code, stdout, stderr } = await run(program, ['--version']);
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({
      code: 0,
      stdout: `${program} ${version}\n`,
      stderr: '',
    });
  });

  it('runs by itself, wherever its folder lies', async () => {
    const { [program]: path } = await programs();
    expect(statSync(path).mode & 0o111).toBe(0o111);
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node');
    const folder = temporaryFolder('elsewhere');
    cpSync(dirname(path), folder, { recursive: true });
    const copy = join(folder, basename(path));
    const output = execFileSync(copy, ['--version'], { encoding: 'utf8' });
    expect(output).toMatch(new RegExp(`^${program} \\d`));
    // What is loaded only then needs no package either.
    for (const words of [
      ['-h', 'host.invalid'],
      ['-L', 'wss://host.invalid'],
      ['-p', '8883', '-h', 'host.invalid'],
    ]) {
      const what = program === 'mqtt-pub' ? ['-t', 'a', '-m', 'x'] : ['-t', 'a'];
      const child = startChild(process.execPath, [copy, ...words, ...what, '--color=always'], {
        env: plainEnvironment,
      });
      expect(await child.ended).toMatchObject({ code: 68 });
    }
  });

  it('a mistake says what to do, on stderr, in at most three lines', async () => {
    const { code, stdout, lines } = await run(program, ['--tpoic', 'x']);
    expect({ code, stdout: stdout.length, lines }).toEqual({
      code: 64,
      stdout: 0,
      lines: [`${program}: unknown option --tpoic`, '  Did you mean --topic?'],
    });
    expect((await run(program, [])).lines).toEqual([
      `${program}: no topic given`,
      expect.stringContaining('Try: mqtt-'),
    ]);
  });

  it('mistakes are told under --quiet too, and in English everywhere', async () => {
    const env = { LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8' };
    const { code, lines } = await run(program, ['--quiet', '-p', 'abc'], { env });
    expect({ code, first: lines[0] }).toEqual({
      code: 64,
      first: `${program}: -p expects a whole number from 1 to 65535, not 'abc'`,
    });
  });
});

const mosquitto = requires('mosquitto-clients');

describe.runIf(mosquitto).each([
  ['mqtt-pub', 'mosquitto_pub'],
  ['mqtt-sub', 'mosquitto_sub'],
] as const)('%s, given an option of %s', (program, theirs) => {
  it('has it, or says that it does not have it yet', async () => {
    const help = startChild(programOf(theirs), ['--help']);
    await help.ended;
    const spellings = help.stdout.toString().match(/(?<=^ | )--?[A-Za-z][a-z0-9-]*/gm) ?? [];
    expect(spellings).toContain('-A');
    for (const spelling of new Set(spellings)) {
      // Whether it takes a value or not: nothing is connected to, and what is unknown is told first.
      const { stderr } = await run(program, [spelling, 'x', '--version']);
      expect(stderr, spelling).not.toMatch(/unknown option|has no option/);
    }
  }, 60_000);
});
