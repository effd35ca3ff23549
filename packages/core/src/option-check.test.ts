import { describe, expect, it } from 'vitest';
import { MqttUsageError } from './errors.ts';
import * as check from './option-check.ts';

function problem(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(MqttUsageError);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('checks of options', () => {
  it('say the name, what was expected and what was given', () => {
    expect(problem(() => check.checkInteger('keepAliveSeconds', 65_536, 0, 65_535))).toBe(
      'keepAliveSeconds must be a whole number from 0 to 65,535; got 65536',
    );
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, 5n]) {
      expect(problem(() => check.checkInteger('n', value, 0, 10))).toContain('a whole number');
    }
    expect(problem(() => check.checkBoolean('retain', 'false'))).toBe(
      'retain must be true or false; got "false"',
    );
    expect(problem(() => check.checkOneOf('qos', '1', [0, 1, 2]))).toBe(
      'qos must be 0, 1 or 2; got "1"',
    );
    expect(problem(() => check.checkAmount('delay', -1, 0))).toContain('at least 0');
    expect(problem(() => check.checkAmount('delay', Number.NaN, 0))).toContain('got NaN');
    expect(problem(() => check.checkCount('count', 1.5, 0))).toContain('a whole number');
    expect(problem(() => check.checkFunction('handler', {}))).toBe(
      'handler must be a function; got an object',
    );
    expect(problem(() => check.checkSignal('signal', { aborted: 'no' }))).toContain('AbortSignal');
    expect(problem(() => check.checkBytes('data', [1], 10))).toContain(
      'a Uint8Array; got an array',
    );
    expect(problem(() => check.checkBytes('data', new Uint8Array(11), 10))).toBe(
      'data must be at most 10 bytes; got 11',
    );
  });

  it('take what can be', () => {
    expect(check.checkInteger('n', 10, 0, 10)).toBe(10);
    expect(check.checkCount('n', Number.POSITIVE_INFINITY, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(check.checkAmount('n', 0.5, 0)).toBe(0.5);
    expect(check.checkSignal('signal', new AbortController().signal)).toBeInstanceOf(AbortSignal);
  });

  it('copy bytes', () => {
    const bytes = new Uint8Array([1, 2]);
    const copy = check.checkBytes('data', bytes, 10);
    expect(copy).toEqual(bytes);
    expect(copy).not.toBe(bytes);
  });

  it('take strings that the protocol can carry, and no others', () => {
    expect(check.checkString('id', 'größe 😀')).toBe('größe 😀');
    expect(check.checkString('id', 'x'.repeat(65_535))).toHaveLength(65_535);
    expect(problem(() => check.checkString('id', 5))).toBe('id must be a string; got 5');
    expect(problem(() => check.checkString('id', 'a\0'))).toContain('U+0000, found at index 1');
    expect(problem(() => check.checkString('id', 'a\udc00'))).toContain(
      'lone surrogate at index 1',
    );
    expect(problem(() => check.checkString('id', 'x'.repeat(65_536)))).toContain('got 65,536');
    expect(problem(() => check.checkString('id', '€'.repeat(21_846)))).toContain('got 65,538');
  });

  it('never show what is inside of an object', () => {
    expect(check.given({ password: 'secret' })).toBe('an object');
    expect(check.given(new Map())).toBe('an instance of Map');
    expect(check.given(Object.create(null))).toBe('an object');
    expect(check.given('x'.repeat(100))).toHaveLength(65);
  });
});

describe('checkOptions', () => {
  it('leaves out what is undefined, and nothing else', () => {
    const options = check.checkOptions('options', { a: undefined, b: null, c: 0 }, ['a', 'b', 'c']);
    expect([...options]).toEqual([
      ['b', null],
      ['c', 0],
    ]);
    expect(options.or('a', 1)).toBe(1);
    expect(options.or('b', 1)).toBeNull();
    expect(check.checkOptions('options', undefined, ['a']).size).toBe(0);
  });

  it('refuses what is no object', () => {
    for (const value of [null, 5, 'x', [], () => {}]) {
      expect(problem(() => check.checkOptions('options', value, ['a']))).toContain(
        'options must be an object; got ',
      );
    }
  });

  it('names the nearest known name for an unknown one', () => {
    const known = ['clientId', 'cleanStart', 'keepAliveSeconds', 'reconnect', 'username'];
    const hint = (name: string) =>
      problem(() => check.checkOptions('options of connect', { [name]: undefined }, known));
    expect(hint('clientID')).toBe(
      'options of connect has an unknown name "clientID". Did you mean clientId?',
    );
    expect(hint('cleanSesion')).toContain('Did you mean cleanStart?');
    expect(hint('keepalive')).toContain('Did you mean keepAliveSeconds?');
    expect(hint('clean')).toContain('Did you mean cleanStart?');
    expect(hint('reconnectPeriod')).toContain('Did you mean reconnect?');
    expect(hint('usrename')).toContain('Did you mean username?');
    expect(hint('xyz')).toContain(`Known are ${known.join(', ')}.`);
  });
});
