/**
 * Command lines as mosquitto's programs read them, for when ours are called by their names: each argument is exactly
 * an option, the one after it its value, numbers are read as far as they go, and mistakes are told in their words.
 */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { MosquittoMistake } from './mosquitto-mistake.ts';
import { checkMosquittoProperty, impossibleValue } from './mosquitto-properties.ts';
import { aliases, entries } from './mosquitto-spellings.ts';
import { checks, integer } from './mosquitto-values.ts';
import type { OptionName, ProgramName } from './option-table.ts';
import {
  type MosquittoName,
  type OptionValue,
  type ParsedArguments,
  parsedArguments,
} from './parse-arguments.ts';
import { systemReason } from './system-reason.ts';

const letterOf: Readonly<Record<MosquittoName, 'P' | 'S' | 'R'>> = {
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

/** `optionsFile` are the lines of the options file. Throws `MosquittoMistake`. */
export function mosquittoArguments(
  name: MosquittoName,
  argv: readonly string[],
  optionsFile: readonly string[],
): ParsedArguments {
  const reader = new Reader(name);
  for (const line of optionsFile) {
    if (line === '' || line.startsWith('#')) continue;
    const blank = line.indexOf(' ');
    reader.read(blank < 0 ? [line] : [line.slice(0, blank), line.slice(blank + 1)]);
  }
  reader.read(argv);
  reader.check();
  return parsedArguments(programOf[name], [], reader.values, name);
}

class Reader {
  readonly values = new Map<OptionName, OptionValue[]>();
  readonly #name: MosquittoName;
  readonly #letter: 'P' | 'S' | 'R';
  #hasOptionsFile = false;

  constructor(name: MosquittoName) {
    this.#name = name;
    this.#letter = letterOf[name];
  }

  read(argv: readonly string[]): void {
    let index = 0;
    while (index < argv.length) {
      index += this.#readOne(argv[index]!, argv.slice(index + 1, index + 5));
    }
  }

  /** Returns how many arguments were taken. */
  #readOne(given: string, following: readonly string[]): number {
    if (given === '--help' || given === '--version') {
      this.#set(given === '--help' ? 'help' : 'version', 1);
      return 1;
    }
    if (given === '-D' || given === '--property') return 1 + this.#readProperty(following);
    if (given === '-o') return this.#skipOptionsFile(following);
    if (given === '-V' || given === '--protocol-version') return this.#readVersion(following);
    if (given === '-M') return this.#readInflight(following);
    const spelling = Object.hasOwn(aliases, given) ? aliases[given]! : given;
    const entry = Object.hasOwn(entries, spelling) ? entries[spelling] : undefined;
    if (entry === undefined || !entry[0].includes(this.#letter)) {
      throw this.#mistake(`Error: Unknown option '${given}'.`);
    }
    const [, name, noun] = entry;
    if (noun === undefined) {
      this.#set(name, 1);
      return 1;
    }
    const [value] = following;
    if (value === undefined) {
      throw this.#mistake(`Error: ${spelling} argument given but no ${noun} specified.\n`);
    }
    this.#setValue(name, value);
    return 2;
  }

  #readProperty(following: readonly string[]): number {
    const count = following[1]?.toLowerCase() === 'user-property' ? 4 : 3;
    if (following.length < count) {
      throw this.#mistake('Error: --property argument given but not enough arguments specified.\n');
    }
    const property = following.slice(0, count);
    const problem = checkMosquittoProperty(property);
    if (problem !== undefined) throw this.#mistake(problem);
    this.#add('property', JSON.stringify(property));
    return count;
  }

  /** It was read before. */
  #skipOptionsFile([file]: readonly string[]): number {
    if (file !== undefined && this.#hasOptionsFile) {
      throw this.#mistake('Error: Duplicate -o argument given.\n');
    }
    this.#hasOptionsFile = true;
    if (file === undefined) {
      throw this.#mistake('Error: -o argument given but no options file specified.\n');
    }
    return 2;
  }

  #readVersion([version]: readonly string[]): number {
    if (version === undefined) {
      throw this.#mistake('Error: --protocol-version argument given but no version specified.\n');
    }
    const versions: Readonly<Record<string, string>> = {
      '5': '5.0',
      mqttv5: '5.0',
      '311': '3.1.1',
      mqttv311: '3.1.1',
      '31': '3.1',
      mqttv31: '3.1',
    };
    if (!Object.hasOwn(versions, version)) {
      throw this.#mistake('Error: Invalid protocol version argument given.\n');
    }
    this.#set('protocol-version', versions[version]!);
    return 2;
  }

  #readInflight([text]: readonly string[]): number {
    if (text === undefined) {
      throw this.#mistake('Error: -M argument given but max_inflight not specified.\n');
    }
    const count = integer(text);
    if (count < 1) {
      throw this.#mistake('Error: Maximum inflight messages must be greater than 0.\n');
    }
    this.#set('max-inflight', Math.min(count, 65_535));
    return 2;
  }

  #setValue(name: OptionName, text: string): void {
    const check = checks[name];
    const value = check === undefined ? text : check(text, this.#letter);
    if (value instanceof Error) throw this.#mistake(value.message);
    if (accumulating.has(name) && !(name === 'topic' && this.#letter !== 'S')) {
      this.#add(name, value);
    } else this.#set(name, value);
  }

  #set(name: OptionName, value: OptionValue): void {
    if ((name === 'id' && this.values.has('id-prefix')) || this.#isPrefixAfterId(name)) {
      throw this.#mistake('Error: -i and -I argument cannot be used together.\n');
    }
    if (isSource(name) && sources.some((source) => this.values.has(source))) {
      throw this.#mistake('Error: Only one type of message can be sent at once.\n');
    }
    this.values.set(name, [value]);
  }

  #isPrefixAfterId(name: OptionName): boolean {
    return name === 'id-prefix' && this.values.has('id');
  }

  #add(name: OptionName, value: OptionValue): void {
    this.values.set(name, [...(this.values.get(name) ?? []), value]);
  }

  #mistake(text: string): MosquittoMistake {
    return new MosquittoMistake(`${text}\n\nUse '${this.#name} --help' to see usage.\n`);
  }

  /** What the options have to be together. */
  check(): void {
    const has = (name: OptionName): boolean => this.values.has(name);
    if (has('help') || has('version')) return;
    if (has('skip-retained') && has('retained-only')) {
      throw new MosquittoMistake("\nError: Combining '-R' and '--retained-only' makes no sense.\n");
    }
    for (const [name, what] of [
      ['will-payload', 'payload'],
      ['will-retain', 'retain'],
    ] as const) {
      if (has(name) && !has('will-topic')) {
        throw this.#mistake(`Error: Will ${what} given, but no will topic given.`);
      }
    }
    this.#checkClientId(has);
    if (has('cert') !== has('key')) {
      throw this.#mistake(
        'Error: Both certfile and keyfile must be provided if one of them is set.',
      );
    }
    if (has('keyform') && !has('key')) {
      throw this.#mistake('Error: If keyform is set, keyfile must be also specified.');
    }
    if (has('tls-engine-kpass-sha1') && !(has('keyform') && has('tls-engine'))) {
      throw this.#mistake(
        'Error: when using tls-engine-kpass-sha1, both tls-engine and keyform must also be provided.',
      );
    }
    if (has('psk') && (has('cafile') || has('capath'))) {
      throw this.#mistake('Error: Only one of --psk or --cafile/--capath may be used at once.');
    }
    if (has('psk') && !has('psk-identity')) {
      throw this.#mistake('Error: --psk-identity required if --psk used.');
    }
    if (this.#letter === 'S') this.#checkTopics(has);
    this.#checkProperties();
    this.#checkTopics(has);
    this.#checkInput(has);
  }

  #checkClientId(has: (name: OptionName) => boolean): void {
    const version50 =
      this.values.get('protocol-version')?.[0] === '5.0' ||
      has('property') ||
      has('session-expiry-interval') ||
      (this.#letter === 'R' && !has('protocol-version'));
    if (has('id')) return;
    if (!version50) {
      if (!has('disable-clean-session')) return;
      throw this.#mistake('Error: You must provide a client id if you are using the -c option.');
    }
    const expiry = this.values.get('session-expiry-interval')?.[0];
    const endless =
      expiry === undefined ? has('disable-clean-session') : expiry === Number.POSITIVE_INFINITY;
    if (endless) {
      throw this.#mistake(
        'Error: You must provide a client id if you are using an infinite session expiry interval.',
      );
    }
  }

  /** A property that is twice in a packet is told before anything is sent. */
  #checkProperties(): void {
    const seen = new Set<string>();
    for (const joined of this.values.get('property') ?? []) {
      const [packet = '', name = '', value = ''] = JSON.parse(String(joined)) as string[];
      const problem = impossibleValue(packet.toLowerCase(), name.toLowerCase(), value);
      if (problem !== undefined) throw this.#mistake(problem);
      const key = `${packet} ${name}`.toLowerCase();
      if (!key.endsWith(' user-property') && seen.has(key)) {
        const where = packet.toUpperCase();
        throw this.#mistake(`Error in ${where} properties: Duplicate property in property list`);
      }
      seen.add(key);
    }
  }

  /** What cannot be used is told without a way to help. */
  #checkInput(has: (name: OptionName) => boolean): void {
    const file = this.values.get('file')?.[0]?.toString();
    const problem = file === undefined ? undefined : fileProblem(file);
    if (problem !== undefined) {
      throw new MosquittoMistake(`${problem}\nError loading input file "${file}".\n`);
    }
    const version = this.values.get('protocol-version')?.[0] ?? '3.1.1';
    const version50 = version === '5.0' || has('property') || has('session-expiry-interval');
    if (has('pw') && !has('username') && !has('url') && !version50 && this.#letter !== 'R') {
      throw new MosquittoMistake('Error: Problem setting username and/or password.\n');
    }
    const authorities = this.values.get('cafile')?.[0]?.toString();
    if (authorities !== undefined && !existsSync(authorities)) {
      throw new MosquittoMistake('Error: Problem setting TLS options: File not found.\n');
    }
    const psk = this.values.get('psk')?.[0]?.toString();
    if (psk !== undefined && !/^(?:[0-9a-f]{2})+$/i.test(psk)) {
      throw new MosquittoMistake('Error: Problem setting TLS-PSK options.\n');
    }
    const tlsVersion = this.values.get('tls-version')?.[0];
    if (tlsVersion !== undefined && tlsVersion !== 'TLSv1.2' && tlsVersion !== 'TLSv1.3') {
      throw new MosquittoMistake(
        'Error: Problem setting TLS options, check the options are valid.\n',
      );
    }
    const properties = (this.values.get('property') ?? []).map(String);
    if (
      this.#letter === 'R' &&
      properties.some((one) => /^\["publish","response-topic"/i.test(one))
    ) {
      throw new MosquittoMistake('Error in PUBLISH properties: Duplicate response topic.\n');
    }
  }

  #checkTopics(has: (name: OptionName) => boolean): void {
    const url = this.values.get('url')?.[0]?.toString();
    const topics = (this.values.get('topic') ?? []).map(String);
    const urlTopic = url === undefined ? undefined : /^\w+:\/\/[^/]*\/(.*)$/s.exec(url)?.[1];
    const anyTopic = topics.length > 0 || urlTopic !== undefined;
    const anySource = sources.some((source) => has(source));
    if (this.#letter === 'P' && !(anyTopic && anySource)) {
      throw new MosquittoMistake('Error: Both topic and message must be supplied.\n', true);
    }
    if (this.#letter === 'R' && !(anyTopic && anySource && has('response-topic'))) {
      throw this.#mistake('Error: All of topic, message, and response topic must be supplied.');
    }
    if (this.#letter === 'S' && !anyTopic && !has('unsubscribe')) {
      throw this.#mistake(
        'Error: You must specify a topic to subscribe to (-t) or unsubscribe from (-U).',
      );
    }
  }
}

function fileProblem(file: string): string | undefined {
  let size: number;
  try {
    closeSync(openSync(file, 'r'));
    const status = statSync(file);
    size = status.isDirectory() ? Number.POSITIVE_INFINITY : status.size;
  } catch (error) {
    return `Error: Unable to read file "${file}": ${systemReason((error as NodeJS.ErrnoException).code)}.`;
  }
  return size > 268_435_455 ? 'Error: File must be less than 268435455 bytes.\n' : undefined;
}

function isSource(name: OptionName): name is (typeof sources)[number] {
  return (sources as readonly OptionName[]).includes(name);
}
