/** What mosquitto's programs check when all options are read, and what they say before they connect. */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { MosquittoMistake } from './mosquitto-mistake.ts';
import type { Letter } from './mosquitto-name.ts';
import { type MosquittoProperty, PropertyList } from './mosquitto-properties.ts';
import { isUtf8 } from './mosquitto-text.ts';
import type { OptionName } from './option-table.ts';
import type { OptionValue } from './option-values.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { systemReason } from './system-reason.ts';

type Values = ReadonlyMap<OptionName, readonly OptionValue[]>;

const sources = ['file', 'stdin-line', 'message', 'null-message', 'stdin-file'] as const;

/** Options that need one another. Throws `MosquittoMistake`. */
export function requireWholeSetting(
  values: Values,
  letter: Letter,
  mistake: (text: string) => MosquittoMistake,
): void {
  const has = (name: OptionName): boolean => values.has(name);
  const demand = (holds: boolean, text: string): void => {
    if (!holds) throw mistake(`Error: ${text}`);
  };
  demand(!has('will-payload') || has('will-topic'), 'Will payload given, but no will topic given.');
  demand(!has('will-retain') || has('will-topic'), 'Will retain given, but no will topic given.');
  demand(
    has('cert') === has('key'),
    'Both certfile and keyfile must be provided if one of them is set.',
  );
  demand(!has('keyform') || has('key'), 'If keyform is set, keyfile must be also specified.');
  demand(
    !has('tls-engine-kpass-sha1') || (has('keyform') && has('tls-engine')),
    'when using tls-engine-kpass-sha1, both tls-engine and keyform must also be provided.',
  );
  demand(
    !has('psk') || !(has('cafile') || has('capath')),
    'Only one of --psk or --cafile/--capath may be used at once.',
  );
  demand(!has('psk') || has('psk-identity'), '--psk-identity required if --psk used.');
  requireClientId(values, has, demand);
  demand(
    letter !== 'S' || has('topic') || has('unsubscribe'),
    'You must specify a topic to subscribe to (-t) or unsubscribe from (-U).',
  );
}

/** A session that is kept needs a name to be found by. */
function requireClientId(
  values: Values,
  has: (name: OptionName) => boolean,
  demand: (holds: boolean, text: string) => void,
): void {
  if (has('id')) return;
  const kept = has('disable-clean-session');
  if (values.get('protocol-version')?.[0] !== '5.0') {
    demand(!kept, 'You must provide a client id if you are using the -c option.');
    return;
  }
  const expiry = values.get('session-expiry-interval')?.[0];
  const endless = expiry === undefined ? kept : expiry === Number.POSITIVE_INFINITY;
  demand(
    !endless,
    'You must provide a client id if you are using an infinite session expiry interval.',
  );
}

/** What is wrong with options that were all read, in the order in which it is found. Throws `MosquittoMistake`. */
export function requireUsable(args: ParsedArguments): void {
  const stop = (text: string): never => {
    throw new MosquittoMistake(text, { isQuiet: true });
  };
  if (args.mosquitto === 'mosquitto_sub') {
    if (args.flag('skip-retained') && args.flag('retained-only')) {
      throw new MosquittoMistake("\nError: Combining '-R' and '--retained-only' makes no sense.\n");
    }
  } else {
    const file = args.text('file');
    const problem = file === undefined ? undefined : fileProblem(file);
    if (problem !== undefined) stop(`${problem}\nError loading input file "${file}".\n`);
    requireMessage(args);
  }
  const properties = args.texts('property').map((text) => JSON.parse(text) as MosquittoProperty);
  const of = (packet: string): PropertyList => new PropertyList(properties, packet);
  if (args.mosquitto === 'mosquitto_rr') {
    const named = of('publish').bytes.some(({ identifier }) => identifier === 0x08);
    if (named || of('publish').problem !== undefined) {
      stop('Error in PUBLISH properties: Duplicate response topic.\n');
    }
  }
  requireClientIdText(args, stop);
  const version50 = args.text('protocol-version') === '5.0';
  const will = of('will');
  if (
    args.given('will-topic') &&
    (will.problem !== undefined || (will.bytes.length > 0 && !version50))
  ) {
    stop('Error: Problem setting will.\n');
  }
  const username = args.text('username');
  const nameless = args.given('pw') && username === undefined && !version50;
  if (nameless || (username !== undefined && !isUtf8(username))) {
    stop('Error: Problem setting username and/or password.\n');
  }
  requireTls(args, stop);
  requireConnection(args, of('connect'), version50, stop);
}

