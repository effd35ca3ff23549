import type { MqttError } from 'mqtt-kit';
import type { ConnectionPlan } from './connection-options.ts';
import type { Report } from './diagnostics.ts';
import { fileProblem } from './input-files.ts';
import { isUsageError, type UsageError } from './usage-error.ts';

/** What was sent to the server to say who we are. */
export type SentCredentials = Pick<ConnectionPlan['options'], 'username' | 'password'>;

/**
 * What a person at a terminal is told about an error: its hints speak of our options, not of the library's, and of
 * what was sent, wherever it came from.
 */
export function reportOf(error: MqttError, sent: SentCredentials): Report {
  return { what: error.message, hint: hintOf(error, sent) };
}

/** A mistake in the command line, with the way to help when nothing better can be said. */
export function usageReport(error: Pick<UsageError, 'message' | 'hint'>, program: string): Report {
  return { what: error.message, hint: error.hint ?? `Try: ${program} --help` };
}

/** The time of `-W` is over. */
export function timeLimitReport(limitMs: number | undefined, why?: string): Report {
  return { what: `the time limit of ${(limitMs ?? 0) / 1000} s (-W) is over`, why };
}

const writeProblems: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is as large as a file may be',
  EBADF: 'it is not open for writing',
  EIO: 'input/output error',
};

/** Why standard output cannot be written. `lost`: what becomes of what was not. */
export function outputReport(
  error: NodeJS.ErrnoException,
  lost: string = 'What was not written is lost.',
): Report {
  return {
    what: `cannot write to standard output: ${writeProblems[error.code ?? ''] ?? error.message}`,
    why: lost,
    hint: 'Make room there, or write to another place.',
  };
}

/** What becomes of messages that could not be printed. */
export const lostMessages =
  'The messages that were not written are lost, unless they are in a session (-c) at QoS 1 or 2.';

/** What could not be published, and why the first of it was not. */
export function unpublishedReport(
  report: Report,
  { total, unpublished }: { readonly total: number; readonly unpublished: number },
): Report {
  if (total < 2) return report;
  return { ...report, why: `${unpublished} of ${total} messages were not published.` };
}

/** Why the file of `--record` cannot be written. */
export function recordReport(file: string, error: NodeJS.ErrnoException): Report {
  const { message } = fileProblem('--record', file, error, 'write');
  return {
    what: message,
    why: lostMessages,
    hint: 'Make room there, or record to another file.',
  };
}

/** Why standard input cannot be published. */
export function inputReport(error: unknown): Report {
  if (isUsageError(error)) return { what: error.message, hint: error.hint };
  return { what: error instanceof Error ? error.message : String(error) };
}

/** A mistake in the program itself. */
export function internalReport(error: unknown): Report {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    what: `internal error: ${what}`,
    hint: 'This is a mistake in the program: please report it.',
  };
}

function hintOf(error: MqttError, sent: SentCredentials): string | undefined {
  if (error.code === 'notAuthorized') {
    const missing = missingCredentials(sent);
    if (missing !== undefined) return missing;
  }
  if (error.code === 'connectTimeout' && error.hint === undefined) {
    return 'Check host and port, and firewalls on the way; --connect-timeout SECONDS waits longer.';
  }
  return error.hint === undefined ? undefined : inOurWords(error.hint);
}

/** What a server that refuses us was not told. */
function missingCredentials({ username, password }: SentCredentials): string | undefined {
  if (username === undefined) {
    return password === undefined
      ? 'No user name was given: add -u NAME, and its password by MQTT_PASSWORD or --password-file.'
      : 'The password was sent without a user name, and few servers accept that: add -u NAME.';
  }
  return password === undefined
    ? 'A user name was sent without a password: give it by MQTT_PASSWORD or --password-file.'
    : undefined;
}

/** The library's words for what our options are. */
const words: readonly (readonly [RegExp, string])[] = [
  [/tls\.cert and tls\.key/g, '--cert and --key'],
  [/tls\.cert/g, '--cert'],
  [/tls\.key/g, '--key'],
  [/tls\.ca\b/g, '--cafile'],
  [/, or give it by tls\.servername/g, ''],
  [/, or tls\.servername/g, ''],
  [/set version to '3\.1\.1'/g, 'add -V 311'],
  [/; redirects: 'follow' goes there/g, ''],
  [
    /fileStore\(directory, \{ repair: true \}\) keeps all that is sound\./g,
    'Another folder for --queue begins anew.',
  ],
  [/Give the file store a directory of its own/g, 'Give --queue a folder of its own'],
  [/([Cc])heck host and port\b/g, '$1heck -h HOST and -p PORT'],
  [/Choose another client identifier;/g, 'Choose another client identifier by -i ID;'],
  [/(try|Try|use|expects) ((?:mqtts?|wss?):\/\/)/g, '$1 -L $2HOST:PORT'],
];

function inOurWords(hint: string): string {
  return words.reduce((text, [theirs, ours]) => text.replace(theirs, ours), hint);
}
