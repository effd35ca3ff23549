import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseArguments } from './parse-arguments.ts';
import { type PublishPlan, publishPlan } from './publish-plan.ts';
import { UsageError } from './usage-error.ts';

const plan = (...argv: string[]): PublishPlan => publishPlan(parseArguments('mqtt-pub', argv), {});

function payload(...argv: string[]): number[] {
  const { source } = plan(...argv);
  if (source.kind !== 'payload') throw new Error(`the source is ${source.kind}`);
  return [...source.payload];
}

function mistake(...argv: string[]): string {
  try {
    plan(...argv);
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} | ${error.hint ?? ''}`;
    throw error;
  }
  return 'none';
}

describe('publishPlan', () => {
  it('takes topic and message by options, by position, or mixed', () => {
    expect(plan('-t', 'a/b', '-m', 'x').topic).toBe('a/b');
    expect(payload('a/b', 'on')).toEqual([...Buffer.from('on')]);
    expect(payload('-t', 'a/b', 'on')).toEqual([...Buffer.from('on')]);
    expect(plan('a/b', '-m', 'x').topic).toBe('a/b');
    expect(plan('-L', 'mqtt://h/a/b', '-m', 'x').topic).toBe('a/b');
    expect(plan('-L', 'mqtt://h/a/b', '-t', 'c', '-m', 'x').topic).toBe('c');
    expect(payload('-t', 'a', '-m', '')).toEqual([]);
    expect(payload('-t', 'a', '-n')).toEqual([]);
    expect(payload('-t', 'a', '-m', 'é\udcff')).toEqual([0xc3, 0xa9, 0xff]);
  });

  it('reads a file as it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-cli-'));
    writeFileSync(join(folder, 'f'), Uint8Array.of(0, 0xff, 0x0a));
    expect(payload('-t', 'a', '-f', join(folder, 'f'))).toEqual([0, 0xff, 0x0a]);
    expect(mistake('-t', 'a', '-f', folder)).toContain('it is a directory');
    rmSync(folder, { recursive: true });
  });

  it('says which topic is used when several are given', () => {
    expect(plan('-t', 'a', '-t', 'b', '-m', 'x')).toMatchObject({
      topic: 'b',
      notes: [{ text: "-t was given 2 times: publishing to 'b' alone" }],
    });
    expect(plan('-t', 'a', '-t', 'a', '-m', 'x').notes).toEqual([]);
  });

  it.each([
    [['-m', 'x'], 'no topic given'],
    [['-t', 'a'], 'no message given | Add -m TEXT'],
    [['-t', 'a', '-m', 'x', '-f', 'y'], '-m and -f each say what to publish'],
    [['-t', 'a', '-l', '-m', 'x'], '-m and -l each say what to publish'],
    [['-t', 'a', '-s', '-n'], 'give one of them'],
    [['-t', 'a', '-l', 'x'], "unexpected argument 'x': -l says already"],
    [['-t', 'a', 'on', 'and', 'off'], 'stands in quotes'],
    [['a', 'b', 'c'], "3 arguments without an option: 'a' 'b' 'c'"],
    [['-t', 'a', '\u2013m', 'x'], 'typographic dash'],
    [['-t', 'a/#', '-m', 'x'], 'Wildcards are for mqtt-sub'],
    [['-t', 'a/+/b', '-m', 'x'], 'must not contain wildcards'],
    [['-t', '', '-m', 'x'], 'must not be empty'],
    [['-t', 'a\udcff', '-m', 'x'], "'a"],
    [['-t', 'x'.repeat(65_536), '-m', 'x'], '65535'],
    [['-t', 'a', '-f', '/nowhere'], "-f: cannot read '/nowhere': no such file"],
    [['-t', 'a', '-f', '-'], 'For standard input: -s'],
  ])('%# is a mistake', (argv, expected) => {
    expect(mistake(...argv)).toContain(expected);
  });

  it('tells that the shell may have taken $SYS for a variable', () => {
    expect(plan('-t', '/broker/x', '-m', 'x').notes[0]?.text).toContain('single quotes');
  });
});
