/** What becomes of each message: selected, printed, recorded, handed to a command, counted. */
import type { Message, MqttClient } from 'mqtt-kit';
import type { MessageOutput } from './message-output.ts';
import type { Selection } from './message-selection.ts';
import type { OneShot } from './one-shot.ts';
import type { Printer } from './printer.ts';
import type { SubscribeEnd } from './subscribe-end.ts';
import type { SubscribePlan } from './subscribe-plan.ts';

/** Writes messages somewhere else, too. */
export interface Recorder {
  /** Resolves when the message was written; never when it cannot be. */
  write(message: Message): Promise<void>;
  end(): Promise<void>;
  /** Why it cannot be written any more. */
  readonly failure: NodeJS.ErrnoException | undefined;
}

/** Runs a command for messages; resolves when the next may come. */
export interface Executor {
  run(message: Message): Promise<void>;
  end(): Promise<void>;
}

/** What few ask for. */
export interface TakerTools {
  readonly selection: Selection | undefined;
  readonly until: ((message: Message) => boolean) | undefined;
  readonly recorder: Recorder | undefined;
  readonly executor: Executor | undefined;
}

const never: Promise<void> = new Promise(() => {});

export class MessageTaker {
  /** Messages that were printed. */
  printed = 0;
  readonly #plan: SubscribePlan;
  readonly #client: MqttClient;
  readonly #printer: Printer;
  readonly #output: MessageOutput;
  readonly #tools: TakerTools;
  readonly #end: OneShot<SubscribeEnd>;
  #left: number;
  #idle: NodeJS.Timeout | undefined;

  constructor(
    plan: SubscribePlan,
    client: MqttClient,
    printer: Printer,
    output: MessageOutput,
    tools: TakerTools,
    end: OneShot<SubscribeEnd>,
  ) {
    this.#plan = plan;
    this.#client = client;
    this.#printer = printer;
    this.#output = output;
    this.#tools = tools;
    this.#end = end;
    this.#left = plan.count;
  }

  /** Whether the last message was taken. */
  get isOver(): boolean {
    return this.#left === 0 || this.#end.settled || this.#plan.subscribeOnly;
  }

  /** The server has granted the subscriptions: silence counts from now on. */
  begin(): void {
    const { idleMs } = this.#plan;
    if (idleMs === undefined || this.#idle !== undefined) return;
    this.#idle = setTimeout(() => this.#end.settle({ kind: 'idle' }), idleMs);
  }

  /** A message; what it returns settles when the message may be acknowledged and the next one come. */
  take(message: Message): Promise<void> | undefined {
    // Nothing after the last one is taken: it stays with the server, unacknowledged.
    if (this.isOver) return never;
    this.#idle?.refresh();
    const verdict = this.#tools.selection?.take(message) ?? 'print';
    if (verdict === 'end') {
      this.#left = 0;
      this.#endWhenPrinted();
      return undefined;
    }
    if (verdict === 'drop') return undefined;
    if (this.#plan.removeRetained && message.retain && message.payload.length > 0) {
      void this.#client.publish(message.topic, '', { qos: 1, retain: true }).catch(() => {});
    }
    this.#printer.print(message);
    this.printed += 1;
    this.#left -= 1;
    const recorded = this.#tools.recorder?.write(message);
    if (this.#left === 0 || this.#tools.until?.(message) === true) {
      this.#left = 0;
      this.#endWhenPrinted(recorded);
    }
    return this.#done(message, recorded);
  }

  /** Resolves when everything taken was recorded and executed. */
  async end(): Promise<void> {
    clearTimeout(this.#idle);
    await Promise.all([this.#tools.recorder?.end(), this.#tools.executor?.end()]);
  }

  #endWhenPrinted(recorded?: Promise<void>): void {
    void Promise.all([recorded, this.#output.printed()]).then(() =>
      this.#end.settle({ kind: 'count' }),
    );
  }

  #done(message: Message, recorded: Promise<void> | undefined): Promise<void> | undefined {
    const { executor } = this.#tools;
    const executed = executor?.run(message);
    const printed =
      message.qos > 0
        ? this.#output.printed()
        : this.#output.full
          ? this.#output.room()
          : undefined;
    if (recorded === undefined && executed === undefined) return printed;
    return Promise.all([recorded, executed, printed]).then(() => {});
  }
}
