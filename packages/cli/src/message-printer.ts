/** Chooses what messages are printed as. What is not the usual way is loaded when it is asked for. */
import { isatty } from 'node:tty';
import { chalkPaint, coloursWanted, plainPaint } from './colours.ts';
import type { Diagnostics } from './diagnostics.ts';
import { type MessageFormat, personFormat, pipeFormat, terminalFormat } from './message-format.ts';
import type { MessageOutput } from './message-output.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import type { Printer, PrinterSetting, ViewName } from './printer.ts';
import { UsageError } from './usage-error.ts';

/** Throws `UsageError` for a format that cannot be understood, and for forms that exclude each other. */
export async function messagePrinter(
  args: ParsedArguments,
  setting: PrinterSetting,
  output: MessageOutput,
  diagnostics: Diagnostics,
): Promise<Printer> {
  const view = viewOf(args);
  refuseSeveral(args, view);
  const isTerminal = isatty(1) && args.mosquitto === undefined;
  if (view === 'watch' && args.mosquitto !== undefined) {
    const { mosquittoWatch } = await import('./mosquitto-watch.ts');
    const host = args.text('host') ?? 'localhost';
    return mosquittoWatch(host, await messageFormat(args, setting, false, diagnostics), output);
  }
  if (view === 'message-rate' && args.mosquitto !== undefined) {
    const { mosquittoRate } = await import('./mosquitto-rate.ts');
    return mosquittoRate(output);
  }
  if (view !== undefined) {
    const { liveView } = await import('./live-view.ts');
    return liveView(view, { args, setting, output, isTerminal, diagnostics });
  }
  const format = await messageFormat(args, setting, isTerminal, diagnostics);
  return { print: (message) => format(message, output) };
}

function viewOf(args: ParsedArguments): ViewName | undefined {
  if (args.text('output') === 'table') return 'table';
  const names = ['table', 'tree', 'stats', 'watch', 'message-rate'] as const;
  return names.find((name) => args.flag(name));
}

function refuseSeveral(args: ParsedArguments, view: ViewName | undefined): void {
  const given = [
    ...(['output', 'format', 'select', 'percent-format'] as const).filter((n) => args.given(n)),
    ...(['table', 'tree', 'stats', 'message-rate'] as const).filter((name) => args.flag(name)),
  ].map((name) => (name === 'percent-format' ? '-F' : `--${name}`));
  const allowed = view === 'watch' || view === 'table' ? 2 : 1;
  if (given.length <= allowed && !(given.length === 2 && view === 'table')) return;
  throw new UsageError(`${given.join(' and ')} each say what to print: give one of them`);
}

async function messageFormat(
  args: ParsedArguments,
  setting: PrinterSetting,
  isTerminal: boolean,
  diagnostics: Diagnostics,
): Promise<MessageFormat> {
  const percent = args.text('percent-format');
  if (percent !== undefined) return percentFormat(percent, args, setting, diagnostics);
  const form = args.text('output');
  const format = args.text('format');
  const select = args.text('select');
  const noEol = args.flag('no-eol');
  if (form !== undefined || format !== undefined || select !== undefined) {
    const forms = await import('./message-forms.ts');
    const options = {
      form: (form ?? 'text') as Parameters<typeof forms.outputFormat>[0]['form'],
      showTopic: setting.showTopic,
      pretty: args.flag('pretty'),
      noEol,
      isTerminal,
      topicFilters: setting.topicFilters,
    };
    if (format !== undefined) return forms.braceMessageFormat(format, options);
    if (select !== undefined) return forms.selectMessageFormat(select, options);
    if (form !== 'text') return forms.outputFormat(options);
  }
  const coloured =
    args.mosquitto === undefined && coloursWanted(args.text('color'), process.env, isTerminal);
  const paint = coloured ? await chalkPaint() : plainPaint;
  if (!isTerminal) return pipeFormat(setting.showTopic, paint, noEol);
  const showTopic = setting.showTopic || setting.severalTopics;
  // Who asks for text wants nothing around it.
  return form === 'text'
    ? terminalFormat(showTopic, paint, noEol)
    : personFormat(showTopic, paint, () => new Date(), noEol);
}

async function percentFormat(
  percent: string,
  args: ParsedArguments,
  setting: PrinterSetting,
  diagnostics: Diagnostics,
): Promise<MessageFormat> {
  const { mosquittoFormat, receivedNow } = await import('./mosquitto-format.ts');
  const format = mosquittoFormat(percent, {
    pretty: args.flag('pretty'),
    identifiersShown: setting.identifiersShown,
    likeTheirs: args.mosquitto !== undefined,
    received: (message) => setting.received?.get(message.payload),
    onProblem: (text) => {
      if (args.mosquitto !== undefined) diagnostics.exactly(text);
      else diagnostics.note({ text: text.replace(/^Error: /, '').trimEnd() });
    },
  });
  const end = args.flag('no-eol') ? '' : '\n';
  return (message, sink) => {
    format(message, receivedNow(), sink);
    if (end !== '') sink.text(end);
  };
}
