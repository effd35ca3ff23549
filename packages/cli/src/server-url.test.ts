import { describe, expect, it } from 'vitest';
import { parseServerUrl } from './server-url.ts';
import { UsageError } from './usage-error.ts';

const parts = (text: string) =>
  Object.fromEntries(
    Object.entries(parseServerUrl(text)).filter(([, value]) => value !== undefined),
  );

describe('parseServerUrl', () => {
  it('takes what follows the host of mqtt:// as the topic, as it stands', () => {
    expect(parts('mqtt://localhost/house/+/x')).toEqual({
      scheme: 'mqtt', host: 'localhost', path: '', topic: 'house/+/x',
    }); // biome-ignore format: short
    expect(parseServerUrl('mqtt://h/#').topic).toBe('#');
    expect(parseServerUrl('mqtts://h/a%20b?c#d').topic).toBe('a%20b?c#d');
    expect(parseServerUrl('mqtt://h//a').topic).toBe('/a');
    expect(parseServerUrl('mqtt://h/').topic).toBeUndefined();
    expect(parseServerUrl('mqtt://h').topic).toBeUndefined();
  });

  it('takes what follows the host of ws:// as its path', () => {
    expect(parts('ws://h:9001/mqtt?x=1')).toEqual({
      scheme: 'ws', host: 'h', port: '9001', path: '/mqtt?x=1',
    }); // biome-ignore format: short
  });

  it('takes user name and password, decoded', () => {
    expect(parts('MQTT://al%20ice:p%40s%3as:x@[::1]:1884/t')).toEqual({
      scheme: 'mqtt', host: '[::1]', port: '1884', path: '', topic: 't',
      username: 'al ice', password: 'p@s:s:x',
    }); // biome-ignore format: short
    expect(parseServerUrl('mqtt://alice@h').password).toBeUndefined();
  });

  it('takes the file of a Unix socket', () => {
    expect(parts('mqtt+unix:///run/m.sock')).toEqual({
      scheme: 'mqtt+unix', host: '', path: '/run/m.sock',
    }); // biome-ignore format: short
  });

  it.each([
    ['localhost', '-L expects a URL'],
    ['http://h', 'Did you mean ws://?'],
    ['ssl://h', 'Did you mean mqtts://?'],
    ['mqtt://', 'no host'],
    ['mqtt://:1883', 'no host'],
    ['mqtt://h:0', 'port from 1 to 65535'],
    ['mqtt://h:65536', 'port from 1 to 65535'],
    ['mqtt://h?x', 'topic after a slash'],
    ['mqtt://h#', 'topic after a slash'],
    ['mqtt://::1', 'IPv6 address stands in brackets'],
    ['mqtt://u:%zz@h', '%25'],
  ])('refuses %s, saying what is expected', (text, expected) => {
    const error = catchError(() => parseServerUrl(text));
    expect(`${error.message} ${error.hint}`).toContain(expected);
  });

  it('shows no part of a password', () => {
    for (const text of ['mqtt://u:sec/ret@h', 'mqtt://u:sec#ret@h', 'mqtt://u:sec%zzret@h']) {
      const error = catchError(() => parseServerUrl(text));
      expect(`${error.message} ${error.hint}`).not.toMatch(/sec|ret@/);
    }
  });
});

function catchError(act: () => unknown): UsageError {
  try {
    act();
  } catch (error) {
    if (error instanceof UsageError) return error;
  }
  throw new Error('not refused as a usage error');
}
