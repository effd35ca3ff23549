/**
 * Packets by hand, for tests that must not trust the codec they test: hex in, bytes out.
 */

export type Version = '5.0' | '3.1.1';

/** Hex text (blanks allowed), one byte as a number, bytes, or any nesting of these. */
export type Part = string | number | Uint8Array | readonly Part[];

/** Puts parts one behind the other. */
export function bytes(...parts: readonly Part[]): Uint8Array {
  const out: number[] = [];
  const chunks: Uint8Array[] = [];
  const settle = (): void => {
    if (out.length > 0) chunks.push(Uint8Array.from(out.splice(0)));
  };
  const append = (part: Part): void => {
    if (typeof part === 'number') out.push(part);
    else if (typeof part === 'string') out.push(...hex(part));
    else if (part instanceof Uint8Array) {
      settle();
      chunks.push(part);
    } else for (const inner of part) append(inner);
  };
  append(parts);
  settle();
  return concatenated(chunks);
}

function hex(digits: string): number[] {
  const dense = digits.replaceAll(/\s/g, '');
  if (!/^([0-9a-fA-F]{2})*$/.test(dense)) throw new Error(`not hex: ${digits}`);
  return (dense.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

export function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** For messages to people. */
export function inHex(data: Uint8Array): string {
  const shown = [...data.subarray(0, 64)].map((byte) => byte.toString(16).padStart(2, '0'));
  return shown.join(' ') + (data.length > 64 ? ` ... (${data.length} bytes)` : '');
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** UTF-8 String: two bytes of length, then the bytes. */
export function string(text: string): Uint8Array {
  return binary(utf8(text));
}

/** Binary Data, or a UTF-8 String of bytes that are none. */
export function binary(...parts: readonly Part[]): Uint8Array {
  const data = bytes(parts);
  return concatenated([u16(data.length), data]);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** Variable Byte Integer in its shortest form. */
export function vbi(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  do {
    const more = rest > 127;
    out.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Uint8Array.from(out);
}

/** A whole packet: the first byte, the Remaining Length of what follows, what follows. */
export function packet(firstByte: number, ...body: readonly Part[]): Uint8Array {
  const rest = bytes(body);
  return concatenated([Uint8Array.of(firstByte), vbi(rest.length), rest]);
}

/** A property block: its length, then the properties. */
export function properties(...parts: readonly Part[]): Uint8Array {
  const block = bytes(parts);
  return concatenated([vbi(block.length), block]);
}

export interface PublishFields {
  /** DUP, QoS, RETAIN: the low nibble of the first byte. */
  readonly flags?: number;
  readonly topic?: string | Uint8Array;
  readonly id?: number;
  readonly props?: readonly Part[];
  readonly payload?: Part;
}

/** PUBLISH. A topic given as bytes is its content without the length. */
export function publish(version: Version, fields: PublishFields = {}): Uint8Array {
  const { flags = 0, topic = 't', id, props = [], payload = [] } = fields;
  return packet(
    0x30 | flags,
    typeof topic === 'string' ? string(topic) : binary(topic),
    id === undefined ? [] : u16(id),
    version === '5.0' ? properties(props) : [],
    payload,
  );
}

/** CONNACK that accepts. */
export function accepted(version: Version, ...props: readonly Part[]): Uint8Array {
  return version === '5.0' ? packet(0x20, '00 00', properties(props)) : packet(0x20, '00 00');
}
