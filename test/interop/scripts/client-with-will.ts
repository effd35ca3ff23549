// Connects with a will, says so, and stays until it is killed. Words: URL, version, topic of the will.
import { connect } from 'mqtt-kit';

const [url = '', version, topic = ''] = process.argv.slice(2);
const client = await connect(url, {
  version: version === '5.0' ? '5.0' : '3.1.1',
  will: { topic, payload: 'died', qos: 1, retain: true },
});
console.log(`connected as ${client.clientId}`);
setInterval(() => {}, 1_000);
