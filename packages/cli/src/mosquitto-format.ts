/**
 * The format language of mosquitto_sub's `-F`: `%` with flags, width, precision and a letter, `@` with a letter of
 * strftime, and escapes with a backslash. A format is taken apart once; each message then runs through its parts.
 */
import type { Message } from 'mqtt-kit';
import type { PrintableMessage, Sink } from './message-format.ts';
import {
  type JsonSettings,
  messageJson,
  type ReceivedAt,
  subscriptionIdentifier,
  topicAlias,
} from './mosquitto-json.ts';
import { strftime } from './strftime.ts';
import { UsageError } from './usage-error.ts';

export { receivedNow } from './strftime.ts';

/** What a format prints besides the message itself. */
export interface FormatSettings extends JsonSettings {
  /** Of standard error: a line about a message that cannot be printed as it was asked for. */
  readonly onProblem: (text: string) => void;
}

type Part = (message: Message, at: ReceivedAt, sink: Sink) => void;

/** The prints of a format, in order. Throws `UsageError`. */
export function mosquittoFormat(
  format: string,
  settings: FormatSettings,
): (message: PrintableMessage, at: ReceivedAt, sink: Sink) => void {
  const parts = parse(format, settings);
  return (message, at, sink) => {
    for (const part of parts) part(message as Message, at, sink);
  };
}

interface Field {
  readonly leftAligned: boolean;
  readonly zeros: boolean;
  readonly width: number;
  readonly precision: number | undefined;
  /** Between groups of hexadecimal digits. */
  readonly separator: string;
}

const specification = /^(-?)(0?)([0-9]*)(?:\.([0-9]*))?/;

/** What may stand before the letter of a hexadecimal conversion. */
const separators = ' !"#$&\'()*+,-./:;<=>?@[\\]^_`{|}~';

function parse(format: string, settings: FormatSettings): readonly Part[] {
  const parts: Part[] = [];
  const literal = (text: string): void => {
    parts.push((_message, _at, sink) => sink.text(text));
  };
  let rest = format;
  while (rest !== '') {
    const plain = /^[^%@\\]+/.exec(rest)?.[0];
    if (plain !== undefined) {
      literal(plain);
      rest = rest.slice(plain.length);
      continue;
    }
    const sign = rest[0];
    rest = rest.slice(1);
    if (sign === '\\') {
      literal(escaped(rest));
      rest = rest.slice(1);
    } else if (sign === '@') {
      if (rest === '') throw incomplete();
      if (rest[0] === '@') literal('@');
      else parts.push(timePart(rest[0]!));
      rest = rest.slice(1);
    } else {
      const [part, length] = conversion(rest, settings);
      parts.push(part);
      rest = rest.slice(length);
    }
  }
  return parts;
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\u0007',
  e: '\u001b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function escaped(rest: string): string {
  const letter = rest[0];
  if (letter === undefined) {
    throw new FormatMistake(
      '-F ends within an escape',
      'A backslash itself is written as \\\\',
      'Error: Incomplete escape specifier.',
    );
  }
  if (Object.hasOwn(escapes, letter)) return escapes[letter]!;
  throw new FormatMistake(
    `-F has no escape \\${letter}`,
    'There are \\\\ \\0 \\a \\e \\n \\r \\t \\v',
    `Error: Invalid escape specifier '${letter}'.`,
  );
}

function incomplete(): UsageError {
  return new FormatMistake(
    '-F ends within a conversion',
    'A percent sign is written as %%, @ as @@',
    'Error: Incomplete format specifier.',
  );
}

/** A mistake in a format, in our words and in mosquitto's. */
export class FormatMistake extends UsageError {
  readonly theirs: string;

  constructor(message: string, hint: string, theirs: string) {
    super(message, hint);
    this.theirs = theirs;
  }
}

function timePart(letter: string): Part {
  return (_message, at, sink) => sink.text(strftime(letter, at));
}

