import type { ConnectOptions } from 'mqtt-kit';
import type { BegunConnection } from './begun-connection.ts';
import { commandLineCredentials } from './credentials.ts';
import type { Note } from './diagnostics.ts';
import type { MosquittoWire } from './mosquitto-wire.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { type PropertyOptions, propertyOptions } from './property-options.ts';
import { serverAddress } from './server-address.ts';
import { parseServerUrl } from './server-url.ts';
import { type SocketSettings, socketSettings } from './socket-settings.ts';
import { insecureNote, tlsSettings } from './tls-settings.ts';
import { UsageError } from './usage-error.ts';
import { wellFormed } from './well-formed.ts';
import { willOptions } from './will-settings.ts';

/** How often to try. */
export interface RetryPlan {
  /** Attempts to restore a lost connection. */
  readonly limit: number;
  /** How long the attempts go on at least, and be they more than the limit. */
  readonly minimumMs: number;
  /** Whether the limit holds for the first connection, too, which otherwise has one attempt. */
  readonly initial: boolean;
  /** Whether it holds for a first connection that the server closed before it accepted it. */
  readonly afterLoss?: boolean;
}

/** What the command line says about the connection. */
export interface ConnectionPlan {
  /** Without credentials. */
  readonly url: string;
  /** The topic in the URL of `-L`. */
  readonly urlTopic: string | undefined;
  readonly options: ConnectOptions;
  /** `undefined`: the client's own sockets do. */
  readonly socket: SocketSettings | undefined;
  /** Whether packets are sent with the numbers that `-D` names. */
  readonly exact: boolean;
  /** Whether a person may be asked for the password that goes with the user name. */
  readonly asksPassword: boolean;
  /** In place of mosquitto's programs: what makes its packets be like theirs. */
  readonly wire: MosquittoWire | undefined;
  /** Connect to nobody. */
  readonly dryRun: boolean;
  /** A connection that the client is to go on with. */
  readonly begun?: BegunConnection | undefined;
  /** What `-D` says. */
  readonly properties: PropertyOptions;
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
  const urlText = args.text('doctor') ?? args.text('url');
  const url = urlText === undefined ? undefined : parseServerUrl(urlText);
  const properties = propertyOptions(args);
  const version = protocolVersion(args, properties);
  const { username, password, asks, notes } = commandLineCredentials(args, url, env);
  if (password !== undefined && username === undefined && version === '3.1.1') {
    throw new UsageError('MQTT 3.1.1 has no password without a user name', 'Add -u NAME');
  }
  const address = serverAddress(args, url);
  const tls = tlsSettings(args, address.scheme);
  const will = willOptions(args, properties.will);
  const retry = args.mosquitto === undefined ? retryPlan(args) : mosquittoRetryPlan(args);
  const keepAliveSeconds = args.number('keepalive');
  const connectTimeoutMs = args.number('connect-timeout');
  const maxInflight = args.number('max-inflight');
  return {
    url: address.url,
    urlTopic: url?.topic,
    socket: socketSettings(args, address.scheme),
    exact: properties.topicAlias !== undefined || properties.subscriptionIdentifier !== undefined,
    wire: args.wire,
    asksPassword: asks,
    dryRun: args.flag('dry-run'),
    properties,
    retry,
    options: {
      version,
      ...(args.mosquitto === undefined ? {} : mosquittoDefaults(args)),
      ...properties.connect,
      ...sessionOptions(args, properties),
      ...(keepAliveSeconds === undefined ? {} : { keepAliveSeconds }),
      ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
      ...(username === undefined ? {} : { username: wellFormed('-u', username) }),
      ...(password === undefined ? {} : { password }),
      ...(will === undefined ? {} : { will }),
      ...(tls === undefined ? {} : { tls }),
      reconnect: reconnectOptions(retry, args),
      ...(args.flag('debug') ? { trace: true } : {}),
      ...(maxInflight === undefined ? {} : { queue: { inFlight: maxInflight } }),
    },
    notes: args.flag('insecure') ? [...notes, insecureNote] : notes,
  };
}

/** A plan with the password that a person at a terminal was asked for, when none is there otherwise. */
export async function withAskedPassword<P extends { readonly connection: ConnectionPlan }>(
  plan: P,
): Promise<P> {
  const { connection } = plan;
  const { username } = connection.options;
  if (!connection.asksPassword || username === undefined) return plan;
  const { askedPassword } = await import('./password-prompt.ts');
  const password = await askedPassword(username);
  if (password === undefined) return plan;
  return { ...plan, connection: { ...connection, options: { ...connection.options, password } } };
}

