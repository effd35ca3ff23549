/**
 * A process whose built-in prototypes are frozen before the client is loaded: code that adds to them, or that loses its
 * way because of a name like `__proto__`, throws. Takes URLs, and a file with the authority for those with TLS.
 */
import { readFileSync } from 'node:fs';

for (const builtIn of [
  Object,
  Array,
  Function,
  String,
  Number,
  Boolean,
  Symbol,
  BigInt,
  RegExp,
  Date,
  Map,
  Set,
  WeakMap,
  WeakSet,
  Promise,
  Error,
  TypeError,
  ArrayBuffer,
  DataView,
  Uint8Array,
  Object.getPrototypeOf(Uint8Array) as typeof Uint8Array,
  TextEncoder,
  TextDecoder,
  URL,
  AbortSignal,
]) {
  Object.freeze(builtIn.prototype);
  Object.freeze(builtIn);
}

const { connect, topic } = await import('mqtt-kit');
const { fileStore } = await import('@mqtt-kit/store-file');

const [authority = '', directory = '', ...urls] = process.argv.slice(2);
const nasty = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];

for (const [index, url] of urls.entries()) {
  const secure = /^(mqtts|wss):/.test(url);
  const client = await connect(url, {
    clientId: `frozen-${index}`,
    store: fileStore(directory),
    will: { topic: 'will', payload: { gone: true } },
    userProperties: nasty.map((name) => [name, 'x']),
    ...(secure && { tls: { ca: readFileSync(authority, 'utf8') } }),
  });
  let left = 3 * nasty.length;
  const all = new Promise<void>((resolve, reject) => {
    client.on('error', reject);
    const subscribed = client.subscribe(`${index}/+name/#rest`, { qos: 2 }, (message) => {
      const { name } = message.params;
      const [[property] = []] = message.userProperties;
      if (message.json<{ name: string }>().name !== name || property !== name) {
        reject(new Error(`another message than was sent: ${name}`));
      }
      left -= 1;
      if (left === 0) resolve();
    });
    subscribed.catch(reject);
  });
  const pattern = topic(`${index}/+name/#rest`);
  for (const name of nasty) {
    for (const qos of [0, 1, 2] as const) {
      const filled = pattern.fill({ name, rest: [name] });
      await client.publish(filled, { name }, { qos, userProperties: [[name, name]] });
    }
  }
  await all;
  await client.unsubscribe(`${index}/+/#`);
  await client.close();
}
if (Object.keys({}).length > 0 || 'x' in {}) throw new Error('a prototype was changed');
console.log(`done ${urls.length}`);
