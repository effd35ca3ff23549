/**
 * Command lines as mosquitto's programs read them, for when ours are called by their names: each argument is exactly
 * an option, the one after it its value, numbers are read as far as they go, and the first mistake is told in their
 * words.
 */
import { requireWholeSetting } from './mosquitto-checks.ts';
import { MosquittoMistake } from './mosquitto-mistake.ts';
import type { Letter, MosquittoName } from './mosquitto-name.ts';
import { type MosquittoProperty, mosquittoProperty } from './mosquitto-properties.ts';
import { mosquittoProxy, proxyUrl } from './mosquitto-proxy.ts';
import { aliases, entries } from './mosquitto-spellings.ts';
import { mosquittoUrl } from './mosquitto-url.ts';
import { checks } from './mosquitto-values.ts';
import type { OptionName, ProgramName } from './option-table.ts';
import type { OptionValue } from './option-values.ts';
import { type ParsedArguments, parsedArguments } from './parsed-arguments.ts';

const letterOf: Readonly<Record<MosquittoName, Letter>> = {
  mosquitto_pub: 'P',
  mosquitto_sub: 'S',
  mosquitto_rr: 'R',
};

const programOf: Readonly<Record<MosquittoName, ProgramName>> = {
  mosquitto_pub: 'mqtt-pub',
  mosquitto_sub: 'mqtt-sub',
  mosquitto_rr: 'mqtt-request',
};

const accumulating: ReadonlySet<OptionName> = new Set([
  'topic',
  'filter-out',
  'unsubscribe',
  'property',
]);

const sources = ['file', 'stdin-line', 'message', 'null-message', 'stdin-file'] as const;

/** `optionsFile` reads the lines of the options file, the user's own one unless it is named. Throws `MosquittoMistake`. */
export function mosquittoArguments(
  name: MosquittoName,
  argv: readonly string[],
  optionsFile: (file: string | undefined) => readonly string[],
): ParsedArguments {
  const reader = new Reader(name);
  for (const line of optionsFile(reader.optionsFile(argv))) reader.read(optionsFileWords(line));
  reader.read(argv);
  if (!reader.isAsked) requireWholeSetting(reader.values, reader.letter, reader.mistake);
  return parsedArguments(programOf[name], [], reader.values, name);
}

/** Blanks before the option do not count; all that follows the one after it is the value. */
function optionsFileWords(line: string): readonly string[] {
  if (line.startsWith('#')) return [];
  const parts = /^ *([^ ]+)(?: (.+))?/s.exec(line);
  if (parts === null) return [];
  const [, option = '', value] = parts;
  return value === undefined ? [option] : [option, value];
}

class Reader {
  readonly values = new Map<OptionName, OptionValue[]>();
  readonly letter: Letter;
  /** Whether help or the version was asked for: nothing after that is read. */
  isAsked = false;
  readonly #name: MosquittoName;

  constructor(name: MosquittoName) {
    this.#name = name;
    this.letter = letterOf[name];
    this.#set('protocol-version', this.letter === 'R' ? '5.0' : '3.1.1');
  }

  /** The file that `-o` names: looked for before everything else, wherever it stands. */
  optionsFile(argv: readonly string[]): string | undefined {
    const at = argv.indexOf('-o');
    const file = at < 0 ? undefined : argv[at + 1];
    if (at >= 0 && file === undefined) {
      throw this.mistake('Error: -o argument given but no options file specified.\n');
    }
    if (at >= 0 && argv.indexOf('-o', at + 1) >= 0) {
      throw this.mistake('Error: Duplicate -o argument given.\n');
    }
    return file;
  }

  read(argv: readonly string[]): void {
    let index = 0;
    while (index < argv.length && !this.isAsked) {
      index += this.#readOne(argv[index]!, argv.slice(index + 1, index + 5));
    }
  }

  /** A mistake, with the line that tells where to find help. */
  readonly mistake = (text: string): MosquittoMistake =>
    new MosquittoMistake(
      `${text}${text === '' ? '' : '\n'}\nUse '${this.#name} --help' to see usage.\n`,
    );

