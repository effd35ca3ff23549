import { describe, expect, it } from 'vitest';
import { testMessage } from './message.test-support.ts';
import { Selection, type SelectionPlan } from './message-selection.ts';

const everything: SelectionPlan = {
  filterOut: [],
  skipRetained: false,
  retainedOnly: false,
  share: 1,
  changes: false,
  throttleMs: undefined,
};

function selection(plan: Partial<SelectionPlan>, random: () => number = Math.random) {
  let nowMs = 0;
  const made = new Selection({ ...everything, ...plan }, undefined, () => nowMs, random);
  return {
    take: (payload: string, topic = 'a', retain = false) =>
      made.take(testMessage({ topic, payload, retain })),
    wait: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('the selection of messages', () => {
  it('drops what -T matches, and what was retained with -R', () => {
    const { take } = selection({ filterOut: ['a/+'], skipRetained: true });
    expect([take('1', 'a/b'), take('1', 'b'), take('1', 'b', true)]).toEqual([
      'drop',
      'print',
      'drop',
    ]);
  });

  it('ends at the first message that was not retained with --retained-only', () => {
    const { take } = selection({ retainedOnly: true });
    expect([take('1', 'a', true), take('2')]).toEqual(['print', 'end']);
  });

  it('--changes drops repetitions, for each topic by itself', () => {
    const { take } = selection({ changes: true });
    const long = 'x'.repeat(100);
    const all = [
      take('1'),
      take('1'),
      take('1', 'b'),
      take('2'),
      take('1'),
      take(long),
      take(long),
    ];
    expect(all).toEqual(['print', 'drop', 'print', 'print', 'print', 'print', 'drop']);
  });

  it('--throttle takes one of each topic in its time', () => {
    const { take, wait } = selection({ throttleMs: 1000 });
    expect([take('1'), take('2'), take('1', 'b')]).toEqual(['print', 'drop', 'print']);
    wait(999);
    expect(take('3')).toBe('drop');
    wait(1);
    expect(take('4')).toBe('print');
  });

  it('a share is that share: 10 % of 1000 evenly spread is 100', () => {
    let next = 0;
    const { take } = selection({ share: 0.1 }, () => (next++ % 1000) / 1000);
    const printed = Array.from({ length: 1000 }, () => take('x')).filter((v) => v === 'print');
    expect(printed).toHaveLength(100);
    const all = selection({ share: 1 });
    expect(Array.from({ length: 50 }, () => all.take('x')).includes('drop')).toBe(false);
  });
});
