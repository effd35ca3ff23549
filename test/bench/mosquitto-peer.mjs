/**
 * The other end of the benchmark behind a real broker: mosquitto-peer.mjs <url>
 *
 * Of what clients publish it gets one topic in a hundred, so that it costs the broker next to nothing, and compares
 * each of those messages. What `bench/start` asks for it publishes.
 */
import { connect } from 'mqtt-kit';
import {
  fillMessage,
  messageProperties,
  problemOf,
  sequenceOf,
  topicCount,
  topicOf,
} from './harness/message.mjs';

const client = await connect(process.argv[2] ?? '', { queue: { maxMessages: 1_000_000 } });
const { messageExpirySeconds, contentType, userProperty } = messageProperties;
let expected = { size: 64, properties: false };
let next = 0;
let wrong = 0;
let firstProblem = '';
let wanted = Number.POSITIVE_INFINITY;
let lastSent = 0;

// What it sends itself does not come back.
await client.subscribe(topicOf(0), { qos: 2, noLocal: true }, ({ topic, payload, ...message }) => {
  let problem = problemOf(topic, payload, next, expected.size);
  if (problem === undefined && expected.properties && message.contentType !== contentType) {
    problem = `message ${next}: content type ${message.contentType}`;
  }
  if (problem !== undefined) {
    wrong += 1;
    firstProblem ||= `${problem} (number ${sequenceOf(payload)})`;
  }
  next += topicCount;
  tellWhenAllCame();
});

await client.subscribe('bench/start', async (message) => {
  const [qos = 0, count = 0] = message.text().split(' ').map(Number);
  for (let sequence = 0; sequence < count; ) {
    // In portions, so that the broker's memory holds it.
    let last;
    for (const end = Math.min(count, sequence + 500); sequence < end; sequence += 1) {
      const payload = new Uint8Array(expected.size);
      fillMessage(payload, sequence);
      last = client.publish(topicOf(sequence), payload, {
        qos: /** @type {0 | 1 | 2} */ (qos),
        ...(expected.properties && {
          messageExpirySeconds,
          contentType,
          userProperties: [userProperty],
        }),
      });
    }
    await last;
  }
});

function tellWhenAllCame() {
  if (next < wanted) return;
  wanted = Number.POSITIVE_INFINITY;
  // Every hundredth came in its place: so did all before it.
  process.send?.({ received: lastSent, wrong, firstProblem });
}

process.on(
  'message',
  (/** @type {{ sent?: number, size: number, properties: boolean }} */ told) => {
    if (told.sent === undefined) {
      expected = told;
      next = 0;
      wrong = 0;
      firstProblem = '';
      process.send?.('ready');
      return;
    }
    lastSent = told.sent;
    wanted = Math.ceil(told.sent / topicCount) * topicCount;
    tellWhenAllCame();
  },
);
process.once('disconnect', () => process.exit(0));
process.send?.('listening');
