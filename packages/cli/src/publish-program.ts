import type { ConnectOptions, MqttError } from 'mqtt-kit';
import type { BegunConnection } from './begun-connection.ts';
import { type ClientSession, openClient } from './client-session.ts';
import { withAskedPassword } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { ExitCode, exitCodeOf, giveUpExitCode, signalExitCode } from './exit-codes.ts';
import { MessageOutput } from './message-output.ts';
import { oneShot } from './one-shot.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { largestPayload, type PublishPlan, publishPlan } from './publish-plan.ts';
import type { PublishQueue } from './publish-queue.ts';
import { Publisher, type PublisherTools } from './publisher.ts';
import { inputReport, reportOf, timeLimitReport, unpublishedReport } from './report-error.ts';
import { onEndingSignal } from './signals.ts';
import type { StandardOutput } from './standard-output.ts';

/** What ends `mqtt-pub`. */
type End =
  /** Everything was published, or refused. */
  | { readonly kind: 'done' | 'timeLimit' }
  /** What is shown in place of being sent cannot be shown any more. */
  | { readonly kind: 'notShown' }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'givenUp'; readonly error: MqttError }
  | { readonly kind: 'input'; readonly error: unknown };

/** How long messages under way may take when the program is asked to end. */
const closeTimeoutMs = 2000;

/** Runs `mqtt-pub`; resolves with its exit code. Throws `UsageError`, and `MqttError` for arguments of a connection. */
export async function publishProgram(
  args: ParsedArguments,
  diagnostics: Diagnostics,
  standardOutput: StandardOutput,
  begun?: BegunConnection,
): Promise<number> {
  const asked = await withAskedPassword(publishPlan(args, process.env));
  const plan = await inputFirst(asked, args, diagnostics);
  for (const note of plan.notes) diagnostics.note(note);
  const end = oneShot<End>();
  // mosquitto_pub looks after no signals.
  if (args.mosquitto === undefined) {
    onEndingSignal(
      (signal) => end.settle({ kind: 'signal', signal }),
      (signal) => process.exit(signalExitCode[signal]),
    );
  }
  if (plan.timeLimitMs !== undefined) {
    setTimeout(() => end.settle({ kind: 'timeLimit' }), plan.timeLimitMs);
  }
  const output = new MessageOutput(standardOutput, () => {
    // What is published does not depend on who watches; of what is shown alone nothing else is left to do.
    if (plan.connection.dryRun) end.settle({ kind: 'notShown' });
  });
  const tools = await publisherTools(plan, args, diagnostics);
  const inFolder = await folderQueue(plan);
  const session = await openClient(
    { ...plan.connection, begun },
    { ...clientOptions(plan, args), ...inFolder?.options },
    diagnostics,
    output,
    (error) => end.settle({ kind: 'givenUp', error }),
  );
  const publisher = new Publisher(session.client, plan, diagnostics, tools);
  // mosquitto_pub says nothing before it is accepted.
  const begin = args.mosquitto === undefined ? Promise.resolve() : session.accepted;
  // Without a line to publish the server is still to accept the connection.
  const accepted = plan.queueFolder === undefined ? session.accepted : undefined;
  const published = begin.then(() => publisher.run()).then(() => queueEmptied(inFolder));
  Promise.all([published, accepted]).then(
    () => end.settle({ kind: 'done' }),
    (error: unknown) => end.settle({ kind: 'input', error }),
  );
  const stopShowing = await showProgress(plan, args, publisher, diagnostics);
  const first = await end.promise;
  stopShowing();
  publisher.stop();
  // Nobody sees it: nothing is waited for any more.
  const atOnce = first.kind === 'notShown';
  const { status } = session.client;
  const gaveUp = status.state === 'closed' && !atOnce ? status.reason : undefined;
  const timeoutMs = atOnce || first.kind === 'timeLimit' ? 0 : closeTimeoutMs;
  const { disconnect } = plan.connection.properties;
  const { serverError } = await session.client.close({ timeoutMs, ...disconnect });
  const kept = inFolder?.left() ?? 0;
  if (first.kind !== 'signal') await standardOutput.flushed();
  const reason: End = gaveUp === undefined ? first : { kind: 'givenUp', error: gaveUp };
  if (args.mosquitto !== undefined) {
    return mosquittoEnd(reason, plan, publisher, diagnostics);
  }
  if (reason.kind === 'done' && serverError !== undefined && concerns(plan, serverError)) {
    return tell(
      { kind: 'givenUp', error: serverError },
      session,
      publisher,
      kept,
      plan,
      diagnostics,
    );
  }
  return tell(reason, session, publisher, kept, plan, diagnostics);
}

