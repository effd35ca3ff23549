/** The values of mosquitto's options: what they may be, and what is said of those that cannot. */
import { topicFilterProblem, topicNameProblem } from '@mqtt-kit/packet';
import { FormatMistake, mosquittoFormat } from './mosquitto-format.ts';
import type { OptionName } from './option-table.ts';
import type { OptionValue } from './parse-arguments.ts';

/** As far as it is a number, like C's atoi. */
export function integer(text: string): number {
  const digits = /^\s*[-+]?[0-9]+/.exec(text)?.[0];
  return digits === undefined ? 0 : Number(digits);
}

function decimal(text: string): number {
  const digits = /^\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?/i.exec(text)?.[0];
  return digits === undefined ? 0 : Number(digits);
}

/** What a text stands for, for the program of a letter. */
export type Check = (text: string, letter: 'P' | 'S' | 'R') => OptionValue | Error;

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
    const percent = decimal(text);
    return percent < 0.1 || percent > 100
      ? new Error('Error: --random-filter chance must be between 0.1-100.0\n')
      : percent / 100;
  },
  'session-expiry-interval': (text) => {
    if (text === '∞') return Number.POSITIVE_INFINITY;
    if (!/^\s*[-+]?(?:[0-9]+|0x[0-9a-f]+)$/i.test(text)) {
      return new Error('Error: session-expiry-interval not a number.\n');
    }
    const seconds = Number(text);
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
  'tls-version': (text) => {
    const versions: Readonly<Record<string, string>> = {
      'tlsv1.3': 'TLSv1.3',
      'tlsv1.2': 'TLSv1.2',
    };
    return versions[text] ?? text;
  },
  topic: (text, letter) => {
    if (letter === 'S') {
      return topicFilterProblem(text) === undefined
        ? text
        : new Error(
            `Error: Invalid subscription topic '${text}', are all '+' and '#' wildcards correct?`,
          );
    }
    return topicNameProblem(text) === undefined
      ? text
      : new Error(`Error: Invalid publish topic '${text}', does it contain '+' or '#'?`);
  },
  'filter-out': (text) =>
    topicFilterProblem(text) === undefined
      ? text
      : new Error(`Error: Invalid filter topic '${text}', are all '+' and '#' wildcards correct?`),
  unsubscribe: (text) =>
    topicFilterProblem(text) === undefined
      ? text
      : new Error(
          `Error: Invalid unsubscribe topic '${text}', are all '+' and '#' wildcards correct?`,
        ),
  'response-topic': (text) =>
    topicNameProblem(text) === undefined
      ? text
      : new Error(`Error: Invalid response topic '${text}', does it contain '+' or '#'?`),
  'will-topic': (text) =>
    topicNameProblem(text) === undefined
      ? text
      : new Error(`Error: Invalid will topic '${text}', does it contain '+' or '#'?`),
  url: (text) => {
    const rest = /^(?:mqtts?|wss?):\/\/(.*)$/s.exec(text)?.[1];
    if (rest === undefined) return new Error('Error: Unsupported URL scheme.\n');
    return rest.includes('/')
      ? text
      : new Error('Error: Invalid URL for -L argument specified - topic missing.');
  },
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
  proxy: (text) =>
    text.startsWith('socks5h://') ? text : new Error(`Error: Unsupported proxy protocol: ${text}`),
};
