import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArguments } from './parse-arguments.ts';
import { UsageError } from './usage-error.ts';

const pub = (...argv: string[]) => parseArguments('mqtt-pub', argv);
const sub = (...argv: string[]) => parseArguments('mqtt-sub', argv);

function mistake(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} | ${error.hint ?? ''}`;
    throw error;
  }
  return 'none';
}

describe('values of options', () => {
  it('a value that begins with a dash is a value', () => {
    expect(pub('-m', '-1').text('message')).toBe('-1');
    expect(pub('-m', '--x').text('message')).toBe('--x');
    expect(pub('-m', '--').text('message')).toBe('--');
    expect(pub('-m', '--help').flag('help')).toBe(false);
    expect(pub('-t', '-x').text('topic')).toBe('-x');
    expect(pub('--message', '-v').text('message')).toBe('-v');
  });

  it('GNU forms are taken', () => {
    expect(sub('--topic=x').texts('topic')).toEqual(['x']);
    expect(sub('-tfoo').texts('topic')).toEqual(['foo']);
    expect(pub('--message=--x').text('message')).toBe('--x');
    expect(pub('--message=').text('message')).toBe('');
    expect(pub('--message=a=b').text('message')).toBe('a=b');
    expect(sub('-C1').number('count')).toBe(1);
  });

  it('letters of flags may be grouped, the last may take a value', () => {
    const parsed = sub('-vdt', 'a', '-cvC3');
    expect(['verbose', 'debug', 'disable-clean-session'].map((n) => parsed.flag(n as 'debug'))) //
      .toEqual([true, true, true]);
    expect(parsed.texts('topic')).toEqual(['a']);
    expect(parsed.number('count')).toBe(3);
  });

  it('of a repeated option the last wins, topics of mqtt-sub are all kept', () => {
    expect(pub('-m', 'a', '-m', 'b').text('message')).toBe('b');
    expect(pub('-p', '1', '--port=2').number('port')).toBe(2);
    expect(sub('-t', 'a', '--topic', 'b', '-tc').texts('topic')).toEqual(['a', 'b', 'c']);
  });

  it('an empty value is a value, also a repeated one', () => {
    expect(sub('-t', '', '-t', '').texts('topic')).toEqual(['', '']);
    expect(pub('-m', '').given('message')).toBe(true);
  });

  it('any text arrives as it was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(pub('-m', text).text('message')).toBe(text);
        expect(pub(`--message=${text}`).text('message')).toBe(text);
      }),
    );
    for (const text of ['"on"', "'a'", 'true', '1e3', '0x10', 'a\nb', '__proto__', 'NaN']) {
      expect(pub('-m', text).text('message')).toBe(text);
      expect(pub(`-m${text}`).text('message')).toBe(text);
    }
  });
});

describe('positional arguments', () => {
  it('stand by themselves or after --', () => {
    expect(pub('house/k', '21.5', '-r').positionals).toEqual(['house/k', '21.5']);
    expect(pub('-r', '--', '-t', '--help').positionals).toEqual(['-t', '--help']);
    expect(pub('-').positionals).toEqual(['-']);
  });
});

describe('mistakes', () => {
  it('name the option, what was given and what is expected', () => {
    expect(mistake(() => sub('-p', 'abc'))).toBe(
      "-p expects a whole number from 1 to 65535, not 'abc' | ",
    );
    expect(mistake(() => sub('-p', '70000'))).toContain('from 1 to 65535');
    expect(mistake(() => sub('-p', '12x'))).toContain("not '12x'");
    expect(mistake(() => sub('-p', '0'))).toContain('-p expects');
    expect(mistake(() => sub('-q', '3'))).toBe("-q expects 0, 1 or 2, not '3' | ");
    expect(mistake(() => sub('-q', ''))).toContain('not an empty value');
    expect(mistake(() => sub('-C', '0'))).toContain('-C expects a whole number from 1');
    expect(mistake(() => sub('-C', '-1'))).toContain("not '-1'");
    expect(mistake(() => sub('-W', '-1'))).toContain('-W expects a time above 0');
    expect(mistake(() => sub('-W', '0'))).toContain('-W expects a time above 0');
    expect(mistake(() => sub('-W', '1e400'))).toContain('-W expects');
    expect(mistake(() => sub('-W', '99999999'))).toContain('at most 24 days');
    expect(mistake(() => sub('-k', '65536'))).toContain('from 0 to 65535');
    expect(mistake(() => sub('-V', '4'))).toContain('-V expects');
    expect(mistake(() => sub('-V', 'toString'))).toContain('-V expects');
    expect(mistake(() => sub('--color=blue'))).toContain('auto, always or never');
  });

  it('an earlier value of a repeated option is checked too', () => {
    expect(mistake(() => sub('-p', 'abc', '-p', '1883'))).toContain("not 'abc'");
  });

  it('unknown options get a suggestion', () => {
    expect(mistake(() => sub('--tpoic', 'x'))).toBe(
      'unknown option --tpoic | Did you mean --topic?',
    );
    expect(mistake(() => sub('--hots=x'))).toContain('--host?');
    expect(mistake(() => sub('--disable-clean'))).toContain('--disable-clean-session?');
    expect(mistake(() => sub('--xyzzy'))).toBe('unknown option --xyzzy | ');
    expect(mistake(() => sub('-vX'))).toContain('unknown option -X in -vX');
    expect(mistake(() => sub('--toString'))).toContain('unknown option --toString');
  });

  it('an option of the other program is named as such', () => {
    expect(mistake(() => sub('-m', 'x'))).toContain('mqtt-sub has no option -m | mqtt-pub has it.');
    expect(mistake(() => pub('--verbose'))).toContain('mqtt-sub has it.');
  });

  it('a property takes three values, a user property four', () => {
    const parsed = pub(
      '-D',
      'publish',
      'content-type',
      '-t',
      '-D',
      'publish',
      'user-property',
      'k',
      'v',
      '-m',
      'x',
    );
    expect(parsed.texts('property').map((text) => JSON.parse(text))).toEqual([
      ['publish', 'content-type', '-t'],
      ['publish', 'user-property', 'k', 'v'],
    ]);
    expect(parsed.text('message')).toBe('x');
    expect(mistake(() => pub('-D', 'publish', 'user-property', 'k'))).toContain(
      '-D needs 4 values: -D PACKET user-property KEY VALUE',
    );
    expect(mistake(() => pub('-D', 'publish'))).toContain('-D needs 3 values');
  });

  it('an option of the other program is told apart from a misspelt one', () => {
    expect(mistake(() => pub('-F', 'x'))).toBe('mqtt-pub has no option -F | mqtt-sub has it.');
    expect(mistake(() => sub('--repeat', '3'))).toContain('mqtt-pub has it.');
  });

  it('a long option with one dash is not read as letters', () => {
    expect(mistake(() => sub('-topic', 'x'))).toContain('--topic');
    expect(mistake(() => sub('-help'))).toContain('--help');
  });

  it('a missing value names the option and its likely cause', () => {
    expect(mistake(() => sub('-t'))).toContain('-t needs a value: -t TOPIC | An unquoted #');
    expect(mistake(() => sub('-h'))).toContain('--help');
    expect(mistake(() => sub('--cafile'))).toContain('--cafile needs a value: --cafile FILE');
  });

  it('a flag takes no value, a letter no equals sign', () => {
    expect(mistake(() => sub('--verbose=yes'))).toContain("takes no value, but 'yes' was given");
    expect(mistake(() => sub('-p=1883'))).toContain('Write -p 1883 or --port=1883');
    expect(sub('--help=all').flag('help')).toBe(true);
  });
});

describe('durations', () => {
  it('are seconds unless a unit says otherwise', () => {
    const timeout = (text: string) => sub('-W', text).number('timeout');
    expect(['5', '0.5', '.25', '500ms', '5s', '2m', '1h'].map(timeout)).toEqual([
      5000, 500, 250, 500, 5000, 120_000, 3_600_000,
    ]);
    expect(timeout('0.0001')).toBe(1);
  });

  it('of -k are whole seconds, with a unit or without', () => {
    const keepAlive = (text: string) => sub('-k', text).number('keepalive');
    expect(['0', '90', '90s', '2m', '18h'].map(keepAlive)).toEqual([0, 90, 90, 120, 64_800]);
    const expected =
      /^-k expects whole seconds from 0 to 65535, such as 90, 90s or 2m, not '[^']+' \| $/;
    for (const text of ['500ms', '1.5', '-1', '19h', '65536', '2 m', 'm', '1e3']) {
      expect(mistake(() => sub('-k', text))).toMatch(expected);
    }
  });
});
