import type { Properties } from '@mqtt-kit/packet';
import type { Environment } from './client.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { type ConnectionUrl, parseConnectionUrl } from './connection-url.ts';
import { checkCredentials } from './credential-options.ts';
import { MqttUsageError } from './errors.ts';
import {
  checkBoolean,
  checkFunction,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkString,
  expectation,
  type GivenOptions,
} from './option-check.ts';
import type { AuthenticationOptions, ConnectOptions } from './options.ts';
import { checkUserProperties } from './outgoing-message.ts';
import { checkInbox, checkQueue } from './queue-options.ts';
import type { ReconnectSettings } from './reconnect.ts';
import { checkReconnect } from './reconnect-options.ts';
import { checkSession, checkStore } from './session-options.ts';
import type { TlsOptions, WebSocketOptions } from './transport.ts';
import { checkTlsOptions, checkWebSocketOptions } from './transport-options.ts';
import { problemOf50 } from './version-choice.ts';
import { checkWill } from './will.ts';

const connectNames = [
  'version',
  'clientId',
  'cleanStart',
  'sessionExpirySeconds',
  'keepAliveSeconds',
  'connectTimeoutMs',
  'username',
  'password',
  'credentials',
  'authentication',
  'will',
  'tls',
  'webSocket',
  'servers',
  'redirects',
  'reconnect',
  'queue',
  'inbox',
  'store',
  'onStoreFailure',
  'foreignSession',
  'lostSession',
  'waitForConnection',
  'signal',
  'topicAliases',
  'subscriptionIdentifiers',
  'trace',
  'receiveMaximum',
  'maximumPacketSize',
  'topicAliasMaximum',
  'requestResponseInformation',
  'requestProblemInformation',
  'userProperties',
] as const satisfies readonly (keyof ConnectOptions)[];

/** Names that other clients have at the top. */
const elsewhere: Readonly<Record<string, string>> = {
  ca: 'tls.ca',
  cert: 'tls.cert',
  key: 'tls.key',
  passphrase: 'tls.passphrase',
  rejectUnauthorized: 'tls.rejectUnauthorized',
  servername: 'tls.servername',
  headers: 'webSocket.headers',
  host: 'the host in the url',
  hostname: 'the host in the url',
  port: 'the port in the url',
  protocol: 'the scheme of the url',
};

const fourBytes = 0xffff_ffff;

/** Throws a `MqttUsageError` that names the option at fault. No I/O happens. */
export function connectSettings(
  environment: Environment,
  url: string | URL,
  options: ConnectOptions | undefined,
): ConnectSettings {
  const given = checkOptions('options of connect', options, connectNames, elsewhere);
  const get = <K extends keyof ConnectOptions>(name: K): unknown => given.get(name);
  const urls = checkUrls(environment, url, get('servers'));
  const tls = checkTlsOptions(get('tls'));
  const webSocket = checkWebSocketOptions(get('webSocket'));
  checkTransportsFit(urls, tls, webSocket);
  checkNoDowngrade(urls, given, webSocket);

  const version = given.oneOf('version', 'auto', ['auto', '5.0', '3.1.1']);
  const only50 = problemOf50(version);
  const store = checkStore(get('store'));
  const session = checkSession(given, store);
  const credentials = given.optional('credentials', checkFunction) as ConnectOptions['credentials'];
  const will = get('will');
  const authentication = checkAuthentication(get('authentication'));
  const needs50 = optionsOf50(given);
  if (needs50 !== undefined && only50 !== undefined) {
    throw new MqttUsageError(`${needs50} ${only50}`);
  }
  const queue = checkQueue(get('queue'));
  const reconnect = checkReconnect(get('reconnect'));
  const maximumPacketSize = given.integer('maximumPacketSize', 16_777_216, 1, fourBytes);
  return {
    urls,
    version,
    needs50,
    ...session,
    keepAliveSeconds: given.integer('keepAliveSeconds', 60, 0, 65_535),
    connectTimeoutMs: given.amount('connectTimeoutMs', 10_000, 0),
    ...checkCredentials(
      { username: get('username'), password: get('password') },
      only50 !== undefined && credentials === undefined && urls[0]?.username === undefined,
    ),
    credentials,
    authentication,
    will: will === undefined || typeof will === 'function' ? undefined : checkWill(will, only50),
    willFor: typeof will === 'function' ? (will as ConnectSettings['willFor']) : undefined,
    tls,
    webSocket,
    redirects: given.oneOf('redirects', 'report', ['report', 'follow']),
    reconnect,
    queue: queue.limits,
    inFlight: queue.inFlight,
    waitForRoom: queue.wait,
    inbox: checkInbox(get('inbox')),
    store,
    onStoreFailure: checkStoreFailure(given, reconnect),
    foreignSession: given.oneOf('foreignSession', 'reset', ['reset', 'adopt', 'error']),
    lostSession: given.oneOf('lostSession', 'resend', ['resend', 'reject']),
    waitForConnection: given.boolean('waitForConnection', true),
    signal: given.optional('signal', checkSignal),
    topicAliases: given.boolean('topicAliases', true),
    subscriptionIdentifiers: given.boolean('subscriptionIdentifiers', true),
    trace: given.boolean('trace', false),
    maximumPacketSize,
    properties: checkProperties(given, session.sessionExpirySeconds, maximumPacketSize, only50),
  };
}

