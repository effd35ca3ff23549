/** The messages of the benchmark: numbered, so that a lost, doubled, moved or damaged one is noticed. */

export const payloadSize = 64;
const topics = Array.from({ length: 100 }, (_, n) => `bench/device/${100 + n}/reading`);

/** @param {number} sequence */
export function topicOf(sequence) {
  return topics[sequence % topics.length] ?? '';
}

/** @param {Uint8Array} payload @param {number} sequence */
export function fillMessage(payload, sequence) {
  payload[0] = sequence >>> 24;
  payload[1] = sequence >>> 16;
  payload[2] = sequence >>> 8;
  payload[3] = sequence;
  payload[payloadSize - 1] = sequence ^ 0x5a;
}

/**
 * What is wrong with the message that comes after `sequence` others; `undefined`: nothing.
 *
 * @param {string} topic @param {Uint8Array} payload @param {number} sequence
 */
export function problemOf(topic, payload, sequence) {
  if (payload.length !== payloadSize) return `message ${sequence}: ${payload.length} bytes`;
  const [a = 0, b = 0, c = 0, d = 0] = payload;
  const found = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  if (found !== sequence) return `message ${sequence}: number ${found} came`;
  if (payload[payloadSize - 1] !== ((sequence ^ 0x5a) & 255)) return `message ${sequence}: damaged`;
  if (topic !== topicOf(sequence)) return `message ${sequence}: topic ${topic}`;
  return undefined;
}
