import type { ProgramName } from './option-table.ts';

/** An option of mosquitto's clients that ours do not have yet. */
export interface MosquittoOption {
  /** As it is written, with its dashes. */
  readonly spellings: readonly string[];
  /** Ours whose counterpart has it. */
  readonly programs: readonly ProgramName[];
  /** What there is instead. */
  readonly instead?: string;
}

const both: readonly ProgramName[] = ['mqtt-pub', 'mqtt-sub'];
const pub: readonly ProgramName[] = ['mqtt-pub'];
const sub: readonly ProgramName[] = ['mqtt-sub'];

const caInstead = '--cafile FILE takes any number of certificates in one file.';
const osInstead = '-p 8883 and -L mqtts://HOST trust the usual certificate authorities.';

/** All of them, once: whoever comes from mosquitto is told that an option is not there, instead of being corrected. */
const mosquittoOptions: readonly MosquittoOption[] = [
  { spellings: ['-A'], programs: both },
  { spellings: ['-D', '--property'], programs: both },
  {
    spellings: ['-E'],
    programs: sub,
    instead: '-W SECONDS ends after a time, -C N after messages.',
  },
  { spellings: ['-F'], programs: sub, instead: '-v prints the topic before each message.' },
  { spellings: ['-I', '--id-prefix'], programs: both, instead: '-i ID takes a whole identifier.' },
  { spellings: ['-M'], programs: both },
  { spellings: ['-N'], programs: sub },
  { spellings: ['-R'], programs: sub },
  { spellings: ['-S'], programs: both },
  { spellings: ['-T', '--filter-out'], programs: sub },
  { spellings: ['-U', '--unsubscribe'], programs: sub },
  { spellings: ['-o'], programs: both },
  { spellings: ['-w', '--watch'], programs: sub },
  { spellings: ['-x'], programs: both, instead: '-c keeps the session for seven days.' },
  { spellings: ['--message-rate'], programs: sub },
  { spellings: ['--nodelay'], programs: both, instead: 'It is always on: leave it out.' },
  { spellings: ['--pretty'], programs: sub },
  { spellings: ['--proxy'], programs: both },
  { spellings: ['--random-filter'], programs: sub },
  {
    spellings: ['--remove-retained'],
    programs: sub,
    instead: 'mqtt-pub -r -n -t TOPIC removes one.',
  },
  { spellings: ['--repeat', '--repeat-delay'], programs: pub },
  { spellings: ['--retain-as-published', '--retain-handling', '--retained-only'], programs: sub },
  { spellings: ['--unix'], programs: both, instead: 'Write -L mqtt+unix://PATH.' },
  { spellings: ['--ws'], programs: both, instead: 'Write -L ws://HOST:PORT/mqtt.' },
  { spellings: ['--no-tls'], programs: both, instead: 'Write -L mqtt://HOST:8883.' },
  { spellings: ['--capath'], programs: both, instead: caInstead },
  { spellings: ['--tls-use-os-certs'], programs: both, instead: osInstead },
  { spellings: ['--ciphers', '--tls-version', '--tls-alpn', '--tls-keylog'], programs: both },
  { spellings: ['--keyform', '--tls-engine', '--tls-engine-kpass-sha1'], programs: both },
  { spellings: ['--psk', '--psk-identity'], programs: both },
];

/** The option that mosquitto's counterpart of a program has under this spelling, when ours does not have it yet. */
export function mosquittoOption(
  spelling: string,
  program: ProgramName,
): MosquittoOption | undefined {
  return mosquittoOptions.find(
    ({ spellings, programs }) => programs.includes(program) && spellings.includes(spelling),
  );
}
