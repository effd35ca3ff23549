/**
 * UTF-8 Encoded Strings (1.5.4): well-formed, without surrogates and U+0000, U+FEFF kept.
 * Control characters and non-characters are allowed both ways: the specification leaves that to the receiver.
 */

/** The two length bytes in front of strings and binary data can say no more. [MQTT-4.7.3-3] */
export const maximumStringSize = 65_535;

// `fatal` refuses everything that is ill-formed, encoded surrogates included [MQTT-1.5.4-1];
// without `ignoreBOM` a leading U+FEFF would be dropped [MQTT-1.5.4-3].
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const encoder = new TextEncoder();

/** Above this many characters the encoder is quicker than a loop, in spite of its fixed cost. */
const longText = 48;

/**
 * Up to this many bytes a loop over ASCII is quicker than calling the decoder, which has a fixed cost. Longer
 * texts put together from pieces would also be ropes, which cost more where they are first used.
 */
const shortText = 12;

/** The text, or `undefined` when the bytes are ill-formed. U+0000 is the caller's to refuse. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= shortText) {
    const text = decodeAscii(bytes, start, end);
    if (text !== undefined) return text;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** The text, or `undefined` when there is anything but ASCII in it. */
function decodeAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  let index = start;
  for (; index + 4 <= end; index += 4) {
    const first = bytes[index]!;
    const second = bytes[index + 1]!;
    const third = bytes[index + 2]!;
    const fourth = bytes[index + 3]!;
    if ((first | second | third | fourth) >= 0x80) return undefined;
    text += String.fromCharCode(first, second, third, fourth);
  }
  for (; index < end; index += 1) {
    const byte = bytes[index]!;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Why a text cannot be sent as a UTF-8 Encoded String, as the end of a sentence, or its size in bytes. */
export function utf8Size(text: string): number | string {
  const length = text.length;
  let size = length;
  for (let index = 0; index < length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      if (unit === 0) return `must not contain U+0000, found at index ${index}`; // [MQTT-1.5.4-2]
    } else if (unit < 0x800) {
      size += 1;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      size += 2;
    } else {
      // A pair of surrogates is two units and four bytes. A lone one has no UTF-8 form. [MQTT-1.5.4-1]
      const next = text.charCodeAt(index + 1);
      if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) {
        return `must be well-formed, found a lone surrogate U+${unit.toString(16).toUpperCase()} at index ${index}`;
      }
      index += 1;
      size += 2;
    }
  }
  if (size > maximumStringSize) {
    return `must be at most ${maximumStringSize} bytes of UTF-8, found ${size}`;
  }
  return size;
}

/**
 * Writes a text of ASCII without U+0000, one byte a character; `false` when there is anything else in it, which
 * leaves the room in an unknown state. The room must be there.
 */
export function encodeAscii(text: string, target: Uint8Array, offset: number): boolean {
  const length = text.length;
  if (length > longText) {
    const room = target.subarray(offset, offset + length);
    return encoder.encodeInto(text, room).read === length && room.indexOf(0) < 0;
  }
  for (let index = 0; index < length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === 0 || unit >= 0x80) return false;
    target[offset + index] = unit;
  }
  return true;
}

/** Writes a text that `utf8Size` accepted, and returns the offset after it. The room must be there. */
export function encodeUtf8(text: string, target: Uint8Array, offset: number): number {
  const length = text.length;
  let position = offset;
  for (let index = 0; index < length; index += 1) {
    let unit = text.charCodeAt(index);
    if (unit < 0x80) {
      target[position++] = unit;
    } else if (unit < 0x800) {
      target[position++] = 0xc0 | (unit >> 6);
      target[position++] = 0x80 | (unit & 0x3f);
    } else {
      if (unit >= 0xd800 && unit <= 0xdfff) {
        index += 1;
        unit = 0x10000 + ((unit & 0x3ff) << 10) + (text.charCodeAt(index) & 0x3ff);
        target[position++] = 0xf0 | (unit >> 18);
        target[position++] = 0x80 | ((unit >> 12) & 0x3f);
      } else {
        target[position++] = 0xe0 | (unit >> 12);
      }
      target[position++] = 0x80 | ((unit >> 6) & 0x3f);
      target[position++] = 0x80 | (unit & 0x3f);
    }
  }
  return position;
}
