import { isatty } from 'node:tty';

import { reasonCodeName } from '@mqtt-kit/packet';
import {
  type Message,
  type MqttClient,
  type MqttError,
  MqttSubscribeError,
  type Subscription,
  type SubscriptionGrant,
} from 'mqtt-kit';
import { type ClientSession, openClient } from './client-session.ts';
import { chalkPaint, coloursWanted, plainPaint } from './colours.ts';
import type { Diagnostics } from './diagnostics.ts';
import { ExitCode, exitCodeOf, giveUpExitCode, signalExitCode } from './exit-codes.ts';
import { type MessageFormat, pipeFormat, terminalFormat } from './message-format.ts';
import { MessageOutput } from './message-output.ts';
import { type OneShot, oneShot } from './one-shot.ts';
import type { ParsedArguments } from './parse-arguments.ts';
import { watchOutputReader } from './reader-watch.ts';
import { outputReport, reportOf, timeLimitReport } from './report-error.ts';
import { onEndingSignal } from './signals.ts';
import { type SubscribePlan, subscribePlan } from './subscribe-plan.ts';

/** What ends `mqtt-sub`. */
type End =
  | { readonly kind: 'count' | 'timeLimit' | 'signal' | 'readerGone' }
  | { readonly kind: 'outputFailed'; readonly error: NodeJS.ErrnoException }
  | { readonly kind: 'refused' | 'givenUp'; readonly error: MqttError };

/** How long a clean end may take: what was printed is acknowledged, and DISCONNECT leaves. */
const closeTimeoutMs = 2000;

/**
 * Handlers of QoS 1 and 2 that wait at once for their messages to be printed. What is acknowledged was printed, and
 * still the messages of one turn are written in one piece.
 */
const printedTogether = 32;

/** What waits for a slow reader: beyond it the server is kept from sending. */
const inbox = { maxMessages: 1000, maxBytes: 4 * 1024 * 1024 };

const never: Promise<void> = new Promise(() => {});

/** Runs `mqtt-sub`; resolves with its exit code. Throws `UsageError`, and `MqttError` for arguments of a connection. */
export async function subscribeProgram(
  args: ParsedArguments,
  diagnostics: Diagnostics,
): Promise<number> {
  const plan = subscribePlan(args, process.env);
  for (const note of plan.notes) diagnostics.note(note);
  const end = oneShot<End>();
  onEndingSignal(
    () => end.settle({ kind: 'signal' }),
    (signal) => process.exit(signalExitCode[signal]),
  );
  if (plan.timeLimitMs !== undefined) {
    setTimeout(() => end.settle({ kind: 'timeLimit' }), plan.timeLimitMs);
  }
  const output = openOutput(end);
  const format = await messageFormat(plan, args);
  const session = await openClient(plan.connection, { inbox }, diagnostics, (error) =>
    end.settle({ kind: 'givenUp', error }),
  );
  subscribe(session, plan, format, output, diagnostics, end);
  const reason = await end.promise;
  // A message that was printed is still to be acknowledged.
  const written =
    reason.kind === 'readerGone' || reason.kind === 'outputFailed' ? undefined : output.printed();
  await session.client.close({ timeoutMs: closeTimeoutMs });
  await Promise.race([written, wait(closeTimeoutMs)]);
  return tell(reason, session, plan, diagnostics);
}

function openOutput(end: OneShot<End>): MessageOutput {
  const output = new MessageOutput(process.stdout, (error) => {
    const gone = error.code === 'EPIPE' || error.code === 'ECONNRESET';
    end.settle(gone ? { kind: 'readerGone' } : { kind: 'outputFailed', error });
  });
  watchOutputReader(() => end.settle({ kind: 'readerGone' }));
  return output;
}

async function messageFormat(plan: SubscribePlan, args: ParsedArguments): Promise<MessageFormat> {
  const isTerminal = isatty(1);
  const coloured = coloursWanted(args.text('color'), process.env, isTerminal);
  const paint = coloured ? await chalkPaint() : plainPaint;
  return isTerminal
    ? terminalFormat(plan.showTopic || plan.severalTopics, paint)
    : pipeFormat(plan.showTopic, paint);
}

function subscribe(
  session: ClientSession,
  plan: SubscribePlan,
  format: MessageFormat,
  output: MessageOutput,
  diagnostics: Diagnostics,
  end: OneShot<End>,
): void {
  let left = plan.count;
  const print = (message: Message): Promise<void> | undefined => {
    // Nothing after the last one is taken: it stays with the server, unacknowledged.
    if (left === 0 || end.settled) return never;
    format(message, output);
    left -= 1;
    if (left === 0) void output.printed().then(() => end.settle({ kind: 'count' }));
    if (message.qos > 0) return output.printed();
    return output.full ? output.room() : undefined;
  };
  const { client } = session;
  const options = { qos: plan.qos, concurrency: plan.qos === 0 ? 1 : printedTogether };
  client.subscribe(plan.topicFilters, options, print).then(
    (subscription) => endWhenRefusedLater(client, subscription, end),
    (error: MqttError) => {
      if (error instanceof MqttSubscribeError && error.subscription !== undefined) {
        for (const grant of error.grants) {
          if (grant.reasonCode >= 0x80) diagnostics.note({ text: refusedText(grant) });
        }
        endWhenRefusedLater(client, error.subscription, end);
      } else if (client.status.state !== 'closed') {
        // Why a client gave up is told by its status, with more to say.
        end.settle({ kind: 'refused', error });
      }
    },
  );
}

/** A server that forgot the session may refuse what it granted before: without any filter there is nothing to wait for. */
function endWhenRefusedLater(
  client: MqttClient,
  subscription: Subscription,
  end: OneShot<End>,
): void {
  client.on('error', (error) => {
    const refused = error.code === 'subscribeRefused' || error.code === 'serverLimit';
    if (refused && subscription.topicFilters.length === 0) end.settle({ kind: 'refused', error });
  });
}

function refusedText({ topicFilter, reasonCode }: SubscriptionGrant): string {
  return `the server refused the subscription to '${topicFilter}': ${reasonCodeName(reasonCode)}`;
}

function tell(
  reason: End,
  session: ClientSession,
  plan: SubscribePlan,
  diagnostics: Diagnostics,
): number {
  switch (reason.kind) {
    case 'count':
    case 'signal':
    case 'readerGone':
      return ExitCode.done;
    case 'timeLimit':
      diagnostics.error(timeLimitReport(plan.timeLimitMs));
      return ExitCode.timeLimit;
    case 'outputFailed':
      diagnostics.error(outputReport(reason.error));
      return ExitCode.outputFailed;
    case 'refused':
      diagnostics.error(reportOf(reason.error, plan.connection.options));
      return exitCodeOf(reason.error, 'mqtt-sub');
    case 'givenUp':
      diagnostics.error(reportOf(reason.error, plan.connection.options));
      return giveUpExitCode(reason.error, 'mqtt-sub', session.everConnected);
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
