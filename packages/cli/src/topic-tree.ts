/** Topics as the tree that their levels make. */
import type { Paint } from './colours.ts';
import { cutToWidth, displayWidth } from './display-width.ts';
import { escapeText } from './escape-text.ts';
import { type ScreenSize, shownValue, type TopicRow, type TopicRows } from './topic-rows.ts';

interface Branch {
  readonly name: string;
  readonly children: Map<string, Branch>;
  row: TopicRow | undefined;
  /** Messages here and below. */
  messages: number;
}

/** A line for each level, with the latest value where a topic ends and the messages below where it goes on. */
export function treeLines(rows: TopicRows, paint: Paint, { columns }: ScreenSize): string[] {
  const root = branch('');
  for (const row of rows.sorted) {
    let at = root;
    at.messages += row.count;
    for (const level of row.topic.split('/')) {
      let child = at.children.get(level);
      if (child === undefined) {
        child = branch(level);
        at.children.set(level, child);
      }
      child.messages += row.count;
      at = child;
    }
    at.row = row;
  }
  const lines: string[] = [];
  addLines(root, '', lines, paint, columns);
  return lines;
}

function branch(name: string): Branch {
  return { name, children: new Map(), row: undefined, messages: 0 };
}

function addLines(
  parent: Branch,
  indent: string,
  lines: string[],
  paint: Paint,
  columns: number,
): void {
  const children = [...parent.children.values()];
  const isRoot = indent === '' && parent.name === '';
  for (const [index, child] of children.entries()) {
    const last = index === children.length - 1;
    const stem = isRoot && lines.length === 0 && children.length === 1 ? '' : last ? '└ ' : '├ ';
    // An empty level is a level.
    const name = child.name === '' ? '(empty)' : escapeText(child.name);
    const below = child.children.size > 0 || (child.row?.count ?? 0) > 1;
    const count = below ? ` (${child.messages})` : '';
    const room = columns - indent.length - stem.length;
    const shownName = cutToWidth(name, Math.max(1, room));
    const shownCount = cutToWidth(count, Math.max(0, room - displayWidth(shownName)));
    const left = Math.max(0, room - displayWidth(shownName) - shownCount.length);
    const value = child.row === undefined ? '' : cutToWidth(`  ${shownValue(child.row)}`, left);
    lines.push(
      `${indent}${stem}${paint.topic(shownName)}${paint.aside(shownCount)}${value}`.trimEnd(),
    );
    addLines(child, stem === '' ? '' : `${indent}${last ? '  ' : '│ '}`, lines, paint, columns);
  }
}
