import { describe, expect, it } from 'vitest';
import { plainPaint } from './colours.ts';
import { displayWidth } from './display-width.ts';
import { testMessage } from './message.test-support.ts';
import { sparkline, TopicRows } from './topic-rows.ts';
import { treeLines } from './topic-tree.ts';
import { statsLine, statsSummary, TrafficStats } from './traffic-stats.ts';

const screen = { columns: 80, rows: 24 };

function withoutPlaces(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what places a column
  return line.replace(/\u001b\[\d+G/g, '');
}

describe('the rows of topics', () => {
  it('show value, age, rate and the course of numbers, by topic', () => {
    const rows = new TopicRows();
    [1, 2, 3].forEach((value, index) => {
      rows.add(testMessage({ topic: 'b', payload: `${value}` }), index * 1000);
    });
    rows.add(testMessage({ topic: 'a', payload: '\u001b[31mred' }), 0);
    const [head, first, second] = rows.lines(true, plainPaint, screen, 4000).map(withoutPlaces);
    expect(head).toMatch(/^TOPIC +VALUE +AGE +RATE$/);
    expect(first).toMatch(/^a +\\x1b\[31mred +4 s$/);
    expect(second).toMatch(/^b +3 +2 s +1\.0\/s ▁▅█$/);
  });

  it('are never wider than the screen', () => {
    const rows = new TopicRows();
    rows.add(testMessage({ topic: 't/'.repeat(60), payload: 'x'.repeat(500) }), 0);
    rows.add(testMessage({ topic: '温度/👨‍👩‍👧/e\u0301', payload: '漢字'.repeat(50) }), 0);
    for (const columns of [1, 10, 20, 25, 40, 80, 200]) {
      for (const full of [true, false]) {
        const lines = rows.lines(full, plainPaint, { columns, rows: 24 }, 0);
        for (const line of lines) {
          expect(displayWidth(withoutPlaces(line))).toBeLessThanOrEqual(Math.max(columns, 3));
        }
      }
    }
  });

  it('leave figures out where a screen is narrow', () => {
    const rows = new TopicRows();
    for (const n of [1, 2]) rows.add(testMessage({ topic: 'home/a', payload: `${n}` }), n * 1000);
    const heads = [20, 30, 40, 60].map((columns) =>
      withoutPlaces(rows.lines(true, plainPaint, { columns, rows: 9 }, 0)[0] ?? ''),
    );
    expect(heads.map((head) => head.split(/ +/))).toEqual([
      ['TOPIC', 'VALUE'],
      ['TOPIC', 'VALUE', 'AGE'],
      ['TOPIC', 'VALUE', 'AGE', 'RATE'],
      ['TOPIC', 'VALUE', 'AGE', 'RATE'],
    ]);
  });

  it('place each column, whatever a terminal takes for the width of those before it', () => {
    const rows = new TopicRows();
    rows.add(testMessage({ topic: '👨‍👩‍👧', payload: 'x' }), 0);
    const [, line] = rows.lines(true, plainPaint, screen, 0);
    expect(line?.replaceAll('\u001b', 'ESC')).toMatch(/^👨‍👩‍👧 +ESC\[7Gx +ESC\[52G +0 s/u);
  });
});

describe('the tree of topics', () => {
  it('counts the messages below each level', () => {
    const rows = new TopicRows();
    for (const topic of ['h/a/t', 'h/a/t', 'h/b', 'x//y']) {
      rows.add(testMessage({ topic, payload: '1' }), 0);
    }
    expect(treeLines(rows, plainPaint, screen)).toEqual([
      '├ h (3)',
      '│ ├ a (2)',
      '│ │ └ t (2)  1',
      '│ └ b  1',
      '└ x (1)',
      '  └ (empty) (1)',
      '    └ y  1',
    ]);
  });
});

describe('the tree of topics on a narrow screen', () => {
  it('is cut where the screen ends, names first kept', () => {
    const rows = new TopicRows();
    rows.add(testMessage({ topic: '温度計温度計/a', payload: '漢字'.repeat(9) }), 0);
    expect(treeLines(rows, plainPaint, { columns: 10, rows: 24 })).toEqual([
      '温度計温度',
      '└ a  漢字',
    ]);
    for (const columns of [1, 5, 20]) {
      for (const line of treeLines(rows, plainPaint, { columns, rows: 24 })) {
        expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(columns, 3));
      }
    }
  });
});

describe('figures', () => {
  it('are rates and gaps, exact to a tenth', () => {
    const stats = new TrafficStats(0);
    for (let i = 0; i < 100; i += 1) stats.add(`t${i % 2}`, 10, i * 10);
    const all = stats.all(1000);
    expect(all).toMatchObject({ messages: 100, bytes: 1000, seconds: 1 });
    expect(all.gapP50Ms).toBeGreaterThan(9);
    expect(all.gapP50Ms).toBeLessThan(11);
    expect(statsLine(all)).toMatch(/^100\.0 msgs\/s, 1\.0 kB\/s, gap p50 \d+(\.\d)? ms, p99 /);
    expect(statsSummary(stats, 1000)[0]).toMatch(/^100 messages of 2 topics, 1\.0 kB in 1\.0 s/);
  });

  it('a sparkline needs two numbers', () => {
    expect([sparkline([]), sparkline([1]), sparkline([5, 5]), sparkline([0, 7])]).toEqual([
      '',
      '',
      '▄▄',
      '▁█',
    ]);
  });
});
