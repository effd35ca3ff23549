import { describe, expect, it } from 'vitest';
import { parseBraceFormat } from './brace-format.ts';
import { testMessage } from './message.test-support.ts';

const context = {
  epochMs: new Date(2026, 10, 22, 9, 5, 7, 42).getTime(),
  deltaMs: 1500,
  topicFilters: ['$share/g/house/+/#'],
};
const message = testMessage({
  topic: 'house/attic/temp/in',
  payload: '{"temp":21.456,"s":[{"n":"x"}],"a-b":null}',
  qos: 1,
  packetIdentifier: 7,
  contentType: 'text',
  userProperties: [['unit', 'K']],
});
const shown = (format: string) => parseBraceFormat(format)(message, context);

describe('the format of --format', () => {
  it.each([
    ['{topic}', 'house/attic/temp/in'],
    ['{topic[1]}/{topic[-1]}', 'attic/in'],
    ['{+1}|{+2}', 'attic|temp/in'],
    ['{payload.temp:%.1f}', '21.5'],
    ['{payload.temp:%d}', '21'],
    ['{payload.temp:%08.2f}', '00021.46'],
    ['{payload.s[0].n:%3s}|{payload.s[0].n:%-3s}|', '  x|x  |'],
    ['{payload.s}', '[{"n":"x"}]'],
    ['{payload.a-b}{payload.missing}', ''],
    ['{size} {qos} {retain} {mid}', '42 1 false 7'],
    ['{delta:%.1f}', '1.5'],
    ['{contentType} {user.unit}', 'text K'],
    ['{time:YYYY-MM-DD HH:mm:ss.SSS}', '2026-11-22 09:05:07.042'],
    ['{{"t": {payload.temp}}}', '{"t": 21.456}'],
    ['a\\tb\\n', 'a\tb\n'],
  ])('%s', (format, expected) => {
    expect(shown(format)).toBe(expected);
  });

  it.each(['{', '}', '{topic', '{nope}', '{payload.temp:1}', '{topic[x]}'])(
    '%s is refused',
    (format) => {
      expect(() => parseBraceFormat(format)).toThrow(/--format|no path/);
    },
  );
});
