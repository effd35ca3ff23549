import { describe, expect, it } from 'vitest';
import { parseCondition } from './condition.ts';
import { testMessage } from './message.test-support.ts';

const context = { epochMs: 0, deltaMs: undefined, topicFilters: ['house/+/temp'] };
const holds = (condition: string, payload = '{"temp":21.5,"on":true,"name":"a b"}') =>
  parseCondition('--where', condition)(
    testMessage({ topic: 'house/attic/temp', payload }),
    context,
  );

describe('a condition', () => {
  it.each([
    ['payload.temp > 21', true],
    ['payload.temp > 21.5', false],
    ['payload.temp >= 21.5 && payload.temp <= 21.5', true],
    ['topic[1] == "attic"', true],
    ["topic[1] == 'attic'", true],
    ['topic[-1] != "temp"', false],
    ['+1 == "attic"', true],
    ['payload.on', true],
    ['!payload.on', false],
    ['payload.name ~ "a "', true],
    ['qos == 0 && !retain', true],
    ['payload.temp < 0 || topic == "house/attic/temp"', true],
    ['!(payload.temp < 0 || payload.on)', false],
    ['size > 10', true],
    ['payload.missing > 1', false],
    ['payload.missing == 1', false],
    ['payload.missing != 1', true],
  ])('%s is %s', (condition, expected) => {
    expect(holds(condition)).toBe(expected);
  });

  it('compares a payload that is a number or a text', () => {
    expect(holds('payload > 20', '21')).toBe(true);
    expect(holds('payload == "on"', 'on')).toBe(true);
    expect(holds('payload > 20', 'on')).toBe(false);
  });

  it.each([
    ['', 'there is nothing in it'],
    ['payload >', 'its end is missing'],
    ['payload > > 1', '> stands alone'],
    ['(payload', 'a closing bracket is missing'],
    ['payload 1', "'1' follows without && or ||"],
    ['foo == 1', 'there is no foo in a message'],
    ['payload = 1', "'= 1' is not understood"],
  ])('%j is refused: %s', (condition, problem) => {
    expect(() => parseCondition('--where', condition)).toThrow(`--where: ${problem}`);
  });
});