function conversion(rest: string, settings: FormatSettings): readonly [Part, number] {
  const [whole = '', minus, zero, width, precision] = specification.exec(rest) ?? [];
  let length = whole.length;
  let letter = rest[length];
  if (letter === undefined) throw incomplete();
  let separator = ' ';
  const next = rest[length + 1];
  if (separators.includes(letter)) {
    separator = letter;
    letter = next ?? '\0';
    length += 1;
  }
  const field: Field = {
    leftAligned: minus === '-',
    zeros: zero === '0',
    width: width === '' || width === undefined ? 0 : Math.min(Number(width), 10_000),
    precision: precision === undefined ? undefined : Number(precision),
    separator,
  };
  if (!Object.hasOwn(conversions, letter)) {
    throw new FormatMistake(
      `-F has no conversion %${letter}`,
      'There are %t %p %x %X %l %q %r %m %j %J %I %U %f %d %A %C %D %E %F %P %R %S',
      `Error: Invalid format specifier '${letter}'.`,
    );
  }
  return [conversions[letter]!(field, settings), length + 1];
}

type Conversion = (field: Field, settings: FormatSettings) => Part;

const conversions: Readonly<Record<string, Conversion>> = {
  '%': () => (_message, _at, sink) => sink.text('%'),
  t: (field) => (message, _at, sink) => text(message.topic, field, sink),
  p: (field) => (message, _at, sink) => payload(message.payload, field, sink),
  l: (field) => (message, _at, sink) => sink.text(number(message.payload.length, field)),
  q: () => (message, _at, sink) => sink.text(`${message.qos}`),
  r: () => (message, _at, sink) => sink.text(message.retain ? '1' : '0'),
  m: (field) => (message, _at, sink) => sink.text(number(message.packetIdentifier ?? 0, field)),
  x: (field) => (message, _at, sink) => sink.text(hex(message.payload, field, false)),
  X: (field) => (message, _at, sink) => sink.text(hex(message.payload, field, true)),
  f: (field, settings) => (message, _at, sink) => float(message.payload, 4, field, settings, sink),
  d: (field, settings) => (message, _at, sink) => float(message.payload, 8, field, settings, sink),
  j: (_field, settings) => (message, at, sink) => {
    messageJson(message, at, 'text', settings, sink);
  },
  J: (_field, settings) => (message, at, sink) => {
    if (!messageJson(message, at, 'json', settings, sink)) {
      settings.onProblem(`Error: Message payload is not valid JSON on topic ${message.topic}.\n`);
    }
  },
  I: (field) => (_message, at, sink) => text(strftime('FT%T%z', at), field, sink),
  U: () => (_message, at, sink) => sink.text(`${at.seconds}.${nanoseconds(at)}`),
  A: (field, settings) => (message, _at, sink) =>
    sink.text(number(topicAlias(message, settings), field)),
  C: (field) => (message, _at, sink) => {
    if (message.contentType === undefined) sink.text(blank(field));
    else text(message.contentType, field, sink);
  },
  D: () => (message, _at, sink) => {
    if (message.correlationData !== undefined) sink.bytes(message.correlationData);
  },
  E:
    (field, { likeTheirs }) =>
    (message, _at, sink) => {
      const seconds = message.messageExpirySeconds;
      // They take its 32 bits for a number with a sign.
      sink.text(number(likeTheirs && seconds !== undefined ? seconds | 0 : seconds, field));
    },
  F: (field) => (message, _at, sink) => sink.text(number(message.payloadFormatIndicator, field)),
  P: () => (message, _at, sink) =>
    sink.text(message.userProperties.map(([name, value]) => `${name}:${value}`).join(' ')),
  R: (field) => (message, _at, sink) => {
    if (message.responseTopic !== undefined) text(message.responseTopic, field, sink);
  },
  S: (field, settings) => (message, _at, sink) =>
    sink.text(number(subscriptionIdentifier(message, settings), field)),
};

function nanoseconds(at: ReceivedAt): string {
  return `${at.nanoseconds}`.padStart(9, '0');
}

/** Width and precision count bytes. */
function text(value: string, { width, precision, leftAligned }: Field, sink: Sink): void {
  const bytes = Buffer.from(value).subarray(0, precision);
  const filling = ' '.repeat(Math.max(0, width - bytes.length));
  if (!leftAligned && filling !== '') sink.text(filling);
  if (bytes.length > 0) sink.bytes(bytes);
  if (leftAligned && filling !== '') sink.text(filling);
}

/** What a property that is missing leaves free. */
function blank({ width, zeros }: Field): string {
  return (zeros ? '0' : ' ').repeat(width);
}

