import { topicNameProblem } from '@mqtt-kit/packet';
import type { ConnectOptions, TlsOptions, WillOptions } from 'mqtt-kit';
import { commandLineCredentials } from './credentials.ts';
import type { Note } from './diagnostics.ts';
import { readPemFile } from './input-files.ts';
import type { ProgramName } from './option-table.ts';
import type { ParsedArguments } from './parse-arguments.ts';
import { argumentBytes } from './raw-arguments.ts';
import { parseServerUrl, type ServerUrl } from './server-url.ts';
import { quoted, UsageError } from './usage-error.ts';

/** How often to try. */
export interface RetryPlan {
  /** Attempts to restore a lost connection. */
  readonly limit: number;
  /** How long the attempts go on at least, and be they more than the limit. */
  readonly minimumMs: number;
  /** Whether the limit holds for the first connection, too, which otherwise has one attempt. */
  readonly initial: boolean;
}

/** What the command line says about the connection. */
export interface ConnectionPlan {
  /** Without credentials. */
  readonly url: string;
  /** The topic in the URL of `-L`. */
  readonly urlTopic: string | undefined;
  readonly options: ConnectOptions;
  readonly retry: RetryPlan;
  readonly notes: readonly Note[];
}

/** Attempts of `mqtt-pub` to restore a lost connection, unless `--retry-limit` says otherwise. */
const publishRetryLimit = 5;

/** Chance may make all its delays short, but a server that restarts within this time finds it waiting. */
const publishRetryMinimumMs = 10_000;

/** The delays of `mqtt-pub` grow fast, from 0.1 s to 25.6 s at most, so that few attempts outlast a restart. */
const publishBackOffFactor = 4;

/** Throws `UsageError`. `-h`, `-p` and `-u` take the place of what the URL of `-L` says. */
export function connectionPlan(
  args: ParsedArguments,
  env: Readonly<Record<string, string | undefined>>,
): ConnectionPlan {
  const urlText = args.text('url');
  const url = urlText === undefined ? undefined : parseServerUrl(urlText);
  const version = protocolVersion(args);
  const { username, password, notes } = commandLineCredentials(args, url, env);
  if (password !== undefined && username === undefined && version === '3.1.1') {
    throw new UsageError('MQTT 3.1.1 has no password without a user name', 'Add -u NAME');
  }
  const scheme = connectionScheme(args, url);
  const tls = tlsOptions(args, scheme);
  const will = willOptions(args);
  const retry = retryPlan(args);
  const keepAliveSeconds = args.number('keepalive');
  const connectTimeoutMs = args.number('connect-timeout');
  return {
    url: connectionUrl(args, url, scheme),
    urlTopic: url?.topic,
    retry,
    options: {
      version,
      ...sessionOptions(args),
      ...(keepAliveSeconds === undefined ? {} : { keepAliveSeconds }),
      ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
      ...(username === undefined ? {} : { username: wellFormed('-u', username) }),
      ...(password === undefined ? {} : { password }),
      ...(will === undefined ? {} : { will }),
      ...(tls === undefined ? {} : { tls }),
      reconnect: reconnectOptions(retry, args.program),
      ...(args.flag('debug') ? { trace: true } : {}),
    },
    notes: args.flag('insecure') ? [...notes, insecureNote] : notes,
  };
}

/** The text as MQTT can carry it. Throws `UsageError` that names the option. */
export function wellFormed(option: string, text: string): string {
  if (text.includes('\0') || /\p{Surrogate}/u.test(text)) {
    throw new UsageError(`${option} must be UTF-8 text without U+0000`);
  }
  return text;
}

function protocolVersion(args: ParsedArguments): 'auto' | '5.0' | '3.1.1' {
  const version = args.text('protocol-version') ?? 'auto';
  if (version === 'auto' || version === '5.0' || version === '3.1.1') return version;
  throw new UsageError(
    'MQTT 3.1 is not supported (-V 31)',
    'Servers that speak 3.1 speak 3.1.1 as well: -V 311',
  );
}

/** TLS is on with a scheme that says so, with a certificate option, and on port 8883, as with mosquitto. */
function connectionScheme(args: ParsedArguments, url: ServerUrl | undefined): string {
  const tlsOption = (['cafile', 'cert', 'key', 'insecure'] as const).find((name) =>
    args.given(name),
  );
  if (url !== undefined) {
    const secure = url.scheme === 'mqtts' || url.scheme === 'wss';
    if (tlsOption === undefined || secure) return url.scheme;
    throw new UsageError(
      `--${tlsOption} is about TLS, but ${url.scheme}:// is a plain connection`,
      url.scheme === 'mqtt+unix' ? undefined : `Write ${url.scheme}s:// in -L`,
    );
  }
  if (args.number('port') === 8883) return 'mqtts';
  if (tlsOption === 'insecure') {
    // Taken for a plain connection it would send what was meant to be encrypted.
    throw new UsageError(
      '--insecure needs TLS',
      'Add -p 8883, --cafile FILE, or -L mqtts://HOST:PORT',
    );
  }
  return tlsOption === undefined ? 'mqtt' : 'mqtts';
}

