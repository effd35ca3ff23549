import { escapeText } from './escape-text.ts';
import type { ProgramName } from './option-table.ts';

/** What a person is told about one thing: what happened, why, and what to do, each one line. */
export interface Report {
  readonly what: string;
  readonly why?: string | undefined;
  readonly hint?: string | undefined;
}

/** A line for people that the program found worth saying while it prepared. */
export interface Note {
  readonly text: string;
  /** Whether it is said on a terminal alone, where it disturbs nobody's log. */
  readonly terminalOnly?: boolean;
}

type ErrorStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Everything for people goes to standard error, one line each, without control characters: parts come from servers. */
export class Diagnostics {
  readonly #program: ProgramName;
  readonly #open: () => ErrorStream;
  #opened: ErrorStream | undefined;
  #screen: ((line: string) => void) | undefined;
  #quiet = false;
  #exact = false;

  /** The stream is asked for when there is something to say: most runs save the time it takes. */
  constructor(program: ProgramName, open: () => ErrorStream = () => process.stderr) {
    this.#program = program;
    this.#open = open;
  }

  /** `--quiet`: nothing more about what happens while the program runs. */
  silence(): void {
    this.#quiet = true;
  }

  get isQuiet(): boolean {
    return this.#quiet;
  }

  /** An error that ends the program, in at most three lines. `always`: also under `--quiet`. */
  error(report: Report, always = false): void {
    if ((this.#exact || this.#quiet) && !always) return;
    this.#line(`${this.#program}: ${report.what}`);
    if (report.why !== undefined) this.#line(`  ${report.why}`);
    if (report.hint !== undefined) this.#line(`  ${report.hint}`);
  }

  /** Something that a person should know while the program goes on. */
  note(note: Note): void {
    if (this.#quiet || this.#exact || (note.terminalOnly === true && this.#stream.isTTY !== true))
      return;
    this.#line(`${this.#program}: ${note.text}`);
  }

  /** As mosquitto's programs speak: only what is given to `exactly`. */
  speakExactly(): void {
    this.#exact = true;
  }

  /** Text with its line ends, as it is; `always`: also under `--quiet`. */
  exactly(text: string, always = false): void {
    if (text !== '' && (always || !this.#quiet)) this.#stream.write(text);
  }

  /** A line of `-d`. */
  trace(text: string): void {
    this.#line(text);
  }

  /**
   * While a screen is painted on the terminal, lines for people are shown by it: written beside it they would tear it, and
   * be painted over. `undefined` ends that.
   */
  divert(show: ((line: string) => void) | undefined): void {
    this.#screen = show;
  }

  /** Resolves when everything was written, or cannot be. */
  flushed(): Promise<void> {
    const stream = this.#opened;
    if (stream === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      stream.write('', () => resolve());
    });
  }

  get #stream(): ErrorStream {
    if (this.#opened === undefined) {
      this.#opened = this.#open();
      // Nobody reads what we have to say: no reason to stop.
      this.#opened.on('error', () => {});
    }
    return this.#opened;
  }

  #line(text: string): void {
    const line = escapeText(text);
    if (this.#screen !== undefined && this.#stream.isTTY === true) this.#screen(line);
    else this.#stream.write(`${line}\n`);
  }
}
