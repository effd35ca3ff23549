import { reasonCodeName } from '@mqtt-kit/packet';
import {
  connect,
  type Message,
  type MqttClient,
  type MqttError,
  MqttSubscribeError,
  type Subscription,
  type SubscriptionGrant,
} from 'mqtt-kit';
import type { BegunConnection } from './begun-connection.ts';
import { type ClientSession, openClient } from './client-session.ts';
import { withAskedPassword } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { ExitCode, exitCodeOf, giveUpExitCode, signalExitCode } from './exit-codes.ts';
import { MessageOutput } from './message-output.ts';
import { messagePrinter } from './message-printer.ts';
import { MessageTaker, type TakerTools } from './message-taker.ts';
import type { MosquittoName } from './mosquitto-name.ts';
import { type OneShot, oneShot } from './one-shot.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import type { Printer } from './printer.ts';
import { watchOutputReader } from './reader-watch.ts';
import {
  lostMessages,
  outputReport,
  recordReport,
  reportOf,
  timeLimitReport,
} from './report-error.ts';
import { onEndingSignal } from './signals.ts';
import { isReaderGone, type StandardOutput } from './standard-output.ts';
import type { SubscribeEnd } from './subscribe-end.ts';
import { type SubscribePlan, subscribePlan } from './subscribe-plan.ts';

/** How long a clean end may take: what was printed is acknowledged, and DISCONNECT leaves. */
const closeTimeoutMs = 2000;

/**
 * Handlers of QoS 1 and 2 that wait at once for their messages to be printed. What is acknowledged was printed, and
 * still the messages of one turn are written in one piece.
 */
const printedTogether = 32;

/** What waits for a slow reader: beyond it the server is kept from sending. */
const inbox = { maxMessages: 1000, maxBytes: 4 * 1024 * 1024 };

/** Runs `mqtt-sub`; resolves with its exit code. Throws `UsageError`, and `MqttError` for arguments of a connection. */
export async function subscribeProgram(
  args: ParsedArguments,
  diagnostics: Diagnostics,
  standardOutput: StandardOutput,
  begun?: BegunConnection,
): Promise<number> {
  if (args.given('doctor')) {
    const { doctorProgram } = await import('./doctor-program.ts');
    return doctorProgram(args, connect, standardOutput);
  }
  const plan = await withAskedPassword(subscribePlan(args, process.env));
  for (const note of plan.notes) diagnostics.note(note);
  const end = oneShot<SubscribeEnd>();
  onEndingSignal(
    () => end.settle({ kind: 'signal' }),
    (signal) => process.exit(signalExitCode[signal]),
    args.mosquitto === undefined ? undefined : ['SIGINT', 'SIGTERM'],
  );
  const startClock = (): void => {
    if (plan.timeLimitMs === undefined) return;
    setTimeout(() => end.settle({ kind: 'timeLimit' }), plan.timeLimitMs);
  };
  // mosquitto_sub begins to count when it begins to connect.
  if (args.mosquitto === undefined) startClock();
  const output = openOutput(standardOutput, end);
  const received = new WeakMap<Uint8Array, object>();
  const printer = await messagePrinter(
    args,
    {
      ...plan,
      server: plan.connection.url,
      identifiersShown: plan.connection.exact || args.mosquitto !== undefined,
      received,
    },
    output,
    diagnostics,
  );
  const tools = await takerTools(plan, args, diagnostics, end);
  const session = await openClient(
    { ...plan.connection, begun },
    {
      inbox,
      // There is one handler for all filters: without identifiers SUBSCRIBE leaves together with CONNECT.
      subscriptionIdentifiers: false,
      ...(args.mosquitto === undefined ? {} : { trace: true }),
    },
    diagnostics,
    output,
    (error) => end.settle({ kind: 'givenUp', error }),
  );
  const taker = new MessageTaker(plan, session.client, printer, output, tools, end);
  const takeOurWay: Take = (message) => taker.take(message);
  const take =
    args.mosquitto === undefined
      ? takeOurWay
      : (await import('./mosquitto-messages.ts')).asMosquitto(session, {
          received,
          take: takeOurWay,
          isOver: () => taker.isOver,
          print: (text) => output.text(text),
        });
  if (args.mosquitto !== undefined) startClock();
  const begin = (): void => subscribe(session, plan, taker, take, diagnostics, end, args.mosquitto);
  // What leaves together with CONNECT saves a round trip; mosquitto_sub waits until it is accepted, and so does one with
  // an identifier that not every server takes.
  const asked = plan.connection.properties.subscriptionIdentifier !== undefined;
  if (args.mosquitto === undefined && !asked) begin();
  else void session.accepted.then(begin);
  const reason = await end.promise;
  diagnostics.divert(undefined);
  await endOutput(reason, printer, taker, output, session.client, plan);
  if (args.mosquitto !== undefined) {
    const { subscribeEnd } = await import('./mosquitto-subscribe-end.ts');
    return subscribeEnd(reason, args.mosquitto, plan.connection, diagnostics);
  }
  const unrecorded = tools.recorder?.failure;
  if (unrecorded !== undefined) {
    diagnostics.error(recordReport(args.text('record') ?? '', unrecorded));
    return ExitCode.outputFailed;
  }
  return tell(reason, session, plan, taker.printed, diagnostics);
}

