/** JSON as mosquitto's programs print it: members as they came, also of one name, and numbers as C prints them. */

/** Text has a character for each byte of it. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly members: readonly (readonly [name: string, value: JsonValue])[] };

const tokens = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null|[{}[\],:]/gs;

/** `bytes` has a character for each byte, `text` is what they mean. `undefined`: it is no JSON. */
export function parseJson(bytes: string, text: string): JsonValue | undefined {
  try {
    JSON.parse(text.replace(tokens, strictly));
  } catch {
    return undefined;
  }
  // It is well-formed: its tokens say all.
  const words = bytes.match(tokens) ?? [];
  let at = 0;
  const value = (): JsonValue => {
    const word = words[at++] ?? 'null';
    if (word === '[') return list();
    if (word === '{') return object();
    if (word.startsWith('"')) return unescaped(word);
    return /^[-0-9]/.test(word) ? Number(word) : (JSON.parse(word) as boolean | null);
  };
  const list = (): JsonValue => {
    const items: JsonValue[] = [];
    while (words[at] !== ']') {
      items.push(value());
      if (words[at] === ',') at += 1;
    }
    at += 1;
    return items;
  };
  const object = (): JsonValue => {
    const members: (readonly [string, JsonValue])[] = [];
    while (words[at] !== '}') {
      const name = unescaped(words[at]!);
      at += 2;
      members.push([name, value()]);
      if (words[at] === ',') at += 1;
    }
    at += 1;
    return { members };
  };
  return value();
}

/** They take numbers as C reads them, such as 01 and 1., and control characters in texts. */
function strictly(token: string): string {
  if (/^-?[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?$/.test(token)) return '0';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is asked for
  return token.startsWith('"') ? token.replace(/[\u0001-\u001f]/g, ' ') : token;
}

/** Escapes stand for characters, whose bytes are wanted; what is not escaped is bytes already. */
function unescaped(word: string): string {
  const parts = word.slice(1, -1).split(/((?:\\u[0-9a-fA-F]{4})+|\\.)/s);
  return parts
    .map((part) =>
      part.startsWith('\\')
        ? Buffer.from(JSON.parse(`"${part}"`) as string).toString('latin1')
        : part,
    )
    .join('');
}

/** On one line, or with a member of an object on each and arrays on one. */
export function printJson(value: JsonValue, pretty: boolean, depth = 0): string {
  if (typeof value === 'number') return shownNumber(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if ('members' in value) return printObject(value.members, pretty, depth);
  return `[${value.map((one) => printJson(one, pretty, depth + 1)).join(pretty ? ', ' : ',')}]`;
}

function printObject(
  members: readonly (readonly [string, JsonValue])[],
  pretty: boolean,
  depth: number,
): string {
  const shown = members.map(
    ([name, value]) =>
      `${JSON.stringify(name)}:${pretty ? '\t' : ''}${printJson(value, pretty, depth + 1)}`,
  );
  if (!pretty) return `{${shown.join(',')}}`;
  const tabs = '\t'.repeat(depth);
  if (shown.length === 0) return `{\n${tabs}}`;
  return `{\n${shown.map((line) => `${tabs}\t${line}`).join(',\n')}\n${tabs}}`;
}

/** With 15 digits when they say it, else with 17: C's %1.15g and %1.17g. */
function shownNumber(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const short = general(value, 15);
  return Number(short) === value ? short : general(value, 17);
}

function general(value: number, digits: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponentText = '0'] = value.toExponential(digits - 1).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < digits) {
    const fixed = value.toFixed(Math.max(0, digits - 1 - exponent));
    return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed;
  }
  const sign = exponent < 0 ? '-' : '+';
  const power = `${Math.abs(exponent)}`.padStart(2, '0');
  return `${mantissa.replace(/\.?0+$/, '')}e${sign}${power}`;
}
