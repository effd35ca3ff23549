/** Files of options: one on each line, `#` in the first column begins a comment, what follows the first blank is a value. */
import { readFileSync } from 'node:fs';
import { fileProblem } from './input-files.ts';
import type { MosquittoName } from './mosquitto-name.ts';
import { UsageError } from './usage-error.ts';

/** So much of a line they read at once: what is longer goes on as if it were the next line. */
const longestLine = 1023;

/** The lines of mosquitto's options file: the one given, else the user's own. None when there is no such file. */
export function mosquittoOptionsFile(
  name: MosquittoName,
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const file = given ?? defaultFile(name, env);
  if (file === undefined) return [];
  try {
    return lines(readFileSync(file, 'utf8')).flatMap(
      (line) => line.match(new RegExp(`.{1,${longestLine}}`, 'gs')) ?? [],
    );
  } catch {
    return [];
  }
}

function defaultFile(
  name: MosquittoName,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const folder = env['XDG_CONFIG_HOME'];
  if (folder !== undefined) return `${folder}/${name}`;
  const home = env['HOME'];
  return home === undefined ? undefined : `${home}/.config/${name}`;
}

/**
 * The arguments in a file that `-o` names. `check` is given those of each line, and throws for what cannot be. Throws
 * `UsageError` that names file and line.
 */
export function optionsFileArguments(
  file: string,
  check: (words: readonly string[]) => unknown,
): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem('-o', file, error);
  }
  return lines(text).flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    const blank = line.indexOf(' ');
    const words = blank < 0 ? [line] : propertyWords(line.slice(0, blank), line.slice(blank + 1));
    try {
      check(words);
    } catch (error) {
      const { message, hint } = error as UsageError;
      throw new UsageError(`${file}:${index + 1}: ${message}`, hint);
    }
    return words;
  });
}

/** Of a property, whose values are several, the last one takes the rest of the line. */
function propertyWords(option: string, rest: string): readonly string[] {
  if (option !== '-D' && option !== '--property') return [option, rest];
  const parts = /^(\S+) +(\S+) +(.*)$/.exec(rest);
  if (parts === null) return [option, rest];
  const [, packet = '', name = '', value = ''] = parts;
  const pair = name.toLowerCase() === 'user-property' ? /^(\S+) +(.*)$/.exec(value) : null;
  return pair === null
    ? [option, packet, name, value]
    : [option, packet, name, pair[1] ?? '', pair[2] ?? ''];
}

function lines(text: string): readonly string[] {
  return text.split('\n').map((line) => line.replace(/\r$/, ''));
}
