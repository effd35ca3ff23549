/**
 * Every option of both programs, once: parsing, help, and later completion and manual pages are made from this table.
 * Names and letters are mosquitto's wherever mosquitto has the option.
 */

export type ProgramName = 'mqtt-pub' | 'mqtt-sub';

/**
 * What an option's value is. `flag` takes none; `duration` is any time, `seconds` a whole number of seconds, and both
 * take units.
 */
export type OptionKind = 'flag' | 'text' | 'file' | 'integer' | 'duration' | 'seconds' | 'choice';

/** In the order in which the long help shows them. */
export const optionGroups = [
  'Message',
  'Subscription',
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
  /** Bounds of an `integer` and of `seconds`. */
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

export type OptionName =
  | 'host'
  | 'port'
  | 'url'
  | 'username'
  | 'pw'
  | 'password-file'
  | 'protocol-version'
  | 'keepalive'
  | 'connect-timeout'
  | 'retry-limit'
  | 'topic'
  | 'message'
  | 'file'
  | 'stdin-file'
  | 'stdin-line'
  | 'null-message'
  | 'qos'
  | 'retain'
  | 'count'
  | 'timeout'
  | 'id'
  | 'disable-clean-session'
  | 'will-topic'
  | 'will-payload'
  | 'will-qos'
  | 'will-retain'
  | 'cafile'
  | 'cert'
  | 'key'
  | 'insecure'
  | 'verbose'
  | 'color'
  | 'quiet'
  | 'debug'
  | 'help'
  | 'version';

const both: readonly ProgramName[] = ['mqtt-pub', 'mqtt-sub'];
const pub: readonly ProgramName[] = ['mqtt-pub'];
const sub: readonly ProgramName[] = ['mqtt-sub'];

const qosLevels = { '0': '0', '1': '1', '2': '2' } as const;

/** MQTT 3.1 stands here so that asking for it gets an answer of its own. */
const protocolVersions = {
  auto: 'auto',
  '5': '5.0',
  '5.0': '5.0',
  mqttv5: '5.0',
  '311': '3.1.1',
  '3.1.1': '3.1.1',
  mqttv311: '3.1.1',
  '31': '3.1',
  '3.1': '3.1',
  mqttv31: '3.1',
} as const;

/** In the order in which help shows them. */
export const optionTable: readonly OptionDefinition[] = [
  {
    name: 'topic',
    short: 't',
    kind: 'text',
    placeholder: 'TOPIC',
    programs: pub,
    group: 'Message',
    common: true,
    description: 'Topic to publish to',
  },
  {
    name: 'topic',
    short: 't',
    kind: 'text',
    placeholder: 'TOPIC',
    repeats: true,
    programs: sub,
    group: 'Subscription',
    common: true,
    description: "Topic filter, e.g. 'house/+/temperature' or 'house/#'; may be repeated",
  },
  {
    name: 'message',
    short: 'm',
    kind: 'text',
    placeholder: 'TEXT',
    programs: pub,
    group: 'Message',
    common: true,
    description: 'Message to publish',
  },
  {
    name: 'stdin-line',
    short: 'l',
    kind: 'flag',
    programs: pub,
    group: 'Message',
    common: true,
    description: 'Publish each line of standard input as a message',
  },
  {
    name: 'stdin-file',
    short: 's',
    kind: 'flag',
    programs: pub,
    group: 'Message',
    common: true,
    description: 'Publish all of standard input as one message',
  },
  {
    name: 'file',
    short: 'f',
    kind: 'file',
    placeholder: 'FILE',
    programs: pub,
    group: 'Message',
    common: true,
    description: 'Publish a file as one message',
  },
  {
    name: 'null-message',
    short: 'n',
    kind: 'flag',
    programs: pub,
    group: 'Message',
    description: 'Publish an empty message; with -r this removes the retained one',
  },
  {
    name: 'qos',
    short: 'q',
    kind: 'choice',
    placeholder: '0|1|2',
    choices: qosLevels,
    programs: pub,
    group: 'Message',
    common: true,
    description: 'Quality of Service (default 0)',
  },
  {
    name: 'qos',
    short: 'q',
    kind: 'choice',
    placeholder: '0|1|2',
    choices: qosLevels,
    programs: sub,
    group: 'Subscription',
    common: true,
    description: 'Highest Quality of Service to receive with (default 0)',
  },
  {
    name: 'retain',
    short: 'r',
    kind: 'flag',
    programs: pub,
    group: 'Message',
    common: true,
    description: 'Have the server keep the message for later subscribers',
  },
  {
    name: 'verbose',
    short: 'v',
    kind: 'flag',
    programs: sub,
    group: 'Output',
    common: true,
    description: 'Print the topic before each message',
  },
  {
    name: 'count',
    short: 'C',
    kind: 'integer',
    placeholder: 'N',
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    programs: sub,
    group: 'Subscription',
    common: true,
    description: 'End after N messages',
  },
  {
    name: 'timeout',
    short: 'W',
    kind: 'duration',
    placeholder: 'SECONDS',
    programs: both,
    group: 'Session',
    common: true,
    description: 'End after so many seconds, or 500ms, 2m; exit code 27',
  },
  {
    name: 'host',
    short: 'h',
    kind: 'text',
    placeholder: 'HOST',
    programs: both,
    group: 'Server',
    common: true,
    description: 'Server to connect to (default localhost)',
  },
  {
    name: 'port',
    short: 'p',
    kind: 'integer',
    placeholder: 'PORT',
    minimum: 1,
    maximum: 65_535,
    programs: both,
    group: 'Server',
    common: true,
    description: 'Its port (default 1883, with TLS 8883; 8883 turns TLS on)',
  },
  {
    name: 'url',
    short: 'L',
    kind: 'text',
    placeholder: 'URL',
    programs: both,
    group: 'Server',
    common: true,
    description: 'mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC] or ws[s]://HOST[:PORT]/PATH',
  },
  {
    name: 'username',
    short: 'u',
    kind: 'text',
    placeholder: 'NAME',
    programs: both,
    group: 'Server',
    common: true,
    description: 'User name; its password best by MQTT_PASSWORD or --password-file',
  },
  {
    name: 'pw',
    aliases: ['password'],
    short: 'P',
    kind: 'text',
    placeholder: 'PASSWORD',
    programs: both,
    group: 'Server',
    description: 'Password; others on this machine can see it while the program runs',
  },
  {
    name: 'password-file',
    kind: 'file',
    placeholder: 'FILE',
    programs: both,
    group: 'Server',
    description: 'Read the password from a file, - for standard input',
  },
  {
    name: 'protocol-version',
    short: 'V',
    kind: 'choice',
    placeholder: '5|311',
    choices: protocolVersions,
    programs: both,
    group: 'Server',
    description: 'MQTT version (default: 5.0, else 3.1.1)',
  },
  {
    name: 'keepalive',
    short: 'k',
    kind: 'seconds',
    placeholder: 'SECONDS',
    minimum: 0,
    maximum: 65_535,
    programs: both,
    group: 'Server',
    description: 'Longest silence towards the server, in seconds or as 2m; 0 for any (default 60)',
  },
  {
    name: 'connect-timeout',
    kind: 'duration',
    placeholder: 'SECONDS',
    programs: both,
    group: 'Server',
    description: 'Longest time for one attempt to connect, in seconds or as 500ms, 2m (default 10)',
  },
  {
    name: 'retry-limit',
    kind: 'integer',
    placeholder: 'N',
    minimum: 0,
    maximum: 1_000_000_000,
    programs: pub,
    group: 'Server',
    description:
      'Attempts to restore a lost connection (default 5 and at least 10 s); given, it also holds for the first one',
  },
  {
    name: 'retry-limit',
    kind: 'integer',
    placeholder: 'N',
    minimum: 0,
    maximum: 1_000_000_000,
    programs: sub,
    group: 'Server',
    description:
      'Attempts to restore a lost connection (default: no limit); given, it also holds for the first one',
  },
  {
    name: 'id',
    short: 'i',
    kind: 'text',
    placeholder: 'ID',
    programs: both,
    group: 'Session',
    description: 'Client identifier (default: random)',
  },
  {
    name: 'disable-clean-session',
    short: 'c',
    kind: 'flag',
    programs: both,
    group: 'Session',
    description: 'Keep the session at the server when this program ends; needs -i',
  },
  {
    name: 'will-topic',
    kind: 'text',
    placeholder: 'TOPIC',
    programs: both,
    group: 'Will',
    description: 'Topic of the message that the server publishes when this client is lost',
  },
  {
    name: 'will-payload',
    kind: 'text',
    placeholder: 'TEXT',
    programs: both,
    group: 'Will',
    description: 'That message (default empty)',
  },
  {
    name: 'will-qos',
    kind: 'choice',
    placeholder: '0|1|2',
    choices: qosLevels,
    programs: both,
    group: 'Will',
    description: 'Its Quality of Service (default 0)',
  },
  {
    name: 'will-retain',
    kind: 'flag',
    programs: both,
    group: 'Will',
    description: 'Have the server keep it',
  },
  {
    name: 'cafile',
    kind: 'file',
    placeholder: 'FILE',
    programs: both,
    group: 'TLS',
    description: 'Certificate authorities to trust (PEM); turns TLS on',
  },
  {
    name: 'cert',
    kind: 'file',
    placeholder: 'FILE',
    programs: both,
    group: 'TLS',
    description: 'Client certificate (PEM), with --key; turns TLS on',
  },
  {
    name: 'key',
    kind: 'file',
    placeholder: 'FILE',
    programs: both,
    group: 'TLS',
    description: 'Private key of the client certificate (PEM)',
  },
  {
    name: 'insecure',
    kind: 'flag',
    programs: both,
    group: 'TLS',
    description: "Do not check the server's certificate: anybody on the way can read everything",
  },
  {
    name: 'color',
    aliases: ['colour'],
    kind: 'choice',
    placeholder: 'WHEN',
    choices: { auto: 'auto', always: 'always', never: 'never' },
    programs: both,
    group: 'Output',
    description: 'auto, always or never (default auto: on a terminal, unless NO_COLOR is set)',
  },
  {
    name: 'quiet',
    kind: 'flag',
    programs: both,
    group: 'Output',
    description: 'No messages about run-time errors; the exit code tells',
  },
  {
    name: 'debug',
    short: 'd',
    kind: 'flag',
    programs: both,
    group: 'Output',
    common: true,
    description: 'Show each packet on standard error',
  },
  {
    name: 'help',
    kind: 'flag',
    optionalValues: ['all'],
    programs: both,
    group: 'Output',
    common: true,
    description: 'Show this help; --help=all shows every option',
  },
  {
    name: 'version',
    kind: 'flag',
    programs: both,
    group: 'Output',
    description: 'Show the version',
  },
];

/** The options of one program, in the order of the table. */
export function optionsOf(program: ProgramName): readonly OptionDefinition[] {
  return optionTable.filter((option) => option.programs.includes(program));
}

/** How a person writes the option: `-t`, or `--cafile` for one without a letter. */
export function optionLabel(option: OptionDefinition): string {
  return option.short === undefined ? `--${option.name}` : `-${option.short}`;
}
