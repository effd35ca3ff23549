import { describe, expect, it } from 'vitest';
import { PayloadTemplate } from './payload-template.ts';

describe('--template', () => {
  const filled = (text: string, line?: string) => {
    const template = new PayloadTemplate({ HOST: 'h' });
    template.next();
    return template.fill(text, line === undefined ? undefined : new TextEncoder().encode(line));
  };

  it('counts messages, from 1 or from what is said', () => {
    const template = new PayloadTemplate({});
    const three = Array.from({ length: 3 }, () => {
      template.next();
      return template.fill('{counter} {counter:100} {counter}', undefined);
    });
    expect(three).toEqual(['1 100 1', '2 101 2', '3 102 3']);
  });

  it('fills in line, environment and time', () => {
    expect(filled('<{line}> {env:HOST}', 'a b')).toBe('<a b> h');
    expect(filled('{time}')).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(filled('{time:ms}').length).toBe(13);
    expect(filled('{time:unix}').length).toBe(10);
    expect(filled('{uuid}')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('draws numbers within their bounds, with as many decimals', () => {
    for (let i = 0; i < 200; i += 1) {
      expect(filled('{random:-1..2}')).toMatch(/^(-1|0|-0|1|2)$/);
      expect(filled('{random:1.00..1.05}')).toMatch(/^1\.0[0-5]$/);
    }
  });

  it('leaves the braces of JSON alone', () => {
    expect(filled('{"n": {counter}, "o": {}}')).toBe('{"n": 1, "o": {}}');
  });

  it.each(['{random:5..1}', '{random:x}', '{time:week}', '{env:NOPE}', '{counter:x}'])(
    '%s is refused',
    (text) => {
      expect(() => filled(text)).toThrow('--template');
    },
  );
});