function connectionUrl(args: ParsedArguments, url: ServerUrl | undefined, scheme: string): string {
  if (scheme === 'mqtt+unix') return `mqtt+unix://${url?.host ?? ''}${url?.path ?? ''}`;
  const given = args.text('host');
  const host = given === undefined ? (url?.host ?? 'localhost') : hostOfOption(given);
  const port = args.number('port') ?? url?.port;
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}${url?.path ?? ''}`;
}

function hostOfOption(text: string): string {
  if (text === '') throw new UsageError('-h expects a host, not an empty value');
  if (text.includes('://')) {
    throw new UsageError('-h expects a host, not a URL', 'A URL is given by -L');
  }
  if (text.includes('@')) throw new UsageError('-h expects a host alone', 'A user name: -u NAME');
  if (/[/?#\s]/.test(text)) throw new UsageError(`-h expects a host, not ${quoted(text)}`);
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const colons = bare.split(':').length - 1;
  if (colons === 1) {
    const [host, port] = bare.split(':');
    throw new UsageError(`-h expects a host, not ${quoted(text)}`, `Write -h ${host} -p ${port}`);
  }
  return colons === 0 ? bare : `[${bare}]`;
}

/** A session that the server kept is taken over with its backlog: the other ways would throw the backlog away. */
function sessionOptions(args: ParsedArguments): ConnectOptions {
  const clientId = args.text('id');
  const given = clientId === undefined ? {} : { clientId: wellFormed('-i', clientId) };
  if (!args.flag('disable-clean-session')) return given;
  if (clientId === undefined || clientId === '') {
    throw new UsageError('-c needs a client identifier, to find the session again', 'Add -i ID');
  }
  return { ...given, cleanStart: false, foreignSession: foreignSession(args) };
}

/**
 * The messages of another life hold packet identifiers that nobody here knows of; a QoS 2 message under one of them
 * would be taken for its repetition. So a publisher at QoS 2 begins anew.
 */
function foreignSession(args: ParsedArguments): 'adopt' | 'reset' {
  return args.program === 'mqtt-pub' && args.text('qos') === '2' ? 'reset' : 'adopt';
}

function retryPlan(args: ParsedArguments): RetryPlan {
  const given = args.number('retry-limit');
  if (given !== undefined) return { limit: given, minimumMs: 0, initial: true };
  if (args.program === 'mqtt-sub') {
    return { limit: Number.POSITIVE_INFINITY, minimumMs: 0, initial: false };
  }
  return { limit: publishRetryLimit, minimumMs: publishRetryMinimumMs, initial: false };
}

function reconnectOptions(
  { limit, minimumMs }: RetryPlan,
  program: ProgramName,
): NonNullable<ConnectOptions['reconnect']> {
  if (limit === 0) return false;
  return {
    // The client counts the attempt that failed first, or the connection that was no good, among them. It knows of
    // no time that they last at least.
    maxAttempts: minimumMs > 0 ? Number.POSITIVE_INFINITY : limit + 1,
    ...(program === 'mqtt-pub' ? { factor: publishBackOffFactor } : {}),
  };
}

const insecureNote: Note = {
  text: "--insecure: the server's certificate is not checked, anybody on the way can read and change everything",
};

function tlsOptions(args: ParsedArguments, scheme: string): TlsOptions | undefined {
  if (scheme !== 'mqtts' && scheme !== 'wss') return undefined;
  const { cafile, cert, key } = {
    cafile: args.text('cafile'),
    cert: args.text('cert'),
    key: args.text('key'),
  };
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError(
      '--cert and --key go together: the client certificate and its private key',
    );
  }
  const certificate = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;
  return {
    ...(cafile === undefined ? {} : { ca: readPemFile('--cafile', cafile, certificate) }),
    ...(cert === undefined ? {} : { cert: readPemFile('--cert', cert, certificate) }),
    ...(key === undefined
      ? {}
      : { key: readPemFile('--key', key, /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/) }),
    ...(args.flag('insecure') ? { rejectUnauthorized: false } : {}),
  };
}

function willOptions(args: ParsedArguments): WillOptions | undefined {
  const topic = args.text('will-topic');
  if (topic === undefined) {
    const alone = (['will-payload', 'will-qos', 'will-retain'] as const).find((n) => args.given(n));
    if (alone === undefined) return undefined;
    throw new UsageError(`--${alone} needs --will-topic`);
  }
  const problem = topicNameProblem(topic);
  if (problem !== undefined) throw new UsageError(`--will-topic ${quoted(topic)} ${problem}`);
  const payload = argumentBytes(args.text('will-payload') ?? '');
  if (payload.length > 65_535) {
    throw new UsageError(`--will-payload has ${payload.length} bytes; a will has at most 65535`);
  }
  return {
    topic: wellFormed('--will-topic', topic),
    payload,
    qos: Number(args.text('will-qos') ?? 0) as 0 | 1 | 2,
    retain: args.flag('will-retain'),
  };
}
