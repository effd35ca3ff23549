/** The fields of `--template` in topics and messages. Braces with anything else in them stay as they are: JSON has them. */
import { randomUUID } from 'node:crypto';
import { UsageError } from './usage-error.ts';

type Fill = (line: Uint8Array | undefined) => string;

/** Fills in texts. `{counter}` counts the messages: every field of one message has the same number and time. */
export class PayloadTemplate {
  #counter = 0;
  #time = new Date();
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #parsed = new Map<string, readonly (string | Fill)[]>();

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  /** The next message begins. */
  next(): void {
    this.#counter += 1;
    this.#time = new Date();
  }

  /** Throws `UsageError` for fields that cannot be. */
  fill(text: string, line: Uint8Array | undefined): string {
    let parts = this.#parsed.get(text);
    if (parts === undefined) {
      parts = this.#parse(text);
      // The lines of a long input are all different.
      if (this.#parsed.size < 100) this.#parsed.set(text, parts);
    }
    return parts.map((part) => (typeof part === 'string' ? part : part(line))).join('');
  }

  #parse(text: string): readonly (string | Fill)[] {
    const parts: (string | Fill)[] = [];
    let end = 0;
    for (const found of text.matchAll(/\{(counter|line|time|random|uuid|env)(?::([^{}]*))?\}/g)) {
      parts.push(text.slice(end, found.index));
      end = found.index + found[0].length;
      parts.push(this.#field(found[0], found[1] ?? '', found[2]));
    }
    parts.push(text.slice(end));
    return parts;
  }

  #field(whole: string, name: string, argument: string | undefined): Fill {
    switch (name) {
      case 'counter':
        return this.#counterField(whole, argument);
      case 'line':
        return (line) => (line === undefined ? '' : new TextDecoder().decode(line));
      case 'time':
        return this.#timeField(whole, argument);
      case 'random':
        return randomField(whole, argument);
      case 'uuid':
        return () => randomUUID();
      default:
        return this.#envField(whole, argument);
    }
  }

  /** `{counter}` from 1, `{counter:100}` from 100. */
  #counterField(whole: string, argument = '1'): Fill {
    if (!/^-?[0-9]{1,15}$/.test(argument)) {
      throw new UsageError(`--template: ${whole} wants the first number, such as {counter:100}`);
    }
    return () => `${Number(argument) + this.#counter - 1}`;
  }

  #timeField(whole: string, argument = 'iso'): Fill {
    const forms: Readonly<Record<string, (time: Date) => string>> = {
      iso: (time) => time.toISOString(),
      unix: (time) => `${Math.floor(time.getTime() / 1000)}`,
      ms: (time) => `${time.getTime()}`,
    };
    if (!Object.hasOwn(forms, argument)) {
      throw new UsageError(`--template: ${whole} is none of {time} {time:unix} {time:ms}`);
    }
    return () => forms[argument]!(this.#time);
  }

  #envField(whole: string, name = ''): Fill {
    const value = this.#env[name];
    if (value === undefined) throw new UsageError(`--template: ${whole} is not in the environment`);
    return () => value;
  }
}

/** `{random}` from 0 to 1; `{random:20..30}` whole numbers, both included; `{random:20.0..30.0}` with as many decimals. */
function randomField(whole: string, argument: string | undefined): Fill {
  if (argument === undefined) return () => `${Math.random()}`;
  const parts = /^(-?[0-9]+(?:\.([0-9]+))?)\.\.(-?[0-9]+(?:\.([0-9]+))?)$/.exec(argument);
  const from = Number(parts?.[1]);
  const to = Number(parts?.[3]);
  if (parts === null || from > to) {
    throw new UsageError(`--template: ${whole} wants its bounds, such as {random:20..30}`);
  }
  const decimals = Math.min(Math.max(parts[2]?.length ?? 0, parts[4]?.length ?? 0), 15);
  const unit = 10 ** -decimals;
  const steps = Math.round((to - from) / unit) + 1;
  return () => (from + Math.floor(Math.random() * steps) * unit).toFixed(decimals);
}
