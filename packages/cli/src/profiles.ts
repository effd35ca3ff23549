/**
 * Profiles: options under a name, so that nobody types them again. Each is a file of options, as `-o` takes it, in
 * `$XDG_CONFIG_HOME/mqtt-kit/profiles`, readable by nobody else: there may be a password in it.
 */
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argumentTokens } from './argument-tokens.ts';
import type { Diagnostics } from './diagnostics.ts';
import { fileProblem } from './input-files.ts';
import { makeFolder } from './make-folder.ts';
import { nearestName } from './nearest-name.ts';
import { optionTable } from './option-table.ts';
import { optionsFileArguments } from './options-file.ts';
import { quoted, UsageError } from './usage-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const verbs = ['add', 'ls', 'show', 'edit', 'use', 'rm'] as const;

/** Whether the arguments are about profiles: `mqtt-pub profile ls`. A topic of that name is given by `-t`. */
export function isProfileCommand(argv: readonly string[]): boolean {
  return argv[0] === 'profile' && (verbs as readonly string[]).includes(argv[1] ?? '');
}

/** The arguments of a profile: of that name, else of MQTT_PROFILE, else of the one in use, if any. Throws `UsageError`. */
export function profileArguments(
  name: string | undefined,
  env: Environment,
  check: (words: readonly string[]) => unknown,
): readonly string[] {
  const wanted = name ?? env['MQTT_PROFILE'] ?? inUse(env);
  if (wanted === undefined || wanted === '') return [];
  const file = profileFile(wanted, env);
  if (!exists(file)) throw unknownProfile(wanted, env);
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new UsageError(`others can read the profile ${quoted(wanted)}`, `chmod 600 ${file}`);
  }
  return optionsFileArguments(file, check);
}

/** Runs `profile VERB ...`; resolves with what is printed. Throws `UsageError`. */
export function runProfileCommand(
  argv: readonly string[],
  env: Environment,
  diagnostics: Diagnostics,
): string {
  const [, verb, name, ...words] = argv;
  if (verb === 'ls') return list(env);
  if (name === undefined) throw new UsageError(`profile ${verb} needs a name`);
  const file = profileFile(name, env);
  if (verb === 'add') return add(name, file, words, env);
  if (!exists(file)) throw unknownProfile(name, env);
  if (words.length > 0) throw new UsageError(`profile ${verb} takes one name alone`);
  switch (verb) {
    case 'show':
      return masked(onFile('profile show', file, 'read', () => readFileSync(file, 'utf8')));
    case 'edit':
      return edit(file, env);
    case 'use': {
      const used = join(folder(env), '..', 'profile');
      onFile('profile use', used, 'write', () => writeFileSync(used, `${name}\n`, { mode: 0o600 }));
      diagnostics.note({ text: `the profile ${name} is used from now on`, terminalOnly: true });
      return '';
    }
    default:
      onFile('profile rm', file, 'write', () => {
        rmSync(file);
        if (inUse(env) === name) rmSync(join(folder(env), '..', 'profile'), { force: true });
      });
      return '';
  }
}

/** Does something with a file. Throws `UsageError` when that fails. */
function onFile<T>(what: string, file: string, doing: 'read' | 'write', action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fileProblem(what, file, error, doing);
  }
}

function folder(env: Environment): string {
  const config = env['XDG_CONFIG_HOME'] || (env['HOME'] ? join(env['HOME'], '.config') : undefined);
  if (config === undefined) {
    throw new UsageError(
      'profiles need a home: neither XDG_CONFIG_HOME nor HOME is set',
      'Set XDG_CONFIG_HOME to the folder they are to be in.',
    );
  }
  return join(config, 'mqtt-kit', 'profiles');
}

function profileFile(name: string, env: Environment): string {
  if (!/^[\w][\w.-]{0,63}$/.test(name)) {
    throw new UsageError(
      `${quoted(name)} is no name of a profile`,
      'Letters, digits, dots, dashes and underscores make one.',
    );
  }
  return join(folder(env), name);
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

function names(env: Environment): readonly string[] {
  try {
    return readdirSync(folder(env)).sort();
  } catch {
    return [];
  }
}

function inUse(env: Environment): string | undefined {
  try {
    return readFileSync(join(folder(env), '..', 'profile'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

function unknownProfile(name: string, env: Environment): UsageError {
  const all = names(env);
  const near = nearestName(name, all);
  return new UsageError(
    `there is no profile ${quoted(name)}`,
    near === undefined
      ? all.length === 0
        ? `profile add ${name} -h HOST makes one.`
        : `There are ${all.join(', ')}`
      : `Did you mean ${near}?`,
  );
}

function list(env: Environment): string {
  const used = inUse(env);
  return names(env)
    .map((name) => `${name === used ? '*' : ' '} ${name}\n`)
    .join('');
}

/** What a profile holds is for every program: server, session, will and TLS. */
function add(name: string, file: string, words: readonly string[], env: Environment): string {
  const { options, positionals } = argumentTokens('mqtt-sub', words);
  if (positionals.length > 0) {
    throw new UsageError(`profile add ${name}: ${quoted(positionals[0]!)} is no option`);
  }
  if (options.length === 0)
    throw new UsageError(`profile add ${name} needs options such as -h HOST`);
  const lines = options.map((option) => {
    const equals = option.indexOf('=');
    const long = equals < 0 ? option : option.slice(0, equals);
    const definition = optionTable.find((one) => `--${one.name}` === long);
    if (definition === undefined || definition.programs.length < 3 || long === '--profile') {
      throw new UsageError(`profile add ${name}: ${long} is not for every program`);
    }
    if (equals < 0) return long;
    const value = option.slice(equals + 1);
    if (/[\r\n]/.test(value))
      throw new UsageError(`${long}: a profile holds one line for each option`);
    if (definition.kind !== 'property') return `${long} ${value}`;
    return `${long} ${(JSON.parse(value) as string[]).join(' ')}`;
  });
  onFile('profile add', file, 'write', () => {
    makeFolder(folder(env));
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    // It may have been there before, with other rights.
    chmodSync(file, 0o600);
  });
  return '';
}

/** Passwords and keys are not shown. */
function masked(text: string): string {
  return text
    .replace(/^(-P|--pw|--password|--psk) .*$/gm, '$1 ***')
    .replace(/^((?:-L|--url|--proxy) \S+:\/\/[^@/]*:)[^@]*@/gm, '$1***@');
}

function edit(file: string, env: Environment): string {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const editor = env['VISUAL'] || env['EDITOR'] || 'vi';
  const { status } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new UsageError(`${editor} could not edit ${file}`);
  return '';
}
