/**
 * Views that take the place of one line for each message: rows of topics, the tree of topics, figures. On a terminal
 * they are painted again and again in place; elsewhere they are plain lines.
 */
import type { Message } from 'mqtt-kit';
import { chalkPaint, coloursWanted, type Paint, plainPaint } from './colours.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { MessageOutput } from './message-output.ts';
import type { Printer, PrinterSetting, ViewName } from './message-printer.ts';
import type { ParsedArguments } from './parse-arguments.ts';
import { TopicRows } from './topic-rows.ts';
import { treeLines } from './topic-tree.ts';
import { statsLine, statsSummary, TrafficStats } from './traffic-stats.ts';

export interface ViewSurroundings {
  readonly args: ParsedArguments;
  readonly setting: PrinterSetting;
  readonly output: MessageOutput;
  readonly isTerminal: boolean;
  readonly diagnostics: Diagnostics;
}

/** How often a screen is painted, at most. */
const paintEveryMs = 250;

/** The printer of a view. */
export async function liveView(name: ViewName, around: ViewSurroundings): Promise<Printer> {
  if (name === 'message-rate') return messageRate(around);
  if (name === 'stats') return statsView(around);
  const coloured = coloursWanted(around.args.text('color'), process.env, around.isTerminal);
  const paint = coloured ? await chalkPaint() : plainPaint;
  const onScreen = around.isTerminal || (name === 'watch' && around.args.mosquitto !== undefined);
  const rows = new TopicRows();
  const lines =
    name === 'tree'
      ? () => treeLines(rows, paint, screenSize())
      : () => rows.lines(name === 'table', paint, screenSize());
  if (!onScreen) return name === 'tree' ? treeAtEnd(rows, around, paint) : plainRows(around);
  return onTheScreen(rows, lines, around);
}

function screenSize(): { readonly columns: number; readonly rows: number } {
  const { columns = 80, rows = 24 } = process.stdout;
  return { columns, rows };
}

function onTheScreen(
  rows: TopicRows,
  lines: () => readonly string[],
  { output, setting }: ViewSurroundings,
): Printer {
  let changed = true;
  const paintNow = (): void => {
    if (output.full) return;
    const { rows: height, columns } = screenSize();
    const body = lines();
    const room = Math.max(1, height - 2);
    const shown = body.slice(0, room);
    const more = body.length > room ? ` (${body.length - room} more rows than fit)` : '';
    const head = `Broker: ${setting.server.replace(/^[a-z+]+:\/\//, '')}${more}`;
    // Home, each line with its rest erased, everything below erased.
    const text = [head.slice(0, columns), ...shown].map((line) => `${line}\u001b[K`).join('\n');
    output.text(`\u001b[H${text}\n\u001b[J`);
  };
  output.text('\u001b[2J');
  paintNow();
  const timer = setInterval(() => {
    // Ages grow without messages, too.
    changed = false;
    paintNow();
  }, paintEveryMs);
  timer.unref();
  return {
    print: (message) => {
      rows.add(message, performance.now());
      changed = true;
    },
    end: () => {
      clearInterval(timer);
      if (changed) paintNow();
    },
  };
}

/** `TOPIC VALUE`, a line for each message. */
function plainRows({ output }: ViewSurroundings): Printer {
  return {
    print: ({ topic, payload }: Message) => {
      output.text(`${topic} `);
      if (payload.length === 0) output.text('(null)');
      else output.bytes(payload);
      output.text('\n');
    },
  };
}

function treeAtEnd(rows: TopicRows, { output }: ViewSurroundings, paint: Paint): Printer {
  return {
    print: (message) => rows.add(message, performance.now()),
    end: () => {
      const wide = { columns: 200, rows: Number.POSITIVE_INFINITY };
      for (const line of treeLines(rows, paint, wide)) output.text(`${line}\n`);
    },
  };
}

function messageRate({ output }: ViewSurroundings): Printer {
  let count = 0;
  const timer = setInterval(() => {
    output.text(`${count} msgs/s\n`);
    count = 0;
  }, 1000);
  timer.unref();
  return {
    print: () => {
      count += 1;
    },
    end: () => clearInterval(timer),
  };
}

/** A line each second, on a terminal always the same; the summary goes to standard error at the end. */
function statsView({ output, isTerminal, diagnostics }: ViewSurroundings): Printer {
  const stats = new TrafficStats(performance.now());
  const timer = setInterval(() => {
    if (output.full) return;
    const line = statsLine(stats.second(performance.now()));
    output.text(isTerminal ? `\r${line}\u001b[K` : `${line}\n`);
  }, 1000);
  timer.unref();
  return {
    print: (message) => stats.add(message.topic, message.payload.length, performance.now()),
    end: () => {
      clearInterval(timer);
      if (isTerminal) output.text('\n');
      const summary = statsSummary(stats, performance.now());
      // Both may be the same terminal: what was printed comes first.
      void output.printed().then(() => {
        for (const line of summary) diagnostics.trace(line);
      });
    },
  };
}