function checkStoreFailure(
  given: GivenOptions,
  reconnect: ReconnectSettings | undefined,
): 'stop' | 'rebuild' {
  const choice = given.or('onStoreFailure', 'stop');
  return reconnect === undefined
    ? checkOneOf('onStoreFailure without reconnect', choice, ['stop'])
    : checkOneOf('onStoreFailure', choice, ['stop', 'rebuild']);
}

function checkUrls(
  environment: Environment,
  url: unknown,
  servers: unknown,
): readonly [ConnectionUrl, ...ConnectionUrl[]] {
  const urls: [ConnectionUrl, ...ConnectionUrl[]] = [parseConnectionUrl(url)];
  if (servers !== undefined) {
    if (!Array.isArray(servers)) throw expectation('servers', 'an array of URLs', servers);
    servers.forEach((server: unknown, index) => {
      urls.push(parseConnectionUrl(server, `servers[${index}]`));
    });
  }
  for (const { scheme, server } of urls) {
    if (Object.hasOwn(environment.transports, scheme)) continue;
    const hint = environment.missingTransports[scheme];
    throw new MqttUsageError(`${scheme}:// is not available here, as in ${server}`, { hint });
  }
  return urls;
}

/** Settings that would do nothing are a mistake, and with TLS a dangerous one. */
function checkTransportsFit(
  urls: readonly ConnectionUrl[],
  tls: TlsOptions | undefined,
  webSocket: WebSocketOptions | undefined,
): void {
  for (const { scheme, secure, server } of urls) {
    if (tls !== undefined && !secure) {
      const meant = scheme === 'ws' ? 'wss' : 'mqtts';
      throw new MqttUsageError(`tls options need ${meant}://; ${server} is not encrypted`, {
        hint: `Write ${meant}:// in place of ${scheme}://, or leave the tls options out.`,
      });
    }
    if (webSocket !== undefined && !scheme.startsWith('ws')) {
      throw new MqttUsageError(`webSocket options need ws:// or wss://; got ${server}`);
    }
  }
}

/** Whoever can make an encrypted server fail must not be given what was meant for it. */
function checkNoDowngrade(
  urls: readonly ConnectionUrl[],
  given: GivenOptions,
  webSocket: WebSocketOptions | undefined,
): void {
  const names = ['password', 'username', 'credentials', 'authentication'] as const;
  const secret = webSocket?.headers ? 'webSocket.headers' : names.find((name) => given.has(name));
  const open = urls.find(({ secure, scheme }) => !secure && scheme !== 'mqtt+unix');
  const encrypted = urls.find(({ secure }) => secure);
  if (secret === undefined || open === undefined || encrypted === undefined) return;
  throw new MqttUsageError(
    `${secret} needs servers that are all encrypted, or none; got ${encrypted.server} and ${open.server}`,
    { hint: 'Credentials may stand in the URL of the one server that they are for.' },
  );
}

/** The first option that has a meaning in 5.0 alone. Sizes and counts that merely tune are not among them. */
function optionsOf50(given: GivenOptions): string | undefined {
  const names = ['authentication', 'sessionExpirySeconds', 'userProperties'] as const;
  const set = names.find((name) => given.has(name));
  if (set !== undefined) return set;
  if (given.get('requestResponseInformation') === true) return 'requestResponseInformation';
  const will = given.get('will');
  if (typeof will !== 'object' || will === null) return undefined;
  const known = new Set(['topic', 'payload', 'qos', 'retain']);
  const name = Object.entries(will).find(
    ([key, value]) => value !== undefined && !known.has(key),
  )?.[0];
  return name === undefined ? undefined : `will.${name}`;
}

function checkProperties(
  given: GivenOptions,
  sessionExpiryInterval: number,
  maximumPacketSize: number,
  only50: string | undefined,
): Properties {
  const aliases = given.integer('topicAliasMaximum', 16, 0, 65_535);
  for (const name of ['topicAliasMaximum', 'requestProblemInformation']) {
    if (only50 !== undefined && given.has(name)) throw new MqttUsageError(`${name} ${only50}`);
  }
  const response = given.optional('requestResponseInformation', checkBoolean);
  const problem = given.optional('requestProblemInformation', checkBoolean);
  const userProperties = given.optional('userProperties', checkUserProperties);
  return {
    ...(sessionExpiryInterval > 0 && { sessionExpiryInterval }),
    receiveMaximum: given.integer('receiveMaximum', 1_000, 1, 65_535),
    maximumPacketSize,
    ...(aliases > 0 && { topicAliasMaximum: aliases }),
    ...(response !== undefined && { requestResponseInformation: Number(response) }),
    ...(problem !== undefined && { requestProblemInformation: Number(problem) }),
    ...(userProperties !== undefined && { userProperties }),
  };
}

function checkAuthentication(value: unknown): AuthenticationOptions | undefined {
  if (value === undefined) return undefined;
  const names = [
    'method',
    'start',
    'respond',
  ] as const satisfies readonly (keyof AuthenticationOptions)[];
  // An instance of a class may have its functions on the prototype, so that only what is missing is told.
  if (typeof value !== 'object' || value === null) {
    throw expectation('authentication', `an object with ${names.join(', ')}`, value);
  }
  const authentication = value as AuthenticationOptions;
  checkString('authentication.method', authentication.method);
  checkFunction('authentication.respond', authentication.respond);
  const { method, start } = authentication;
  if (start !== undefined) checkFunction('authentication.start', start);
  return {
    method,
    ...(start !== undefined && { start: start.bind(authentication) }),
    respond: authentication.respond.bind(authentication),
  };
}
