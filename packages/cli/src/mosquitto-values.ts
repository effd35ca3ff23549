/** The values of mosquitto's options: what they may be, and what is said of those that cannot. */
import { topicFilterProblem, topicNameProblem } from '@mqtt-kit/packet';
import { FormatMistake, mosquittoFormat } from './mosquitto-format.ts';
import type { Letter } from './mosquitto-name.ts';
import { isUtf8 } from './mosquitto-text.ts';
import type { OptionName } from './option-table.ts';
import type { OptionValue } from './option-values.ts';

/** As far as it is a number, like C's atoi on a machine of 64 bits: of a larger one the low 32 bits count. */
export function integer(text: string): number {
  return Number(BigInt.asIntN(32, long(text)));
}

/** Like C's atol: what is too large becomes the largest there is. */
export function long(text: string): bigint {
  const digits = /^\s*([-+]?)([0-9]+)/.exec(text);
  if (digits === null) return 0n;
  const size = BigInt(digits[2]!);
  return digits[1] === '-' ? -least(size, 2n ** 63n) : least(size, 2n ** 63n - 1n);
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}

function decimal(text: string): number {
  const digits = /^\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?/i.exec(text)?.[0];
  return digits === undefined ? 0 : Number(digits);
}

/** What a text stands for, for the program of a letter; `argument` is what a mistake is told of. */
export type Check = (text: string, letter: Letter, argument?: string) => OptionValue | Error;

/** By option: the value, or the error that is told. */
export const checks: { readonly [K in OptionName]?: Check } = {
  port: (text) => {
    const port = integer(text);
    return port < 0 || port > 65_535 ? new Error(`Error: Invalid port given: ${port}`) : port;
  },
  qos: (text) => {
    const qos = integer(text);
    return qos < 0 || qos > 2 ? new Error(`Error: Invalid QoS given: ${qos}`) : `${qos}`;
  },
  'will-qos': (text) => {
    const qos = integer(text);
    return qos < 0 || qos > 2 ? new Error(`Error: Invalid will QoS ${qos}.\n`) : `${qos}`;
  },
  keepalive: (text) => {
    const seconds = integer(text);
    return seconds < 5 || seconds > 65_535
      ? new Error('Error: Invalid keepalive given, it must be between 5 and 65535 inclusive.\n')
      : seconds;
  },
  count: (text) => {
    const count = integer(text);
    return count < 1 ? new Error(`Error: Invalid message count "${count}".\n`) : count;
  },
  timeout: (text) => {
    const seconds = integer(text);
    return seconds < 1 ? new Error(`Error: Invalid timeout "${seconds}".\n`) : seconds * 1000;
  },
  repeat: (text) => {
    const count = integer(text);
    return count < 1 ? new Error('Error: --repeat argument must be >0.\n') : count;
  },
  'repeat-delay': (text) => {
    const seconds = decimal(text);
    return seconds < 0
      ? new Error('Error: --repeat-delay argument must be >=0.0.\n')
      : Math.round(seconds * 1000);
  },
  'random-filter': (text) => {
    // Of ten thousand, as their program counts: 100 is a tenth of the messages, whatever they say of it.
    const chances = Math.trunc(10 * decimal(text));
    return chances < 1 || chances > 10_000
      ? new Error('Error: --random-filter chance must be between 0.1-100.0\n')
      : chances / 10_000;
  },
  'session-expiry-interval': (text) => {
    if (text === '∞') return Number.POSITIVE_INFINITY;
    if (!/^\s*[-+]?(?:0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.test(text)) {
      return new Error('Error: session-expiry-interval not a number.\n');
    }
    const seconds = numberOfAnyBase(text);
    if (seconds === -1 || seconds === 0xffff_ffff) return Number.POSITIVE_INFINITY;
    return seconds < 0 || seconds > 0xffff_ffff
      ? new Error('Error: session-expiry-interval out of range.\n')
      : seconds;
  },
  'retain-handling': (text) => {
    const handlings: Readonly<Record<string, string>> = {
      always: 'always',
      new: 'ifNew',
      never: 'never',
    };
    return Object.hasOwn(handlings, text)
      ? handlings[text]!
      : new Error(`Error: Unknown value '${text}' for --retain-handling.\n`);
  },
  'protocol-version': (text) =>
    Object.hasOwn(versions, text)
      ? versions[text]!
      : new Error('Error: Invalid protocol version argument given.\n'),
  'max-inflight': (text) => {
    const count = integer(text);
    return count < 1
      ? new Error('Error: Maximum inflight messages must be greater than 0.\n')
      : Math.min(count, 65_535);
  },
  // Of an odd number of digits the first stands alone.
  psk: (text) => (/^(?:[0-9a-f]{2})*[0-9a-f]$/i.test(text) ? `0${text}` : text),
  topic: (text, letter, argument = '-t') =>
    letter === 'S'
      ? filter(text, argument, 'subscription')
      : name(text, argument, (topic) => `Invalid publish topic '${topic}'`),
  'filter-out': (text) => filter(text, '-T', 'filter'),
  unsubscribe: (text) => filter(text, '-U', 'unsubscribe'),
  'response-topic': (text) => name(text, '-e', (topic) => `Invalid response topic '${topic}'`),
  'will-topic': (text) => name(text, '--will-topic', (topic) => `Invalid will topic '${topic}'`),
  'percent-format': (text) => {
    try {
      mosquittoFormat(text, {
        pretty: false,
        identifiersShown: false,
        onProblem: () => {},
      });
      return text;
    } catch (error) {
      if (error instanceof FormatMistake) return new Error(error.theirs);
      throw error;
    }
  },
};

const versions: Readonly<Record<string, string>> = {
  '5': '5.0',
  mqttv5: '5.0',
  '311': '3.1.1',
  mqttv311: '3.1.1',
  '31': '3.1',
  mqttv31: '3.1',
};

/** Like C's strtol with base 0: hexadecimal after 0x, octal after 0. */
function numberOfAnyBase(text: string): number {
  const [, sign, digits = ''] = /^\s*([-+]?)(.*)$/s.exec(text) ?? [];
  const size = Number(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits);
  return sign === '-' ? -size : size;
}

/** Topics of more levels they do not take. */
const mostSlashes = 200;

function name(text: string, argument: string, what: (topic: string) => string): string | Error {
  if (!isUtf8(text)) return malformed(argument);
  if (topicNameProblem(text) === undefined && slashes(text) <= mostSlashes) return text;
  return new Error(`Error: ${what(text)}, does it contain '+' or '#'?`);
}

function filter(text: string, argument: string, kind: string): string | Error {
  if (!isUtf8(text)) return malformed(argument);
  if (topicFilterProblem(text) === undefined && slashes(text) <= mostSlashes) return text;
  return new Error(
    `Error: Invalid ${kind} topic '${text}', are all '+' and '#' wildcards correct?`,
  );
}

function malformed(argument: string): Error {
  return new Error(`Error: Malformed UTF-8 in ${argument} argument.\n`);
}

function slashes(text: string): number {
  return text.split('/').length - 1;
}
