import { describe, expect, it } from 'vitest';
import { parseArguments } from './parse-arguments.ts';
import { type SubscribePlan, subscribePlan } from './subscribe-plan.ts';
import { UsageError } from './usage-error.ts';

const plan = (...argv: string[]): SubscribePlan =>
  subscribePlan(parseArguments('mqtt-sub', argv), {});

function mistake(...argv: string[]): string {
  try {
    plan(...argv);
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} | ${error.hint ?? ''}`;
    throw error;
  }
  return 'none';
}

describe('subscribePlan', () => {
  it('takes filters by options, by position and from the URL, each once', () => {
    expect(plan('-t', 'a', '-t', 'b', '-t', 'a').topicFilters).toEqual(['a', 'b']);
    expect(plan('house/+/temperature').topicFilters).toEqual(['house/+/temperature']);
    expect(plan('-L', 'mqtt://h/a/#', '-t', 'b').topicFilters).toEqual(['a/#', 'b']);
    expect(plan('--', '-t').topicFilters).toEqual(['-t']);
    expect(plan('$share/g/a/+').topicFilters).toEqual(['$share/g/a/+']);
  });

  it('knows whether messages of several topics may come', () => {
    expect(plan('a').severalTopics).toBe(false);
    expect(plan('a/+').severalTopics).toBe(true);
    expect(plan('-t', 'a', '-t', 'b').severalTopics).toBe(true);
  });

  it.each([
    [[], 'no topic given'],
    [['-t', 'a', 'b'], "unexpected argument: 'b'"],
    [['a', 'b', 'c', 'd', 'e'], "unexpected arguments: 'a' 'b' 'c' 'd' ..."],
    [['-L', 'mqtt://h/a', 'b'], 'A filter stands in quotes'],
    [['a/#/b'], '+ and # stand for whole levels'],
    [['house/+room'], '+ and # stand for whole levels'],
    [['a#'], '+ and # stand for whole levels'],
    [['$share//t'], 'share name'],
    [[''], 'must not be empty'],
  ])('%j is a mistake', (argv, expected) => {
    expect(mistake(...argv)).toContain(expected);
  });

  it('tells what the shell may have done', () => {
    expect(plan('/#').notes[0]?.text).toContain('$SYS');
    expect(plan('/broker/uptime').notes[0]?.text).toContain('$SYS');
    expect(plan("'house/light'").notes[0]?.text).toContain('quotes are part of the topic');
    expect(plan('/house/#').notes).toEqual([]);
  });
});
