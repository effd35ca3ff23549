import type { MqttClient, MqttError } from 'mqtt-kit';
import type { Diagnostics } from './diagnostics.ts';
import { LineSplitter } from './lines.ts';
import { largestPayload, type PublishPlan } from './publish-plan.ts';
import { PublishWindow } from './publish-window.ts';
import { UsageError } from './usage-error.ts';

/** Publishes what the command line says, and knows what became of it. */
export class Publisher {
  readonly #client: MqttClient;
  readonly #plan: PublishPlan;
  readonly #diagnostics: Diagnostics;
  readonly #window = new PublishWindow();
  readonly #splitter: LineSplitter;
  /** Lines of the last chunk, and how many of them were published. */
  #lines: Uint8Array[] = [];
  #linesDone = 0;
  #published = 0;
  /** Whether the one message of `-m`, `-f` or `-s` is still to come. */
  #outstanding: 0 | 1;
  #stopped = false;

  constructor(client: MqttClient, plan: PublishPlan, diagnostics: Diagnostics) {
    this.#client = client;
    this.#plan = plan;
    this.#diagnostics = diagnostics;
    this.#splitter = new LineSplitter((line) => this.#lines.push(line));
    this.#outstanding = plan.source.kind === 'stdinLines' ? 0 : 1;
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
    return this.#window.firstFailure;
  }

  /** Resolves when everything was published or refused. Rejects when the input cannot be used. */
  async run(): Promise<void> {
    const { source } = this.#plan;
    if (source.kind === 'payload') this.#publish(source.payload);
    else if (source.kind === 'stdinFile') this.#publish(await this.#wholeInput());
    else await this.#publishLines();
    await this.#window.empty();
  }

  /** Nothing more is taken from the input. */
  stop(): void {
    this.#stopped = true;
  }

  #publish(payload: Uint8Array): void {
    const { topic, qos, retain } = this.#plan;
    this.#outstanding = 0;
    this.#published += 1;
    this.#window.add(this.#client.publish(topic, payload, { qos, retain }), payload.length);
  }

  async #wholeInput(): Promise<Uint8Array> {
    this.#tellTyping('-s: the message is read from the terminal, Ctrl-D ends it');
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
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

  /** Reads no further while the window is full: what is not read waits with whoever writes it. */
  async #publishLines(): Promise<void> {
    this.#tellTyping('-l: each line that you type is published, Ctrl-D ends');
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      this.#splitter.push(chunk);
      await this.#publishReadLines();
      if (this.#stopped) return;
    }
    this.#splitter.end();
    await this.#publishReadLines();
  }

  async #publishReadLines(): Promise<void> {
    for (; this.#linesDone < this.#lines.length; this.#linesDone += 1) {
      if (this.#window.full) await this.#window.room();
      if (this.#stopped) return;
      this.#publish(this.#lines[this.#linesDone]!);
    }
    this.#lines = [];
    this.#linesDone = 0;
  }

  #tellTyping(text: string): void {
    if (process.stdin.isTTY) this.#diagnostics.note({ text, terminalOnly: true });
  }
}
