/** What one option of the programs is. The groups of options lie in `options-*.ts`, all together in `option-table.ts`. */

/** `mqtt-request` is what `mqtt-sub --request` runs: it publishes a request and prints the response. */
export type ProgramName = 'mqtt-pub' | 'mqtt-sub' | 'mqtt-request';

/**
 * What an option's value is. `flag` takes none; `duration` is any time, `seconds` a whole number of seconds, and both
 * take units; `expiry` is `seconds` or never; `rate` is so many per second, minute or hour; `property` takes three
 * values, or four for a user property.
 */
export type OptionKind =
  | 'flag'
  | 'text'
  | 'file'
  | 'integer'
  | 'duration'
  | 'seconds'
  | 'expiry'
  | 'rate'
  | 'percent'
  | 'property'
  | 'choice';

/** In the order in which the long help shows them. */
export const optionGroups = [
  'Message',
  'Request',
  'Subscription',
  'Selection',
  'Output',
  'Server',
  'Session',
  'Will',
  'TLS',
] as const;

export type OptionGroup = (typeof optionGroups)[number];

export interface OptionDefinition {
  /** The long form, without dashes. */
  readonly name: OptionName;
  /** Further long forms. */
  readonly aliases?: readonly string[];
  /** The letter, without its dash. */
  readonly short?: string;
  readonly kind: OptionKind;
  /** The value's name in help texts and errors. */
  readonly placeholder?: string;
  /** Bounds of an `integer`, of `seconds` and of `expiry`; the minimum of a `duration` (default above 0). */
  readonly minimum?: number;
  readonly maximum?: number;
  /** What a `choice` takes, by what it means. */
  readonly choices?: Readonly<Record<string, string>>;
  /** Whether the option may be given several times with all its values kept; otherwise the last one wins. */
  readonly repeats?: boolean;
  /** A flag that also takes one of these as `--name=value`. */
  readonly optionalValues?: readonly string[];
  readonly programs: readonly ProgramName[];
  readonly group: OptionGroup;
  /** Whether the short help shows it. */
  readonly common?: boolean;
  readonly description: string;
}

export const allPrograms: readonly ProgramName[] = ['mqtt-pub', 'mqtt-sub', 'mqtt-request'];
export const pub: readonly ProgramName[] = ['mqtt-pub'];
export const sub: readonly ProgramName[] = ['mqtt-sub'];
export const request: readonly ProgramName[] = ['mqtt-request'];
/** Those that publish. */
export const publishing: readonly ProgramName[] = ['mqtt-pub', 'mqtt-request'];
/** Those that print messages. */
export const printing: readonly ProgramName[] = ['mqtt-sub', 'mqtt-request'];

export const qosLevels = { '0': '0', '1': '1', '2': '2' } as const;

export type OptionName =
  | 'topic'
  | 'message'
  | 'stdin-line'
  | 'stdin-file'
  | 'file'
  | 'null-message'
  | 'qos'
  | 'retain'
  | 'lines'
  | 'repeat'
  | 'repeat-delay'
  | 'rate'
  | 'template'
  | 'queue'
  | 'replay'
  | 'speed'
  | 'loop'
  | 'simulate'
  | 'devices'
  | 'seed'
  | 'for'
  | 'request'
  | 'response-topic'
  | 'latency'
  | 'count'
  | 'subscribe-only'
  | 'unsubscribe'
  | 'retain-as-published'
  | 'retain-handling'
  | 'no-local'
  | 'filter-out'
  | 'skip-retained'
  | 'retained-only'
  | 'remove-retained'
  | 'random-filter'
  | 'where'
  | 'changes'
  | 'throttle'
  | 'idle'
  | 'until'
  | 'expect'
  | 'verbose'
  | 'output'
  | 'format'
  | 'select'
  | 'percent-format'
  | 'no-eol'
  | 'pretty'
  | 'record'
  | 'exec'
  | 'table'
  | 'tree'
  | 'stats'
  | 'watch'
  | 'message-rate'
  | 'color'
  | 'quiet'
  | 'debug'
  | 'dry-run'
  | 'help'
  | 'completion'
  | 'man'
  | 'version'
  | 'host'
  | 'port'
  | 'url'
  | 'username'
  | 'pw'
  | 'password-file'
  | 'protocol-version'
  | 'keepalive'
  | 'connect-timeout'
  | 'doctor'
  | 'retry-limit'
  | 'retry-limit'
  | 'unix'
  | 'ws'
  | 'no-tls'
  | 'password-command'
  | 'profile'
  | 'options-file'
  | 'bind-address'
  | 'proxy'
  | 'nodelay'
  | 'srv'
  | 'max-inflight'
  | 'property'
  | 'timeout'
  | 'id'
  | 'disable-clean-session'
  | 'id-prefix'
  | 'session-expiry-interval'
  | 'will-topic'
  | 'will-payload'
  | 'will-qos'
  | 'will-retain'
  | 'cafile'
  | 'cert'
  | 'key'
  | 'insecure'
  | 'capath'
  | 'tls-use-os-certs'
  | 'tls-version'
  | 'tls-alpn'
  | 'ciphers'
  | 'tls-keylog'
  | 'psk'
  | 'psk-identity'
  | 'keyform'
  | 'tls-engine'
  | 'tls-engine-kpass-sha1';
