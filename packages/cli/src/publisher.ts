import type { MqttClient, MqttError, PublishOptions, PublishPromise } from 'mqtt-kit';
import type { Diagnostics } from './diagnostics.ts';
import type { FeedMessage } from './feed-message.ts';
import { standardInput } from './input-files.ts';
import { LineSplitter } from './lines.ts';
import type { Pace } from './pace.ts';
import { largestPayload, type PublishPlan } from './publish-plan.ts';
import { PublishWindow } from './publish-window.ts';
import { UsageError } from './usage-error.ts';

/** What few ask for. */
export interface PublisherTools {
  /** Holds messages back, for `--rate` and `--repeat-delay`. */
  readonly pace: Pace | undefined;
  /** Begins the next message of `--template`; what it returns fills in the fields of a text. */
  readonly fill: ((line: Uint8Array | undefined) => (text: string) => string) | undefined;
  /** Told of each message that was not published, with its number. */
  readonly onFailure: ((number: number, error: MqttError) => void) | undefined;
}

/** What a message of the queue fails with while it stays there. */
const keptErrors: ReadonlySet<string> = new Set([
  'clientClosed',
  'outcomeUnknown',
  'connectionLost',
]);

/** Publishes what the command line says, and knows what became of it. */
export class Publisher {
  readonly #client: Pick<MqttClient, 'publish'>;
  readonly #plan: PublishPlan;
  readonly #diagnostics: Diagnostics;
  readonly #tools: PublisherTools;
  readonly #options: PublishOptions;
  readonly #window = new PublishWindow();
  readonly #splitter: LineSplitter;
  /** Lines of the last chunk, and how many of them were published. */
  #lines: Uint8Array[] = [];
  #linesDone = 0;
  #published = 0;
  /** Messages of `-m`, `-f` or `-s` that are still to come. */
  #outstanding: number;
  #stopped = false;
  #refused: MqttError | undefined;

  constructor(
    client: Pick<MqttClient, 'publish'>,
    plan: PublishPlan,
    diagnostics: Diagnostics,
    tools: PublisherTools,
  ) {
    this.#client = client;
    this.#plan = plan;
    this.#diagnostics = diagnostics;
    this.#tools = tools;
    this.#options = { ...plan.properties, qos: plan.qos, retain: plan.retain };
    this.#splitter = new LineSplitter((line) => this.#lines.push(line));
    const single = plan.source.kind === 'payload' || plan.source.kind === 'stdinFile';
    this.#outstanding = single ? plan.repeat : 0;
  }

  /** Messages as far as they were read. */
  get total(): number {
    return this.#published + this.#notHandedOver;
  }

  /** Those of them that were not published: refused, under way, or still to be handed over. */
  get unpublished(): number {
    return this.#window.failures + this.#window.pending + this.#notHandedOver;
  }