  /** Returns how many arguments were taken. */
  #readOne(given: string, following: readonly string[]): number {
    if (given === '--help' || given === '--version') {
      this.#set(given === '--help' ? 'help' : 'version', 1);
      this.isAsked = true;
      return 1;
    }
    if (given === '-D' || given === '--property') return 1 + this.#readProperty(following);
    // The file was read before.
    if (given === '-o') return 2;
    const spelling = Object.hasOwn(aliases, given) ? aliases[given]! : given;
    const entry = Object.hasOwn(entries, spelling) ? entries[spelling] : undefined;
    if (entry === undefined || !entry[0].includes(this.letter)) {
      throw this.mistake(`Error: Unknown option '${given}'.`);
    }
    const [, name, missing] = entry;
    this.#refuseBeside(name);
    if (missing === undefined) {
      this.#set(name, 1);
      return 1;
    }
    const [value] = following;
    if (value === undefined) {
      throw this.mistake(`Error: ${spelling} argument given but ${missing} specified.\n`);
    }
    this.#setValue(name, value);
    return 2;
  }

  /** What cannot be together is told before a missing value is. */
  #refuseBeside(name: OptionName): void {
    const excluded = name === 'id' ? 'id-prefix' : name === 'id-prefix' ? 'id' : undefined;
    if (excluded !== undefined && this.values.has(excluded)) {
      throw this.mistake('Error: -i and -I argument cannot be used together.\n');
    }
    if (isSource(name) && sources.some((source) => this.values.has(source))) {
      throw this.mistake('Error: Only one type of message can be sent at once.\n');
    }
  }

  #readProperty(following: readonly string[]): number {
    const property = mosquittoProperty(following);
    if (property instanceof Error) throw this.mistake(property.message);
    this.#add('property', JSON.stringify(property satisfies MosquittoProperty));
    this.#set('protocol-version', '5.0');
    return property.length;
  }

  #setValue(name: OptionName, text: string): void {
    if (name === 'url') {
      this.#setUrl(text);
      return;
    }
    if (name === 'proxy') {
      const proxy = mosquittoProxy(text);
      if (proxy instanceof Error) throw this.mistake(proxy.message);
      this.#set('proxy', proxyUrl(proxy));
      return;
    }
    if (name === 'unix') {
      this.#set('host', text);
      this.#set('port', 0);
      return;
    }
    const check = checks[name];
    const value = check === undefined ? text : check(text, this.letter);
    if (value instanceof Error) throw this.mistake(value.message);
    if (name === 'session-expiry-interval') this.#set('protocol-version', '5.0');
    if (accumulating.has(name) && !(name === 'topic' && this.letter !== 'S')) {
      this.#add(name, value);
    } else this.#set(name, value);
  }

  /** A URL is a host, a port, a topic and perhaps a user: what is said later takes their places. */
  #setUrl(text: string): void {
    const url = mosquittoUrl(text);
    if (url instanceof Error) throw this.mistake(url.message);
    if (url.secure) this.#set('tls-use-os-certs', 1);
    if (url.web) this.#set('ws', 1);
    const topic = checks.topic!(url.topic, this.letter, '-L topic');
    if (topic instanceof Error) throw this.mistake(topic.message);
    if (this.letter === 'S') this.#add('topic', topic);
    else this.#set('topic', topic);
    if (url.username !== undefined) this.#set('username', url.username);
    if (url.password !== undefined) this.#set('pw', url.password);
    this.#set('host', url.host);
    this.#set('port', url.port ?? (url.secure ? 8883 : 1883));
  }

  #set(name: OptionName, value: OptionValue): void {
    this.values.set(name, [value]);
  }

  #add(name: OptionName, value: OptionValue): void {
    this.values.set(name, [...(this.values.get(name) ?? []), value]);
  }
}

function isSource(name: OptionName): name is (typeof sources)[number] {
  return (sources as readonly OptionName[]).includes(name);
}