/** Standard output for messages; that nobody reads it any more, or that it cannot be written, is an end. */
export function openOutput(
  standardOutput: StandardOutput,
  end: OneShot<SubscribeEnd>,
): MessageOutput {
  const output = new MessageOutput(standardOutput, (error) => {
    end.settle(isReaderGone(error) ? { kind: 'readerGone' } : { kind: 'outputFailed', error });
  });
  watchOutputReader(() => end.settle({ kind: 'readerGone' }));
  return output;
}

/** What few ask for is loaded when it is asked for. */
async function takerTools(
  plan: SubscribePlan,
  args: ParsedArguments,
  diagnostics: Diagnostics,
  end: OneShot<SubscribeEnd>,
): Promise<TakerTools> {
  const { where, until, selection, topicFilters } = plan;
  const conditions =
    where === undefined && until === undefined ? undefined : await import('./condition.ts');
  const context = (): { epochMs: number; deltaMs: undefined; topicFilters: readonly string[] } => ({
    epochMs: Date.now(),
    deltaMs: undefined,
    topicFilters,
  });
  const condition = (option: string, text: string | undefined): TakerTools['until'] => {
    if (text === undefined) return undefined;
    const holds = conditions?.parseCondition(option, text);
    return (message) => holds?.(message, context()) ?? false;
  };
  const whereHolds = condition('--where', where);
  const { Selection } =
    selection === undefined ? { Selection: undefined } : await import('./message-selection.ts');
  const record = args.text('record');
  const command = args.text('exec');
  return {
    selection:
      Selection &&
      selection &&
      new Selection(selection, whereHolds, performance.now.bind(performance), Math.random),
    until: condition('--until', until),
    recorder:
      record === undefined
        ? undefined
        : (await import('./message-recorder.ts')).openRecorder(record, () => {
            end.settle({ kind: 'recordFailed' });
          }),
    executor:
      command === undefined
        ? undefined
        : (await import('./message-executor.ts')).messageExecutor(command, diagnostics),
  };
}

type Take = (message: Message) => Promise<void> | undefined;