function number(value: number | undefined, field: Field): string {
  return value === undefined ? blank(field) : padded(`${value}`, field);
}

function padded(digits: string, { width, leftAligned, zeros }: Field): string {
  if (leftAligned) return digits.padEnd(width);
  if (!zeros) return digits.padStart(width);
  const sign = digits.startsWith('-') ? '-' : '';
  return sign + digits.slice(sign.length).padStart(width - sign.length, '0');
}

/** A width cuts, too. */
function payload(bytes: Uint8Array, { width, leftAligned, zeros }: Field, sink: Sink): void {
  const shown = width > 0 && bytes.length > width ? bytes.subarray(0, width) : bytes;
  const filling = leftAligned
    ? ' '.repeat(leftFilling(width, bytes, 1))
    : (zeros ? '0' : ' ').repeat(Math.max(0, width - bytes.length));
  if (!leftAligned && filling !== '') sink.text(filling);
  if (shown.length > 0) sink.bytes(shown);
  if (leftAligned && filling !== '') sink.text(filling);
}

/** Between the digits, filling among them, stand separators; after the last digit of the payload there is none. */
function hex(bytes: Uint8Array, field: Field, upper: boolean): string {
  const { width, leftAligned, zeros } = field;
  const shown = width > 0 ? bytes.subarray(0, width) : bytes;
  const digits = Buffer.from(shown).toString('hex');
  const cased = upper ? digits.toUpperCase() : digits;
  if (leftAligned) return grouped(cased, 0, field) + ' '.repeat(leftFilling(width, bytes, 2));
  const room = width === 0 ? 0 : Math.max(0, width - digits.length);
  return grouped((zeros ? '0' : ' ').repeat(room) + cased, room, field);
}

/** Without a width as many as the payload has bytes, and as many as do not fit, too: so it is there. */
function leftFilling(width: number, { length }: Uint8Array, digits: 1 | 2): number {
  return width === 0 ? length : Math.abs(width - Math.min(width, length) * digits);
}

/** `filling`: how many signs at the beginning are no digits. */
function grouped(text: string, filling: number, { precision = 0, separator }: Field): string {
  if (precision === 0) return text;
  let result = '';
  for (const [index, sign] of [...text].entries()) {
    const isLastDigit = index === text.length - 1 && index >= filling;
    const ends = index % precision === precision - 1;
    result += ends && !isLastDigit ? sign + separator : sign;
  }
  return result;
}

function float(
  bytes: Uint8Array,
  size: 4 | 8,
  field: Field,
  { onProblem }: FormatSettings,
  sink: Sink,
): void {
  if (bytes.length !== size) {
    const kind = size === 4 ? 'float' : 'double';
    onProblem(`requested ${kind} printing, but non-${kind} data received`);
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const value = size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
  const shown = shownFloat(value, Math.min(field.precision ?? 6, 100));
  // What is no number is filled with blanks.
  sink.text(padded(shown, Number.isFinite(value) ? field : { ...field, zeros: false }));
}

/** As C prints it: the exact value, rounded to the even digit when it lies in the middle. */
function shownFloat(value: number, precision: number): string {
  if (Number.isNaN(value)) return 'nan';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (!Number.isFinite(value)) return `${sign}inf`;
  const [mantissa, exponent] = parts(Math.abs(value));
  const scaled = mantissa * 10n ** BigInt(precision);
  const rounded = exponent >= 0 ? scaled << BigInt(exponent) : halved(scaled, BigInt(-exponent));
  const digits = `${rounded}`.padStart(precision + 1, '0');
  const point = digits.length - precision;
  return `${sign}${digits.slice(0, point)}${precision === 0 ? '' : `.${digits.slice(point)}`}`;
}

/** The value is the first times two to the power of the second. */
function parts(value: number): readonly [mantissa: bigint, exponent: number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const exponent = Number(bits >> 52n);
  return exponent === 0 ? [fraction, -1074] : [fraction | (1n << 52n), exponent - 1075];
}

/** Divided by two so many times, rounded to even. */
function halved(value: bigint, times: bigint): bigint {
  const whole = value >> times;
  const rest = value - (whole << times);
  const half = 1n << (times - 1n);
  const up = rest > half || (rest === half && (whole & 1n) === 1n);
  return up ? whole + 1n : whole;
}
