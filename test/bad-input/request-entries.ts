/** Entries 44 to 55, 59 to 62 and 65: subscriptions, the client as a whole, and other runtimes. */
import {
  type CloseOptions,
  connect,
  type MqttClient,
  type SubscribeOptions,
  topic,
} from 'mqtt-kit';
import { expect } from 'vitest';
import { bundle } from '../browser/bundle.mjs';
import { packet, properties, string, u16 } from '../conformance/support/bytes.ts';
import { readSubscribe } from '../conformance/support/client-packets.ts';
import { soon } from '../conformance/support/raw-server.ts';
import { checkError, type Entry, rejection, type Says, Stage } from './stage.ts';

/** A subscribe of what the types forbid. */
function subscribe(filter: unknown, options?: unknown, handler?: unknown) {
  return (client: MqttClient) =>
    client.subscribe(filter as string, options as SubscribeOptions, handler as () => void);
}

/** A filter that is none: for `subscribe`, `unsubscribe` and `topic()`. */
async function refusesFilter(stage: Stage, filter: unknown, ...says: Says): Promise<void> {
  await stage.refusesCall(subscribe(filter), 'topic filter', ...says);
  await stage.refusesCall(subscribe(['good', filter]), 'topic filter', ...says);
  await stage.refusesCall((client) => client.unsubscribe(filter as string), ...says);
  checkError(await rejection(() => topic(filter as string)), 'invalidArgument', says);
}

/** `connect` of the package's entry for browsers. */
async function browserConnect(): Promise<typeof connect> {
  const { code } = await bundle("export { connect } from 'mqtt-kit';");
  const module = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return module.connect;
}

