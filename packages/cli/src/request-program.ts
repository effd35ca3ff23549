/**
 * `mqtt-sub --request`: subscribes to the response topic, publishes the request, prints the response.
 *
 * Under 5.0 the request carries the response topic and correlation data of its own, and a message that carries other
 * correlation data is the response to somebody else. One without any is taken: many responders send none back.
 */
import { randomBytes } from 'node:crypto';
import type { Message, MqttError } from 'mqtt-kit';
import { type ClientSession, openClient } from './client-session.ts';
import { withAskedPassword } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { ExitCode, exitCodeOf, giveUpExitCode, signalExitCode } from './exit-codes.ts';
import { messagePrinter } from './message-printer.ts';
import type { MosquittoName } from './mosquitto-name.ts';
import { type OneShot, oneShot } from './one-shot.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import type { Printer } from './printer.ts';
import { wholeInput } from './publisher.ts';
import { lostMessages, outputReport, reportOf, timeLimitReport } from './report-error.ts';
import { type RequestPlan, requestPlan } from './request-plan.ts';
import { onEndingSignal } from './signals.ts';
import type { StandardOutput } from './standard-output.ts';
import type { SubscribeEnd } from './subscribe-end.ts';
import { openOutput } from './subscribe-program.ts';

const closeTimeoutMs = 2000;

/** Runs a request; resolves with the exit code. Throws `UsageError`, and `MqttError` for arguments of a connection. */
export async function requestProgram(
  args: ParsedArguments,
  diagnostics: Diagnostics,
  standardOutput: StandardOutput,
): Promise<number> {
  const plan = await withAskedPassword(requestPlan(args, process.env));
  for (const note of plan.notes) diagnostics.note(note);
  const end = oneShot<SubscribeEnd>();
  // mosquitto_rr looks after no signals.
  if (args.mosquitto === undefined) {
    onEndingSignal(
      () => end.settle({ kind: 'signal' }),
      (signal) => process.exit(signalExitCode[signal]),
    );
  }
  if (plan.timeLimitMs !== undefined) {
    setTimeout(() => end.settle({ kind: 'timeLimit' }), plan.timeLimitMs);
  }
  const output = openOutput(standardOutput, end);
  const responseTopic = plan.responseTopic ?? `response/${randomBytes(12).toString('hex')}`;
  const setting = {
    topicFilters: [responseTopic],
    showTopic: plan.showTopic,
    severalTopics: false,
    server: plan.connection.url,
    identifiersShown: args.mosquitto !== undefined,
  };
  const printer = await messagePrinter(args, setting, output, diagnostics);
  const payload = await requestPayload(plan, diagnostics, args.mosquitto);
  const session = await openClient(
    plan.connection,
    // There is one subscription: without an identifier SUBSCRIBE leaves together with CONNECT.
    { subscriptionIdentifiers: false },
    diagnostics,
    output,
    (error) => end.settle({ kind: 'givenUp', error }),
  );
  const exchange = new Exchange(
    session,
    plan,
    responseTopic,
    args.mosquitto === undefined,
    (text) => output.text(text),
  );
  const begin = (): void => exchange.run(payload, printer, end, () => output.printed());
  // SUBSCRIBE leaves together with CONNECT, mosquitto_rr's when it is accepted.
  if (args.mosquitto === undefined) begin();
  else void session.accepted.then(begin);
  const reason = await end.promise;
  if (reason.kind === 'timeLimit') plan.connection.wire?.leaveEarly(0x04);
  const written = output.printed();
  await session.client.close({
    timeoutMs: closeTimeoutMs,
    ...(reason.kind === 'timeLimit' ? plan.farewell : {}),
    ...plan.connection.properties.disconnect,
  });
  if (reason.kind === 'count') await written;
  if (plan.latency && exchange.latencyMs !== undefined) {
    const digits = args.mosquitto === undefined ? 2 : 6;
    standardOutput.write(`Latency: ${shownLatency(exchange.latencyMs, digits)}\n`);
    await standardOutput.flushed();
  }
  if (args.mosquitto !== undefined) {
    const { subscribeEnd } = await import('./mosquitto-subscribe-end.ts');
    return subscribeEnd(reason, args.mosquitto, plan.connection, diagnostics);
  }
  return tell(reason, session, plan, diagnostics);
}