/**
 * Whether what the server said at the very end puts the success in doubt: a message of QoS 0 was perhaps the reason, and
 * a refusal of this client is one at any QoS. A server that only goes away had acknowledged everything else before.
 */
function concerns(plan: PublishPlan, { code }: MqttError): boolean {
  return plan.qos === 0 || code !== 'connectionLost';
}

/** A person who waits for a long input sees how far it is. Returns how to end that. */
async function showProgress(
  plan: PublishPlan,
  args: ParsedArguments,
  publisher: Publisher,
  diagnostics: Diagnostics,
): Promise<() => void> {
  const { kind } = plan.source;
  const long = kind === 'stdinLines' || kind === 'feed' || plan.repeat > 1;
  const quiet = args.flag('quiet') || args.flag('debug') || args.mosquitto !== undefined;
  if (!long || quiet) return () => {};
  const { isatty } = await import('node:tty');
  // Who types the lines sees enough.
  if (!isatty(2) || isatty(0)) return () => {};
  const { publishProgress } = await import('./publish-progress.ts');
  return publishProgress(publisher, process.stderr, diagnostics);
}

/** How long the messages of a queue are waited for when there is nothing more to read. */
const queueTimeoutMs = 10_000;

/** Resolves when everything in the queue is acknowledged, what earlier runs left there, too, or when the time is over. */
async function queueEmptied(queue: PublishQueue | undefined): Promise<void> {
  const giveUpAtMs = performance.now() + queueTimeoutMs;
  while (queue !== undefined && queue.left() > 0 && performance.now() < giveUpAtMs) await wait(20);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Nothing is refused for lack of room: the publisher's own window bounds what is under way. */
const queue = { overflow: 'wait', maxBytes: 2 * largestPayload } as const;

function clientOptions(plan: PublishPlan, args: ParsedArguments): ConnectOptions {
  // One message gains nothing from an alias for its topic.
  const many = plan.source.kind === 'stdinLines' || plan.source.kind === 'feed' || plan.repeat > 1;
  const topicAliases =
    many && args.mosquitto === undefined && plan.connection.properties.topicAlias === undefined;
  return { queue, topicAliases };
}

async function folderQueue({
  queueFolder,
  connection,
}: PublishPlan): Promise<PublishQueue | undefined> {
  if (queueFolder === undefined) return undefined;
  const { publishQueue } = await import('./publish-queue.ts');
  return publishQueue(queueFolder, connection.options);
}

/** mosquitto_pub reads all of standard input before it connects. */
async function inputFirst(
  plan: PublishPlan,
  { mosquitto }: ParsedArguments,
  diagnostics: Diagnostics,
): Promise<PublishPlan> {
  if (mosquitto === undefined || plan.source.kind !== 'stdinFile') return plan;
  const { mosquittoInput } = await import('./mosquitto-input.ts');
  return { ...plan, source: { kind: 'payload', payload: await mosquittoInput(diagnostics) } };
}

/** What few ask for is loaded when it is asked for. */
async function publisherTools(
  plan: PublishPlan,
  args: ParsedArguments,
  diagnostics: Diagnostics,
): Promise<PublisherTools> {
  const intervalMs = Math.max(plan.intervalMs, plan.repeatDelayMs);
  const theirs = args.mosquitto === undefined ? undefined : await import('./mosquitto-ends.ts');
  return {
    pace: intervalMs === 0 ? undefined : new (await import('./pace.ts')).Pace(intervalMs),
    fill: plan.template ? await templateFill(plan) : undefined,
    onFailure:
      theirs &&
      ((number, error) => {
        if (error.code !== 'publishRefused') return;
        diagnostics.exactly(theirs.refusedPublish(number, error));
      }),
  };
}

/** Fields that cannot be are told before anything is sent. */
async function templateFill({ topic = '', source }: PublishPlan): Promise<PublisherTools['fill']> {
  const { PayloadTemplate } = await import('./payload-template.ts');
  const template = new PayloadTemplate(process.env);
  template.fill(topic, undefined);
  if (source.kind === 'payload') {
    template.fill(new TextDecoder().decode(source.payload), undefined);
  }
  return (next) => {
    template.next();
    return (text) => template.fill(text, next);
  };
}

/** As mosquitto_pub: that a server refused a message is a warning, and what left at QoS 0 is done. */
async function mosquittoEnd(
  reason: End,
  plan: PublishPlan,
  publisher: Publisher,
  diagnostics: Diagnostics,
): Promise<number> {
  const { endByError } = await import('./mosquitto-ends.ts');
  const { wire } = plan.connection;
  if (wire?.fault !== undefined) {
    diagnostics.exactly(wire.fault.text);
    return wire.fault.code;
  }
  switch (reason.kind) {
    case 'done': {
      const { firstFailure } = publisher;
      if (firstFailure === undefined || firstFailure.code === 'publishRefused') return 0;
      const end = endByError(firstFailure);
      diagnostics.exactly(end.text);
      return end.code;
    }
    case 'givenUp': {
      const end = endByError(reason.error);
      diagnostics.exactly(end.text);
      return end.code;
    }
    case 'signal':
    case 'timeLimit':
    case 'notShown':
      return ExitCode.timeLimit;
    case 'input':
      diagnostics.exactly(`Error: ${(reason.error as Error).message}\n`, true);
      return 1;
  }
}

function tell(
  reason: End,
  session: ClientSession,
  publisher: Publisher,
  kept: number,
  plan: PublishPlan,
  diagnostics: Diagnostics,
): number {
  const { unpublished, firstFailure } = publisher;
  switch (reason.kind) {
    case 'done':
      if (firstFailure === undefined && kept > 0) {
        diagnostics.error({
          what: `${messages(kept)} not acknowledged`,
          why: `They are kept in ${plan.queueFolder}, and sent at the next start.`,
        });
        return ExitCode.connectionLost;
      }
      if (firstFailure === undefined) return ExitCode.done;
      diagnostics.error(
        unpublishedReport(reportOf(firstFailure, plan.connection.options), publisher),
      );
      return exitCodeOf(firstFailure, 'mqtt-pub');
    case 'notShown':
      return ExitCode.done;
    case 'timeLimit':
      diagnostics.error(
        timeLimitReport(plan.timeLimitMs, `${messages(unpublished)} not published`),
      );
      return ExitCode.timeLimit;
    case 'signal':
      if (unpublished === 0) return ExitCode.done;
      diagnostics.error({ what: `interrupted: ${messages(unpublished)} not published` });
      return signalExitCode[reason.signal] ?? ExitCode.internal;
    case 'givenUp':
      diagnostics.error(
        unpublishedReport(reportOf(reason.error, plan.connection.options), publisher),
      );
      return giveUpExitCode(reason.error, 'mqtt-pub', session.everConnected);
    case 'input':
      diagnostics.error(inputReport(reason.error));
      return ExitCode.usage;
  }
}

function messages(count: number): string {
  return count === 1 ? '1 message was' : `${count} messages were`;
}