export const requestEntries: readonly Entry[] = [
  [
    44,
    'an empty topic filter, or one that is no text',
    async (stage) => {
      await refusesFilter(stage, '', '""', 'must not be empty');
      await refusesFilter(stage, 17, 'must be a string', 'got 17');
      await refusesFilter(stage, undefined, 'must be a string', 'got undefined');
      await refusesFilter(stage, 'a\0', 'U+0000');
      await refusesFilter(stage, 'x'.repeat(65_536), /65,?535 bytes/, /65,?536/);
    },
  ],
  [45, '"#" that is not last', (stage) => refusesFilter(stage, 'a/#/b', '"#"', 'last level')],
  [46, '"+" beside other characters', (stage) => refusesFilter(stage, 'a+/b', '"+" alone', '1')],
  [
    47,
    '"#" before other characters: a name of the wildcard, unless it is no name',
    async (stage) => {
      // "#a" is a wildcard that is called "a", and goes on the wire as "#".
      expect(topic('#a').filter).toBe('#');
      await refusesFilter(stage, 'b#a', '"#" alone', 'index 1');
      await refusesFilter(stage, '#a/b', '"#"', 'last level');
      await refusesFilter(stage, '##', '"+" or "#"', '"#"');
      await refusesFilter(stage, '+a/+a', 'two wildcards named "a"');
      await refusesFilter(stage, '+__proto__', '"__proto__"');
    },
  ],
  [
    48,
    'a shared subscription without name or filter, or with a wildcard in its name',
    async (stage) => {
      await refusesFilter(stage, '$share//t', 'share name', 'at least one');
      await refusesFilter(stage, '$share/g', 'topic filter after its share name');
      await refusesFilter(stage, '$share/g/', 'topic filter after its share name');
      await refusesFilter(stage, '$share/+/t', 'share name', 'wildcards');
      await refusesFilter(stage, '$share/g#/t', 'share name', 'wildcards');
    },
  ],
  [
    49,
    'a shared subscription with noLocal',
    async (stage) => {
      const says = ['noLocal', 'shared', '"$share/g/t"'];
      await stage.refusesCall(subscribe('$share/g/t', { noLocal: true }), ...says);
      await stage.refusesCall(subscribe(['a', '$share/g/t'], { noLocal: true }), ...says);
    },
  ],
  [
    50,
    'an empty list of topic filters',
    async (stage) => {
      const says = ['topic filter', 'array of at least one', 'an array'];
      await stage.refusesCall(subscribe([]), ...says);
      await stage.refusesCall((client) => client.unsubscribe([]), ...says);
    },
  ],
  [
    51,
    'a handler that is no function, and other options of subscribe that cannot be',
    async (stage) => {
      await stage.refusesCall(subscribe('a', {}, 5), 'handler must be a function', 'got 5');
      await stage.refusesCall(subscribe('a', 5), 'options of subscribe', 'an object', 'got 5');
      await stage.refusesCall(
        subscribe(
          'a',
          () => 1,
          () => 2,
        ),
        'not two handlers',
      );
      for (const [options, ...says] of [
        [{ qos: '1' }, 'qos', '0, 1 or 2', '"1"'],
        [{ noLocall: true }, 'options of subscribe', '"noLocall"', 'Did you mean noLocal?'],
        [{ noLocal: 1 }, 'noLocal', 'true or false', '1'],
        [{ retainAsPublished: 'x' }, 'retainAsPublished', 'true or false', '"x"'],
        [{ retainHandling: 3 }, 'retainHandling', '"always", "ifNew" or "never"', '3'],
        [{ concurrency: 0 }, 'concurrency', 'at least 1', '0'],
        [{ bufferSize: 0 }, 'bufferSize', 'at least 1', '0'],
        [{ overflow: 'x' }, 'overflow', '"pause", "dropOldest" or "dropNewest"', '"x"'],
        [{ timeoutMs: Number.NaN }, 'timeoutMs', 'at least 0', 'NaN'],
        [{ signal: 'x' }, 'signal', 'an AbortSignal', '"x"'],
        [{ userProperties: [['a', 5]] }, 'userProperties[0]', '5'],
      ] as const) {
        await stage.refusesCall(subscribe('a', options), ...says);
      }
      const client = await stage.client();
      const status = () => client.on('statuss' as 'status', () => {});
      checkError(await rejection(status), 'invalidArgument', ['event', '"status"', '"statuss"']);
      const listener = () => client.on('status', 5 as never);
      checkError(await rejection(listener), 'invalidArgument', ['listener', 'a function', '5']);
    },
  ],
  [
    52,
    'an unsubscribe from what nobody subscribed to: it succeeds, and the code of the server shows',
    async () => {
      await using stage = await Stage.open();
      // Of a session that began clean everything is known: nobody needs to be asked.
      const clean = await stage.client();
      expect(await clean.unsubscribe(['a', 'b'])).toEqual([0x11, 0x11]);
      await stage.sawNothing();

      await using kept = await Stage.open();
      const client = await kept.client({ cleanStart: false });
      const connection = kept.server.connections[0]!;
      connection.answering = false;
      const ended = client.unsubscribe(['a', 'b']);
      const sent = await connection.packet('UNSUBSCRIBE', ({ type }) => type === 10);
      connection.write(packet(0xb0, sent.body.subarray(0, 2), properties(), 0x11, 0x00));
      expect(await ended).toEqual([0x11, 0x00]);
    },
  ],
  [
    53,
    'connecting twice: each call makes a client of its own',
    async () => {
      await using stage = await Stage.open();
      const clients = await Promise.all([connect(stage.url), connect(stage.url)]);
      expect(new Set(clients.map(({ clientId }) => clientId)).size).toBe(2);
      expect(stage.server.connections).toHaveLength(2);
      for (const client of clients) {
        expect('connect' in client).toBe(false);
        await client.close();
      }
    },
  ],
  [
    54,
    'closing twice: the same promise, and options that cannot be are refused before',
    async (stage) => {
      for (const [options, ...says] of [
        [{ timeoutMs: -1 }, 'timeoutMs', 'at least 0', '-1'],
        [{ reasonCode: 1 }, 'reasonCode', '0, 4, 128', '1'],
        [{ timeout: 1 }, 'options of close', '"timeout"', 'Did you mean timeoutMs?'],
        [{ reasonString: 5 }, 'reasonString', 'a string', '5'],
        [{ sessionExpirySeconds: 5 }, 'sessionExpirySeconds', '0', '5'],
      ] as const) {
        await stage.refusesCall((client) => client.close(options as CloseOptions), ...says);
      }
      const client = await stage.client();
      const closing = client.close();
      expect(client.close()).toBe(closing);
      expect(await closing).toEqual({ unsent: 0, unacknowledged: 0 });
      expect(client.close()).toBe(closing);
    },
  ],
  [
    55,
    'a signal that has been aborted already',
    async (stage) => {
      const signal = AbortSignal.abort(new Error('no more'));
      const errors = [
        await stage.failsToConnect(stage.url, { signal }, 'aborted', 'connecting'),
        await stage.failsCall(
          (client) => client.publish('a', 'x', { signal }),
          'aborted',
          'publish to "a"',
        ),
        await stage.failsCall((client) => client.subscribe('a', { signal }), 'aborted'),
        await stage.failsCall((client) => client.unsubscribe('a', { signal }), 'aborted'),
      ];
      for (const { cause } of errors) expect(cause).toBe(signal.reason);
    },
  ],
  [
    59,
    'a runtime without WebSocket',
    async (stage) => {
      const connectInBrowser = await browserConnect();
      const { WebSocket } = globalThis;
      try {
        Reflect.deleteProperty(globalThis, 'WebSocket');
        const url = stage.url.replace('mqtt:', 'ws:');
        const error = await rejection(() => connectInBrowser(url));
        checkError(error, 'webSocketFailed', ['WebSocket', 'ws://']);
      } finally {
        if (WebSocket !== undefined) globalThis.WebSocket = WebSocket;
      }
      const plain = checkError(
        await rejection(() => connectInBrowser(stage.url)),
        'invalidArgument',
        ['mqtt:// is not available here', stage.url],
      );
      expect(plain.hint).toMatch(/ws:\/\/ or wss:\/\//);
    },
  ],
  [
    60,
    'headers and TLS options in a browser, which sets them itself',
    async (stage) => {
      const connectInBrowser = await browserConnect();
      const url = stage.url.replace('mqtt:', 'ws:');
      const headers = { authorization: 'Bearer hidden' };
      const error = await rejection(() => connectInBrowser(url, { webSocket: { headers } }));
      checkError(error, 'invalidArgument', ['webSocket.headers', /^(?!.*hidden)/]);
      const secure = stage.url.replace('mqtt:', 'wss:');
      const tls = { rejectUnauthorized: false };
      checkError(await rejection(() => connectInBrowser(secure, { tls })), 'invalidArgument', [
        'tls',
      ]);
    },
  ],
  [
    61,
    'a shortest wait to reconnect that is longer than the longest',
    async (stage) => {
      await stage.refusesOptions(
        { reconnect: { minDelayMs: 10, maxDelayMs: 5 } },
        'reconnect.minDelayMs',
        'reconnect.maxDelayMs (5)',
        'got 10',
      );
      for (const [reconnect, ...says] of [
        [{ minDelayMs: -1 }, 'reconnect.minDelayMs', 'at least 0', '-1'],
        [{ factor: 0.5 }, 'reconnect.factor', 'at least 1', '0.5'],
        [{ maxAttempts: 0 }, 'reconnect.maxAttempts', 'at least 1', '0'],
        [{ initial: 1 }, 'reconnect.initial', 'true or false', '1'],
        [5, 'reconnect', 'an object', '5'],
      ] as const) {
        await stage.refusesOptions({ reconnect }, ...says);
      }
      const connectTimeoutMs = -1;
      await stage.refusesOptions({ connectTimeoutMs }, 'connectTimeoutMs', 'at least 0', '-1');
    },
  ],
  [
    62,
    'limits of queue and inbox below 0',
    async (stage) => {
      for (const [options, ...says] of [
        [{ queue: { maxMessages: -1 } }, 'queue.maxMessages', 'at least 0', '-1'],
        [{ queue: { maxBytes: 1.5 } }, 'queue.maxBytes', 'whole number', '1.5'],
        [{ queue: { maxAgeMs: -1 } }, 'queue.maxAgeMs', 'at least 0', '-1'],
        [{ queue: { inFlight: 0 } }, 'queue.inFlight', 'from 1 to 65,535', '0'],
        [{ queue: { overflow: 'drop' } }, 'queue.overflow', '"dropOldest"', '"drop"'],
        [{ queue: { queueQos0: 0 } }, 'queue.queueQos0', 'true or false', '0'],
        [{ queue: 5 }, 'queue', 'an object', '5'],
        [{ inbox: { maxMessages: 0 } }, 'inbox.maxMessages', 'at least 1', '0'],
        [{ inbox: { maxBytes: -1 } }, 'inbox.maxBytes', 'at least 1', '-1'],
        [{ foreignSession: 'x' }, 'foreignSession', '"reset", "adopt" or "error"', '"x"'],
        [{ waitForConnection: 0 }, 'waitForConnection', 'true or false', '0'],
        [{ trace: 'x' }, 'trace', 'true or false', '"x"'],
        [{ topicAliases: 1 }, 'topicAliases', 'true or false', '1'],
      ] as const) {
        await stage.refusesOptions(options, ...says);
      }
    },
  ],
  [
    65,
    'calls from a handler that waits for them: no deadlock, with bounds of one message',
    async () => {
      await using stage = await Stage.open();
      const client = await connect(stage.url, {
        version: '5.0',
        receiveMaximum: 1,
        inbox: { maxMessages: 1 },
        queue: { inFlight: 1 },
      });
      const connection = stage.server.connections[0]!;
      const handled = new Promise<void>((resolve, reject) => {
        const work = async () => {
          for (const qos of [0, 1, 2] as const) await client.publish('b', 'x', { qos });
          const other = await client.subscribe('c', { qos: 2 }, () => {});
          await other.unsubscribe();
          await client.unsubscribe('a');
          await client.close();
        };
        const subscribing = client.subscribe('a', { qos: 2 }, () => work().then(resolve, reject));
        subscribing.catch(reject);
      });
      const sent = await connection.packet('SUBSCRIBE', ({ type }) => type === 8);
      expect(readSubscribe('5.0', sent).filters.map(({ filter }) => filter)).toEqual(['a']);
      connection.write(packet(0x34, string('a'), u16(1), properties()));
      await soon('the handler to end', handled);
    },
  ],
];
