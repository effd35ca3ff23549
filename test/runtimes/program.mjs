// @ts-check
/**
 * What a program does in every runtime: QoS 1 both ways over each URL it is given, then nothing. It ends when nothing is
 * open any more, and only then.
 *
 *   node test/runtimes/program.mjs CA-FILE URL...
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { connect } from 'mqtt-kit';

const [caFile = '', ...urls] = process.argv.slice(2);
const ca = readFileSync(caFile, 'utf8');
const { bun, deno, node } = process.versions;
console.log(bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`);

for (const url of urls) {
  const { protocol } = new URL(url);
  const secure = protocol === 'mqtts:' || protocol === 'wss:';
  const client = await connect(url, secure ? { tls: { ca } } : {});
  const readings = await client.subscribe('house/+room/temperature', { qos: 1 });
  const { reasonCode } = await client.publish('house/attic/temperature', '19.5 °C', { qos: 1 });
  for await (const message of readings) {
    console.log(protocol, message.params.room, message.text(), `QoS ${message.qos}`, reasonCode);
    break;
  }
  const { unsent, unacknowledged } = await client.close();
  if (unsent + unacknowledged > 0) throw new Error(`${protocol} left messages behind`);
}
console.log('done');
