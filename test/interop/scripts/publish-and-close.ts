// Connects, hears its own message, closes, and has nothing left that keeps the process alive. Words: URL, version, topic.
import { once } from 'node:events';
import { connect } from 'mqtt-kit';

const [url = '', version, topic = ''] = process.argv.slice(2);
const client = await connect(url, {
  version: version === '5.0' ? '5.0' : '3.1.1',
  // The certificates of the tests are not what this is about.
  ...(/^(mqtts|wss):/.test(url) && { tls: { rejectUnauthorized: false } }),
});
const heard = new EventTarget();
await client.subscribe(topic, { qos: 1 }, () => heard.dispatchEvent(new Event('message')));
const message = once(heard, 'message');
await client.publish(topic, 'hello', { qos: 2 });
await message;
const { unsent, unacknowledged } = await client.close();
console.log(`closed with ${unsent} unsent and ${unacknowledged} unacknowledged`);
