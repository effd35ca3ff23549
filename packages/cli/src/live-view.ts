/**
 * Views that take the place of one line for each message: rows of topics, the tree of topics, figures. On a terminal
 * they are painted again and again in place; elsewhere they are plain lines.
 */
import { chalkPaint, coloursWanted, type Paint, plainPaint } from './colours.ts';
import type { Diagnostics } from './diagnostics.ts';
import { cutToWidth } from './display-width.ts';
import { pipeFormat, terminalFormat } from './message-format.ts';
import type { MessageOutput } from './message-output.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import type { Printer, PrinterSetting, ViewName } from './printer.ts';
import { type ScreenSize, TopicRows } from './topic-rows.ts';
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
  // A terminal that knows no cursor is like paper.
  const onScreen = around.isTerminal && process.env['TERM'] !== 'dumb';
  if (name === 'message-rate') return messageRate(around);
  if (name === 'stats') return statsView(around, onScreen);
  const coloured = coloursWanted(around.args.text('color'), process.env, around.isTerminal);
  const paint = coloured ? await chalkPaint() : plainPaint;
  const rows = new TopicRows();
  if (!onScreen) return name === 'tree' ? treeAtEnd(rows, around, paint) : plainRows(around);
  const lines =
    name === 'tree'
      ? () => treeLines(rows, paint, screenSize())
      : () => rows.lines(name === 'table', paint, screenSize());
  return onTheScreen(rows, lines, around);
}

function screenSize(): ScreenSize {
  const { columns, rows } = process.stdout;
  // A terminal that was told no size says that it has none.
  return { columns: columns || 80, rows: rows || 24 };
}

/** What a terminal is told. */
const clear = '\u001b[2J';
const home = '\u001b[H';
const eraseLine = '\u001b[K';
const eraseBelow = '\u001b[J';
const cutLines = '\u001b[?7l';
const wrapLines = '\u001b[?7h';

function onTheScreen(
  rows: TopicRows,
  lines: () => readonly string[],
  { output, setting, diagnostics }: ViewSurroundings,
): Printer {
  const server = setting.server.replace(/^[a-z+]+:\/\//, '');
  /** What was last said to the person who watches, and when. */
  let note = '';
  /** Begins anew where something else may have been written. */
  let anew = true;
  const paintNow = (): void => {
    if (output.full) return;
    const { rows: height, columns } = screenSize();
    const body = lines();
    const above = note === '' ? 1 : 2;
    const room = Math.max(1, height - above - 1);
    const more = body.length > room ? ` (${body.length - room} more rows than fit)` : '';
    const head = [`Broker: ${server}${more}`, note].slice(0, above);
    const text = [...head.map((line) => cutToWidth(line, columns)), ...body.slice(0, room)]
      .map((line) => `${eraseLine}${line}\n`)
      .join('');
    output.text(`${anew ? clear : ''}${home}${cutLines}${text}${eraseBelow}${wrapLines}`);
    anew = false;
  };
  const paintAnew = (): void => {
    anew = true;
    paintNow();
  };
  diagnostics.divert((line) => {
    note = `${new Date().toTimeString().slice(0, 8)} ${line}`;
    paintNow();
  });
  paintNow();
  // Ages grow without messages, too.
  const timer = setInterval(paintNow, paintEveryMs);
  timer.unref();
  // After `fg` there is what the shell wrote, and in a window of another size lines were wrapped.
  process.on('SIGCONT', paintAnew);
  process.stdout.on('resize', paintAnew);
  return {
    print: (message) => rows.add(message, performance.now()),
    end: () => {
      clearInterval(timer);
      process.off('SIGCONT', paintAnew);
      process.stdout.off('resize', paintAnew);
      paintNow();
    },
  };
}

/** `TOPIC VALUE`, a line for each message. */
function plainRows({ output, isTerminal }: ViewSurroundings): Printer {
  const format = isTerminal ? terminalFormat(true, plainPaint) : pipeFormat(true, plainPaint);
  return { print: (message) => format(message, output) };
}

function treeAtEnd(rows: TopicRows, { output }: ViewSurroundings, paint: Paint): Printer {
  return {
    print: (message) => rows.add(message, performance.now()),
    end: () => {
      const wide = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
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
function statsView({ output, diagnostics }: ViewSurroundings, onScreen: boolean): Printer {
  const stats = new TrafficStats(performance.now());
  let line = '';
  const show = (): void => {
    const cut = cutToWidth(line, screenSize().columns - 1);
    output.text(onScreen ? `\r${cut}${eraseLine}` : `${line}\n`);
  };
  const timer = setInterval(() => {
    if (output.full) return;
    line = statsLine(stats.second(performance.now()));
    show();
  }, 1000);
  timer.unref();
  if (onScreen) {
    diagnostics.divert((note) => {
      output.text(`\r${note}${eraseLine}\n`);
      show();
    });
  }
  return {
    print: (message) => stats.add(message.topic, message.payload.length, performance.now()),
    end: () => {
      clearInterval(timer);
      if (onScreen && line !== '') output.text('\n');
      const summary = statsSummary(stats, performance.now());
      // Both may be the same terminal: what was printed comes first.
      void output.printed().then(() => {
        for (const line of summary) diagnostics.trace(line);
      });
    },
  };
}