  get #notHandedOver(): number {
    const partialLine = this.#splitter.pendingBytes > 0 ? 1 : 0;
    return this.#lines.length - this.#linesDone + partialLine + this.#outstanding;
  }

  get firstFailure(): MqttError | undefined {
    return this.#window.firstFailure ?? this.#refused;
  }

  /** Resolves when everything was published or refused. Rejects when the input cannot be used. */
  async run(): Promise<void> {
    const { source } = this.#plan;
    switch (source.kind) {
      case 'payload':
        await this.#publishRepeatedly(source.payload);
        break;
      case 'stdinFile':
        await this.#publishRepeatedly(await wholeInput(this.#diagnostics));
        break;
      case 'stdinLines':
        await this.#publishLines();
        break;
      case 'feed':
        await this.#publishFeed(await source.load());
        break;
    }
    await this.#window.empty();
  }

  /** Nothing more is taken from the input. */
  stop(): void {
    this.#stopped = true;
  }

  #publish(payload: Uint8Array, line?: Uint8Array): PublishPromise {
    const { fill } = this.#tools;
    const { topic = '' } = this.#plan;
    if (fill === undefined) return this.#send(topic, payload, this.#options);
    const fillNext = fill(line);
    // A line is the payload itself, unless a message says where in it the line stands.
    const text = line === undefined ? fillNext(new TextDecoder().decode(payload)) : undefined;
    const bytes = text === undefined ? payload : new TextEncoder().encode(text);
    return this.#send(fillNext(topic), bytes, this.#options);
  }

  #send(topic: string, payload: Uint8Array, options: PublishOptions): PublishPromise {
    this.#published += 1;
    const number = this.#published;
    const promise = this.#client.publish(topic, payload, options);
    if (this.#plan.queueFolder === undefined || options.qos === 0) {
      this.#window.add(promise, payload.length);
    } else {
      this.#addToQueue(promise, payload.length);
    }
    const { onFailure } = this.#tools;
    if (onFailure !== undefined) promise.catch((error: MqttError) => onFailure(number, error));
    return promise;
  }

  /** What is stored is safe: it need not be acknowledged for the next one to be read. */
  #addToQueue(promise: PublishPromise, bytes: number): void {
    this.#window.add(promise.stored, bytes);
    promise.catch((error: MqttError) => {
      if (!keptErrors.has(error.code)) this.#refused ??= error;
    });
  }

  async #publishRepeatedly(payload: Uint8Array): Promise<void> {
    const { repeatsInTurn } = this.#plan;
    const { pace } = this.#tools;
    for (let left = this.#outstanding; left > 0 && !this.#stopped; left -= 1) {
      if (this.#window.full) await this.#window.room();
      if (pace !== undefined) await pace.turn();
      if (this.#stopped) return;
      this.#outstanding = left - 1;
      const promise = this.#publish(payload);
      if (left > 1 && repeatsInTurn) await promise.catch(() => {});
    }
  }

  async #publishFeed(feed: AsyncIterable<FeedMessage>): Promise<void> {
    const { pace } = this.#tools;
    for await (const { topic, payload, qos, retain, properties } of feed) {
      if (this.#window.full) await this.#window.room();
      if (pace !== undefined) await pace.turn();
      if (this.#stopped) return;
      const name = topic ?? this.#plan.topic;
      if (name === undefined)
        throw new UsageError('a message has no topic', 'Give one to all by -t');
      this.#send(name, payload, {
        ...this.#options,
        ...(qos === undefined ? {} : { qos }),
        ...(retain === undefined ? {} : { retain }),
        ...properties,
      });
    }
  }

  /** Reads no further while the window is full: what is not read waits with whoever writes it. */
  async #publishLines(): Promise<void> {
    tellTyping(this.#diagnostics, '-l: each line that you type is published, Ctrl-D ends');
    for await (const chunk of standardInput('-l')) {
      this.#splitter.push(chunk);
      await this.#publishReadLines();
      if (this.#stopped) return;
    }
    this.#splitter.end();
    await this.#publishReadLines();
  }

  async #publishReadLines(): Promise<void> {
    const { pace } = this.#tools;
    for (; this.#linesDone < this.#lines.length; this.#linesDone += 1) {
      if (this.#window.full) await this.#window.room();
      if (pace !== undefined) await pace.turn();
      if (this.#stopped) return;
      const line = this.#line(this.#lines[this.#linesDone]!);
      this.#publish(line, line);
    }
    this.#lines = [];
    this.#linesDone = 0;
  }

  #line(line: Uint8Array): Uint8Array {
    const nul = this.#plan.lineEndsAtNul ? line.indexOf(0) : -1;
    return nul < 0 ? line : line.subarray(0, nul);
  }
}

/** Standard input as one message. Throws `UsageError` when it is empty, or more than a message can be. */
export async function wholeInput(diagnostics: Diagnostics): Promise<Uint8Array> {
  tellTyping(diagnostics, '-s: the message is read from the terminal, Ctrl-D ends it');
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of standardInput('-s')) {
    size += chunk.length;
    if (size > largestPayload) {
      throw new UsageError(
        `-s: standard input is longer than an MQTT message can be (${largestPayload} bytes)`,
      );
    }
    chunks.push(chunk);
  }
  if (size === 0) {
    throw new UsageError('-s: standard input is empty', 'For an empty message: -n');
  }
  return Buffer.concat(chunks);
}

function tellTyping(diagnostics: Diagnostics, text: string): void {
  if (process.stdin.isTTY) diagnostics.note({ text, terminalOnly: true });
}