/** What mosquitto's programs say in CONNECT. */
function mosquittoDefaults(args: ParsedArguments): ConnectOptions {
  const count = args.mosquitto === 'mosquitto_rr' ? 1 : (args.number('count') ?? 20);
  const version50 = args.text('protocol-version') === '5.0';
  const neverEnds = args.flag('disable-clean-session') && version50;
  return {
    clientId: '',
    // What -U names is unsubscribed, whether or not there is a session that could know of it.
    foreignSession: 'adopt',
    receiveMaximum: Math.min(count, 20),
    // They take no aliases that were not asked for, and wait for a server as long as they do for a sign of life.
    ...(version50 ? { topicAliasMaximum: 0 } : {}),
    connectTimeoutMs: (args.number('keepalive') ?? 60) * 1000,
    ...(neverEnds ? { sessionExpirySeconds: Number.POSITIVE_INFINITY } : {}),
  };
}

/** mosquitto_sub comes back for ever, once it was there; the others never. */
function mosquittoRetryPlan(args: ParsedArguments): RetryPlan {
  const limit = args.mosquitto === 'mosquitto_sub' ? Number.POSITIVE_INFINITY : 0;
  return { limit, minimumMs: 0, initial: false, afterLoss: limit > 0 };
}

/** What only 5.0 can say needs 5.0: a server of 3.1.1 would never hear it. */
function protocolVersion(
  args: ParsedArguments,
  properties: PropertyOptions,
): 'auto' | '5.0' | '3.1.1' {
  const version = args.text('protocol-version');
  const only50 = properties.any || args.given('session-expiry-interval');
  if (version === '3.1.1' && only50 && args.mosquitto === undefined) {
    throw new UsageError(`${properties.any ? '-D' : '-x'} needs MQTT 5.0, but -V asks for 3.1.1`);
  }
  if (version === undefined || version === 'auto') return only50 ? '5.0' : 'auto';
  if (version === '3.1.1') return version;
  if (version === '5.0') return version;
  throw new UsageError(
    'MQTT 3.1 is not supported (-V 31)',
    'Servers that speak 3.1 speak 3.1.1 as well: -V 311',
  );
}

/** A session that the server kept is taken over with its backlog: the other ways would throw the backlog away. */
function sessionOptions(args: ParsedArguments, { connect }: PropertyOptions): ConnectOptions {
  const clientId = clientIdentifier(args);
  const given = clientId === undefined ? {} : { clientId: wellFormed('-i', clientId) };
  const sessionExpirySeconds = args.number('session-expiry-interval');
  const expiry = sessionExpirySeconds === undefined ? {} : { sessionExpirySeconds };
  if (!args.flag('disable-clean-session')) {
    if ((sessionExpirySeconds ?? connect.sessionExpirySeconds ?? 0) > 0 && !clientId) {
      if (args.mosquitto === undefined) {
        throw new UsageError(
          '-x needs a client identifier, to find the session again',
          'Add -i ID',
        );
      }
    }
    return { ...given, ...expiry };
  }
  if (clientId === undefined || clientId === '') {
    throw new UsageError('-c needs a client identifier, to find the session again', 'Add -i ID');
  }
  return { ...given, ...expiry, cleanStart: false, foreignSession: foreignSession(args) };
}

function clientIdentifier(args: ParsedArguments): string | undefined {
  const prefix = args.text('id-prefix');
  const id = args.text('id');
  if (prefix === undefined) return id;
  if (id !== undefined) throw new UsageError('-i and -I exclude each other');
  return `${prefix}${process.pid}`;
}

/**
 * The messages of another life hold packet identifiers that nobody here knows of; a QoS 2 message under one of them
 * would be taken for its repetition. So a publisher at QoS 2 begins anew.
 */
function foreignSession(args: ParsedArguments): 'adopt' | 'reset' {
  return args.program !== 'mqtt-sub' && args.text('qos') === '2' ? 'reset' : 'adopt';
}

function retryPlan(args: ParsedArguments): RetryPlan {
  const given = args.number('retry-limit');
  if (given !== undefined) return { limit: given, minimumMs: 0, initial: true };
  if (args.program === 'mqtt-pub' && args.given('queue')) {
    return { limit: Number.POSITIVE_INFINITY, minimumMs: 0, initial: true };
  }
  if (args.program === 'mqtt-sub') {
    return { limit: Number.POSITIVE_INFINITY, minimumMs: 0, initial: false };
  }
  return { limit: publishRetryLimit, minimumMs: publishRetryMinimumMs, initial: false };
}

function reconnectOptions(
  { limit, minimumMs }: RetryPlan,
  { program, mosquitto }: ParsedArguments,
): NonNullable<ConnectOptions['reconnect']> {
  if (limit === 0) return false;
  return {
    // The client counts the attempt that failed first, or the connection that was no good, among them. It knows of
    // no time that they last at least.
    maxAttempts: minimumMs > 0 ? Number.POSITIVE_INFINITY : limit + 1,
    ...(program === 'mqtt-pub' ? { factor: publishBackOffFactor } : {}),
    // mosquitto_sub comes back after a second.
    ...(mosquitto === undefined ? {} : { minDelayMs: 1001, maxDelayMs: 1001 }),
  };
}
