import type { MqttError } from 'mqtt-kit';
import { type ClientSession, openClient } from './client-session.ts';
import type { Diagnostics } from './diagnostics.ts';
import { ExitCode, exitCodeOf, giveUpExitCode, signalExitCode } from './exit-codes.ts';
import { oneShot } from './one-shot.ts';
import type { ParsedArguments } from './parse-arguments.ts';
import { largestPayload, type PublishPlan, publishPlan } from './publish-plan.ts';
import { Publisher } from './publisher.ts';
import { inputReport, reportOf, timeLimitReport, unpublishedReport } from './report-error.ts';
import { onEndingSignal } from './signals.ts';

/** What ends `mqtt-pub`. */
type End =
  /** Everything was published, or refused. */
  | { readonly kind: 'done' | 'timeLimit' }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'givenUp'; readonly error: MqttError }
  | { readonly kind: 'input'; readonly error: unknown };

/** How long messages under way may take when the program is asked to end. */
const closeTimeoutMs = 2000;

/** Runs `mqtt-pub`; resolves with its exit code. Throws `UsageError`, and `MqttError` for arguments of a connection. */
export async function publishProgram(
  args: ParsedArguments,
  diagnostics: Diagnostics,
): Promise<number> {
  const plan = publishPlan(args, process.env);
  for (const note of plan.notes) diagnostics.note(note);
  const end = oneShot<End>();
  onEndingSignal(
    (signal) => end.settle({ kind: 'signal', signal }),
    (signal) => process.exit(signalExitCode[signal]),
  );
  if (plan.timeLimitMs !== undefined) {
    setTimeout(() => end.settle({ kind: 'timeLimit' }), plan.timeLimitMs);
  }
  // One message gains nothing from an alias for its topic.
  const topicAliases = plan.source.kind === 'stdinLines';
  const session = await openClient(plan.connection, { queue, topicAliases }, diagnostics, (error) =>
    end.settle({ kind: 'givenUp', error }),
  );
  const publisher = new Publisher(session.client, plan, diagnostics);
  // Without a line to publish the server is still to accept the connection.
  Promise.all([publisher.run(), session.accepted]).then(
    () => end.settle({ kind: 'done' }),
    (error: unknown) => end.settle({ kind: 'input', error }),
  );
  const first = await end.promise;
  publisher.stop();
  const { status } = session.client;
  const gaveUp = status.state === 'closed' ? status.reason : undefined;
  // The time is over: nothing is waited for any more.
  const timeoutMs = first.kind === 'timeLimit' ? 0 : closeTimeoutMs;
  const { serverError } = await session.client.close({ timeoutMs });
  const reason: End = gaveUp === undefined ? first : { kind: 'givenUp', error: gaveUp };
  if (reason.kind === 'done' && serverError !== undefined && concerns(plan, serverError)) {
    return tell({ kind: 'givenUp', error: serverError }, session, publisher, plan, diagnostics);
  }
  return tell(reason, session, publisher, plan, diagnostics);
}

/**
 * Whether what the server said at the very end puts the success in doubt: a message of QoS 0 was perhaps the reason, and
 * a refusal of this client is one at any QoS. A server that only goes away had acknowledged everything else before.
 */
function concerns(plan: PublishPlan, { code }: MqttError): boolean {
  return plan.qos === 0 || code !== 'connectionLost';
}

/** Nothing is refused for lack of room: the publisher's own window bounds what is under way. */
const queue = { overflow: 'wait', maxBytes: 2 * largestPayload } as const;

function tell(
  reason: End,
  session: ClientSession,
  publisher: Publisher,
  plan: PublishPlan,
  diagnostics: Diagnostics,
): number {
  const { unpublished, firstFailure } = publisher;
  switch (reason.kind) {
    case 'done':
      if (firstFailure === undefined) return ExitCode.done;
      diagnostics.error(
        unpublishedReport(reportOf(firstFailure, plan.connection.options), publisher),
      );
      return exitCodeOf(firstFailure, 'mqtt-pub');
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