function requireMessage(args: ParsedArguments): void {
  const source = sources.some((name) => args.given(name));
  if (args.mosquitto === 'mosquitto_pub') {
    if (args.given('topic') && source) return;
    throw new MosquittoMistake('Error: Both topic and message must be supplied.\n', {
      withUsage: true,
    });
  }
  if (args.given('topic') && source && args.given('response-topic')) return;
  throw new MosquittoMistake(
    "Error: All of topic, message, and response topic must be supplied.\n\nUse 'mosquitto_rr --help' to see usage.\n",
  );
}

function requireClientIdText(args: ParsedArguments, stop: (text: string) => never): void {
  const id = args.text('id-prefix') ?? args.text('id');
  if (id === undefined) return;
  if (args.text('id') === '') {
    stop(
      `Error: Invalid id${args.mosquitto === 'mosquitto_pub' ? '' : ' and/or clean_session'}.\n`,
    );
  }
  // Of one that is no UTF-8 they say nothing.
  if (!isUtf8(id)) stop('');
}

function requireTls(args: ParsedArguments, stop: (text: string) => never): void {
  if (args.flag('no-tls')) return;
  const certified = args.given('cafile') || args.given('capath');
  if (certified) {
    const files = [args.text('cafile'), args.text('cert'), args.text('key')];
    if (files.some((file) => file !== undefined && !isOpenable(file))) {
      stop('Error: Problem setting TLS options: File not found.\n');
    }
  } else if (!/^(?:(?:[0-9a-f]{2})+)?$/i.test(args.text('psk') ?? '')) {
    stop('Error: Problem setting TLS-PSK options.\n');
  }
  const engine = args.text('tls-engine');
  if (engine !== undefined) {
    stop(`Error: Problem setting TLS engine, is ${engine} a valid engine?\n`);
  }
  if (args.given('keyform') && !/^(?:pem|engine)$/i.test(args.text('keyform') ?? '')) {
    stop("Error: Problem setting key form, it must be one of 'pem' or 'engine'.\n");
  }
  const version = args.text('tls-version');
  if (version !== undefined && !/^tlsv1\.[23]$/i.test(version)) {
    stop('Error: Problem setting TLS options, check the options are valid.\n');
  }
}

function requireConnection(
  args: ParsedArguments,
  connect: PropertyList,
  version50: boolean,
  stop: (text: string) => never,
): void {
  const expiry = args.number('session-expiry-interval') ?? 0;
  const expires = version50 && (expiry > 0 || args.flag('disable-clean-session'));
  const twice = expires && connect.bytes.some(({ identifier }) => identifier === 0x11);
  if (connect.problem === 'duplicate' || (twice && connect.problem === undefined)) {
    stop('Unable to connect (Duplicate property in property list).\n');
  }
  if (connect.problem === 'protocol') {
    stop(
      'Unable to connect (A network protocol error occurred when communicating with the broker).\n',
    );
  }
  const port = args.number('port') ?? 1883;
  const certified = ['cafile', 'capath', 'psk', 'no-tls'] as const;
  const secret = args.given('tls-keylog') && !certified.some((name) => args.given(name));
  if (port < 0 || port > 65_535 || secret) stop('Unable to connect (Invalid input).\n');
  if (connect.bytes.length > 0 && !version50) {
    stop('Unable to connect (This feature is not supported).\n');
  }
  const host = args.text('host');
  const from = args.text('bind-address');
  if (from !== undefined && from !== 'localhost' && isIP(from) === 0) {
    stop('Unable to connect (Lookup error).\n');
  }
  if (host === undefined || port === 0) return;
  if (host === '' || /[^\w.:%-]/.test(host) || /^[^:]*:[^:]*$/.test(host)) {
    stop('Unable to connect (Lookup error).\n');
  }
}

function isOpenable(file: string): boolean {
  return existsSync(file) && !statSync(file).isDirectory();
}

function fileProblem(file: string): string | undefined {
  const unable = (code: string | undefined): string =>
    `Error: Unable to read file "${file}": ${systemReason(code)}.`;
  try {
    closeSync(openSync(file, 'r'));
  } catch (error) {
    return unable((error as NodeJS.ErrnoException).code);
  }
  const status = statSync(file);
  if (!status.isFile()) return `Error: ${file} is not a file.${unable('ENOENT')}`;
  return status.size > 268_435_455 ? 'Error: File must be less than 268435455 bytes.\n' : undefined;
}
