import { describe, expect, it } from 'vitest';
import { readArguments } from './arguments.ts';

async function mistakeIn(words: readonly string[]): Promise<string> {
  return readArguments(words, '1.2.3').then(
    () => 'none',
    (error: Error) => error.message,
  );
}

describe('the command line', () => {
  it('says what to run, and how', async () => {
    const words = [
      'run',
      '--preset',
      'house',
      '-h',
      '::1',
      '-p',
      '1884',
      '--rate',
      '6/m',
      '--speed',
      '60x',
      '--seed',
      '7',
      '-q',
      '1',
    ];
    expect(await readArguments(words, '1.2.3')).toMatchObject({
      kind: 'run',
      args: {
        preset: 'house',
        file: undefined,
        url: 'mqtt://[::1]:1884',
        every: '10000ms',
        speed: 60,
        seed: '7',
        qos: 1,
        describe: false,
      },
    });
    expect(await readArguments(['run', 'a.yaml', '--speed', 'max'], '1.2.3')).toMatchObject({
      kind: 'run',
      args: { file: 'a.yaml', url: 'mqtt://localhost', speed: Number.POSITIVE_INFINITY },
    });
    expect(await readArguments(['--version'], '1.2.3')).toEqual({ kind: 'text', text: '1.2.3\n' });
  });

  it.each([
    [[], /nothing to do: give run and a file or a preset/],
    [['run'], /no file and no preset given/],
    [['run', 'a.yaml', '--preset', 'house'], /give a file or a preset, not both/],
    [['run', '--preset', 'hose'], /Invalid values:\n.*hose/],
    [['run', '--preset', 'house', '--sped', '2'], /Unknown argument: sped/],
    [
      ['run', '--preset', 'house', '--speed', 'fast'],
      /--speed must be a factor such as 60x, or max; given was "fast"/,
    ],
    [['run', '--preset', 'house', '--rate', '0'], /--rate must be readings of each device/],
    [['run', '--preset', 'energy', '--devices', 'many'], /--devices must be a number/],
    [['run', '--preset', 'house', '--url', 'mqtt://x', '-p', '5'], /leave out -h and -p/],
    [['run', '--preset', 'house', '--seed', '1', '--seed', '2'], /--seed is given 2 times/],
  ])('with a mistake is refused: %j', async (words, expected) => {
    expect(await mistakeIn(words)).toMatch(expected);
  });
});