function subscribe(
  session: ClientSession,
  plan: SubscribePlan,
  taker: MessageTaker,
  take: Take,
  diagnostics: Diagnostics,
  end: OneShot<SubscribeEnd>,
  mosquitto: MosquittoName | undefined,
): void {
  const { client } = session;
  const handled = { qos: plan.qos, concurrency: plan.qos === 0 ? 1 : printedTogether };
  if (mosquitto !== undefined) {
    // After SUBSCRIBE, each alone, and whatever becomes of it is no matter.
    queueMicrotask(() => {
      for (const filter of plan.unsubscribe) {
        client.unsubscribe(filter, plan.connection.properties.unsubscribe).catch(() => {});
      }
    });
    if (plan.topicFilters.length === 0) return;
  }
  const unsubscribed =
    mosquitto === undefined ? unsubscribeWhenAccepted(session, plan) : Promise.resolve();
  if (plan.topicFilters.length === 0) {
    if (plan.subscribeOnly) void unsubscribed.then(() => end.settle({ kind: 'count' }));
    void unsubscribed.then(() => taker.begin());
    // Messages of a session may still come for filters of an earlier life.
    client.on('unmatched', (message) => {
      void taker.take(message);
    });
    return;
  }
  const { options, topicFilters } = plan;
  client.subscribe(topicFilters, { ...handled, ...options }, take).then(
    (subscription) => {
      taker.begin();
      endWhenRefusedLater(client, subscription, end);
      if (plan.subscribeOnly) void unsubscribed.then(() => end.settle({ kind: 'count' }));
    },
    (error: MqttError) => {
      if (error instanceof MqttSubscribeError && error.subscription !== undefined) {
        for (const grant of error.grants) {
          if (grant.reasonCode >= 0x80) diagnostics.note({ text: refusedText(grant) });
        }
        taker.begin();
        endWhenRefusedLater(client, error.subscription, end);
        if (plan.subscribeOnly) {
          // To mosquitto_sub, some that are granted are enough.
          end.settle(mosquitto === undefined ? { kind: 'refused', error } : { kind: 'count' });
        }
      } else if (mosquitto !== undefined && error.code !== 'subscribeRefused') {
        // What -U took away again, mosquitto_sub still prints when it comes.
      } else if (client.status.state !== 'closed') {
        // Why a client gave up is told by its status, with more to say.
        end.settle({ kind: 'refused', error });
      }
    },
  );
}

/** Resolves when the server has answered; what it knew nothing of is no matter. */
async function unsubscribeWhenAccepted(session: ClientSession, plan: SubscribePlan): Promise<void> {
  if (plan.unsubscribe.length === 0) return;
  await session.accepted;
  await session.client
    .unsubscribe(plan.unsubscribe, plan.connection.properties.unsubscribe)
    .catch(() => {});
}

/** A server that forgot the session may refuse what it granted before: without any filter there is nothing to wait for. */
function endWhenRefusedLater(
  client: MqttClient,
  subscription: Subscription,
  end: OneShot<SubscribeEnd>,
): void {
  client.on('error', (error) => {
    const refused = error.code === 'subscribeRefused' || error.code === 'serverLimit';
    if (refused && subscription.topicFilters.length === 0) end.settle({ kind: 'refused', error });
  });
}

function refusedText({ topicFilter, reasonCode }: SubscriptionGrant): string {
  return `the server refused the subscription to '${topicFilter}': ${reasonCodeName(reasonCode)}`;
}

/** What was taken is printed, written and acknowledged, as far as that can still be. */
async function endOutput(
  reason: SubscribeEnd,
  printer: Printer,
  taker: MessageTaker,
  output: MessageOutput,
  client: MqttClient,
  plan: SubscribePlan,
): Promise<void> {
  const writable = reason.kind !== 'readerGone' && reason.kind !== 'outputFailed';
  if (writable) printer.end?.();
  // A message that was printed is still to be acknowledged.
  const written = writable ? output.printed() : undefined;
  await Promise.race([taker.end(), wait(closeTimeoutMs)]);
  const { disconnect } = plan.connection.properties;
  await client.close({ timeoutMs: closeTimeoutMs, ...plan.farewell(reason.kind), ...disconnect });
  await Promise.race([written, wait(closeTimeoutMs)]);
}

function tell(
  reason: SubscribeEnd,
  session: ClientSession,
  plan: SubscribePlan,
  printed: number,
  diagnostics: Diagnostics,
): number {
  const { expect } = plan;
  const ended = (code: number): number => {
    if (printed >= expect) return code;
    diagnostics.error({
      what: `${printed} of at least ${expect} messages came (--expect)`,
      why: reason.kind === 'timeLimit' ? 'The time limit (-W) is over.' : undefined,
    });
    return ExitCode.timeLimit;
  };
  switch (reason.kind) {
    case 'count':
    case 'signal':
    case 'readerGone':
    case 'idle':
      return ended(ExitCode.done);
    case 'timeLimit':
      // Who says how many are expected is content with them.
      if (expect > 0) return ended(ExitCode.done);
      diagnostics.error(timeLimitReport(plan.timeLimitMs));
      return ExitCode.timeLimit;
    case 'outputFailed':
      diagnostics.error(outputReport(reason.error, lostMessages));
      return ExitCode.outputFailed;
    case 'recordFailed':
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
