/** Payloads of simulations: a number in decimal, then filling. Whoever sees one knows which message it is. */
const separator = 58;

export function makePayload(number: number, length: number): Uint8Array {
  const digits = String(number);
  const payload = new Uint8Array(Math.max(length, digits.length + 1));
  for (let index = 0; index < digits.length; index++) payload[index] = digits.charCodeAt(index);
  payload[digits.length] = separator;
  for (let index = digits.length + 1; index < payload.length; index++)
    payload[index] = number & 255;
  return payload;
}

/** The number of a payload, or 0 when it is not one of ours whole. */
export function payloadNumber(payload: Uint8Array): number {
  let number = 0;
  for (let index = 0; index < payload.length; index++) {
    const byte = payload[index] as number;
    if (byte === separator) return isFilled(payload, index + 1, number) ? number : 0;
    if (byte < 48 || byte > 57) return 0;
    number = number * 10 + byte - 48;
  }
  return 0;
}

function isFilled(payload: Uint8Array, from: number, number: number): boolean {
  for (let index = from; index < payload.length; index++) {
    if (payload[index] !== (number & 255)) return false;
  }
  return true;
}
