/** The messages of the benchmark: numbered, so that a lost, doubled, moved or damaged one is noticed. */

const topics = Array.from({ length: 100 }, (_, n) => `bench/device/${100 + n}/reading`);

/** How many topics there are: message n goes to topic n modulo this. */
export const topicCount = topics.length;

/** The properties of messages that have some, as clients are given them. */
export const messageProperties = {
  messageExpirySeconds: 3600,
  contentType: 'application/json',
  userProperty: /** @type {const} */ (['unit', 'celsius']),
};

/** The same on the wire, in one of the possible orders. */
export const propertyBytes = Buffer.concat([
  Buffer.from([0x02, 0, 0, 3600 >> 8, 3600 & 255]),
  Buffer.from([0x03, 0, messageProperties.contentType.length]),
  Buffer.from(messageProperties.contentType),
  Buffer.from([0x26, 0, messageProperties.userProperty[0].length]),
  Buffer.from(messageProperties.userProperty[0]),
  Buffer.from([0, messageProperties.userProperty[1].length]),
  Buffer.from(messageProperties.userProperty[1]),
]);

/** @param {number} sequence */
export function topicOf(sequence) {
  return topics[sequence % topicCount] ?? '';
}

/** At least 16 bytes. @param {Uint8Array} payload @param {number} sequence */
export function fillMessage(payload, sequence) {
  payload[0] = sequence >>> 24;
  payload[1] = sequence >>> 16;
  payload[2] = sequence >>> 8;
  payload[3] = sequence;
  payload[payload.length >> 1] = sequence ^ 0xa5;
  payload[payload.length - 1] = sequence ^ 0x5a;
}

/** @param {Uint8Array} payload */
export function sequenceOf(payload) {
  const [a = 0, b = 0, c = 0, d = 0] = payload;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/**
 * What is wrong with the message that comes after `sequence` others; `undefined`: nothing.
 *
 * @param {string} topic @param {Uint8Array} payload @param {number} sequence @param {number} size
 */
export function problemOf(topic, payload, sequence, size) {
  const { length } = payload;
  if (length !== size) return `message ${sequence}: ${length} bytes, not ${size}`;
  const found =
    (((payload[0] ?? 0) << 24) |
      ((payload[1] ?? 0) << 16) |
      ((payload[2] ?? 0) << 8) |
      (payload[3] ?? 0)) >>>
    0;
  if (found !== sequence) return `message ${sequence}: number ${found} came`;
  if (
    payload[length - 1] !== ((sequence ^ 0x5a) & 255) ||
    payload[length >> 1] !== ((sequence ^ 0xa5) & 255)
  ) {
    return `message ${sequence}: damaged`;
  }
  if (topic !== topicOf(sequence)) return `message ${sequence}: topic ${topic}`;
  return undefined;
}

/** A line of text as the programs send and print it. @param {number} sequence */
export function lineOf(sequence) {
  return `reading ${String(sequence).padStart(8, '0')} of a sensor in the house: 21.5 degrees now`;
}