async function requestPayload(
  { source }: RequestPlan,
  diagnostics: Diagnostics,
  mosquitto: MosquittoName | undefined,
): Promise<Uint8Array> {
  if (source.kind === 'payload') return source.payload;
  if (mosquitto === undefined) return wholeInput(diagnostics);
  return (await import('./mosquitto-input.ts')).mosquittoInput(diagnostics);
}

class Exchange {
  /** From the request to the response. */
  latencyMs: number | undefined;
  readonly #session: ClientSession;
  readonly #plan: RequestPlan;
  readonly #responseTopic: string;
  /** mosquitto_rr takes the first message, whoever it is for. */
  readonly #correlates: boolean;
  readonly #print: (text: string) => void;
  #sentAtMs: number | undefined;
  #correlation: Uint8Array | undefined;

  constructor(
    session: ClientSession,
    plan: RequestPlan,
    responseTopic: string,
    correlates: boolean,
    print: (text: string) => void,
  ) {
    this.#print = print;
    this.#session = session;
    this.#plan = plan;
    this.#responseTopic = responseTopic;
    this.#correlates = correlates;
  }

  run(
    payload: Uint8Array,
    printer: Printer,
    end: OneShot<SubscribeEnd>,
    printed: () => Promise<void>,
  ): void {
    const { client } = this.#session;
    const { qos, options } = this.#plan;
    const take = (message: Message): void => {
      for (const line of this.#session.theirTrace?.taken(message) ?? []) this.#print(`${line}\n`);
      if (end.settled || !this.#isResponse(message)) return;
      if (this.#sentAtMs !== undefined) this.latencyMs = performance.now() - this.#sentAtMs;
      printer.print(message);
      const { wire } = this.#plan.connection;
      if (wire !== undefined) wire.isDone = true;
      void printed().then(() => end.settle({ kind: 'count' }));
    };
    client
      .subscribe(this.#responseTopic, { qos, ...options }, take)
      .then(async () => {
        await this.#send(payload);
        // Nobody is there to respond.
        if (this.#plan.connection.dryRun) end.settle({ kind: 'count' });
      })
      .catch((error: MqttError) => {
        if (client.status.state === 'closed') return;
        // mosquitto_rr hears nothing of a request that was refused, and waits on.
        if (!this.#correlates && error.code === 'publishRefused') return;
        end.settle({ kind: 'refused', error });
      });
  }

  async #send(payload: Uint8Array): Promise<void> {
    const { topic, qos, connection } = this.#plan;
    const { client } = this.#session;
    const version50 = client.server?.reasons === true;
    const given = connection.properties.publish;
    this.#correlation =
      given.correlationData ?? (this.#correlates && version50 ? randomBytes(12) : undefined);
    this.#sentAtMs = performance.now();
    await client.publish(topic, payload, {
      qos,
      ...given,
      ...(version50 ? { responseTopic: this.#responseTopic } : {}),
      ...(this.#correlation === undefined ? {} : { correlationData: this.#correlation }),
    });
  }

  #isResponse({ retain, correlationData }: Message): boolean {
    if (retain && this.#plan.skipRetained) return false;
    if (!this.#correlates) return true;
    // What came before the request cannot be its response.
    if (this.#sentAtMs === undefined) return false;
    if (this.#correlation === undefined || correlationData === undefined) return true;
    return Buffer.compare(this.#correlation, correlationData) === 0;
  }
}

function shownLatency(ms: number, digits: number): string {
  if (ms < 0.001) return `${Math.round(ms * 1e6)}ns`;
  if (ms < 1) return `${(ms * 1000).toFixed(digits)}µs`;
  return `${ms.toFixed(digits)}ms`;
}

function tell(
  reason: SubscribeEnd,
  session: ClientSession,
  plan: RequestPlan,
  diagnostics: Diagnostics,
): number {
  switch (reason.kind) {
    case 'timeLimit':
      diagnostics.error(timeLimitReport(plan.timeLimitMs, 'No response came.'));
      return ExitCode.timeLimit;
    case 'outputFailed':
      diagnostics.error(outputReport(reason.error, lostMessages));
      return ExitCode.outputFailed;
    case 'refused':
      diagnostics.error(reportOf(reason.error, plan.connection.options));
      return exitCodeOf(reason.error, 'mqtt-request');
    case 'givenUp':
      diagnostics.error(reportOf(reason.error, plan.connection.options));
      return giveUpExitCode(reason.error, 'mqtt-request', session.everConnected);
    default:
      return ExitCode.done;
  }
}
