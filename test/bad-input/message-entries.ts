/** Entries 29 to 43, 63 and 64: messages and payloads. */
import { connect, type MqttClient, type PublishOptions } from 'mqtt-kit';
import { expect } from 'vitest';
import { packet, properties, string, u32, utf8 } from '../conformance/support/bytes.ts';
import { checkError, type Entry, rejection, Stage } from './stage.ts';

const kinds = 'string, Uint8Array, ArrayBuffer, DataView, plain object or array';

/** A publish of what the types forbid. */
function publish(topic: unknown, ...rest: readonly unknown[]) {
  const [payload, options] = rest.length === 0 ? ['x'] : rest;
  return (client: MqttClient) =>
    client.publish(topic as string, payload as string, options as PublishOptions);
}

export const messageEntries: readonly Entry[] = [
  [
    29,
    'an empty topic',
    (stage) => stage.refusesCall(publish(''), 'topic ""', 'must not be empty'),
  ],
  [
    30,
    'a topic with a wildcard',
    async (stage) => {
      await stage.refusesCall(publish('a/#'), 'topic "a/#"', 'wildcards', '"#" at index 2');
      await stage.refusesCall(publish('+/b'), 'topic "+/b"', 'wildcards', '"+" at index 0');
    },
  ],
  [
    31,
    'a topic of more than 65,535 bytes',
    async (stage) => {
      await stage.refusesCall(publish('x'.repeat(65_536)), 'topic', /65,?535 bytes/, /65,?536/);
      await stage.refusesCall(
        publish('\u20ac'.repeat(21_846)),
        'topic',
        /65,?535 bytes/,
        /65,?538/,
      );
    },
  ],
  [
    32,
    'a topic with U+0000 or a lone surrogate',
    async (stage) => {
      await stage.refusesCall(publish('a\0'), 'topic', 'U+0000', 'index 1');
      await stage.refusesCall(publish('\udc00'), 'topic', 'surrogate', 'index 0');
    },
  ],
  [
    33,
    'a topic that is no text',
    async (stage) => {
      for (const topic of [undefined, null, 17, ['a']]) {
        await stage.refusesCall(publish(topic), 'topic must be a string', /got \S+/);
      }
    },
  ],
  [
    34,
    'a payload that is neither text, bytes nor JSON',
    async (stage) => {
      for (const [payload, got] of [
        [undefined, 'undefined'],
        [null, 'null'],
        [5, '5'],
        [true, 'true'],
        [10n, '10n'],
        [Symbol('s'), 'a symbol'],
        [() => 1, 'a function'],
        [new Date(0), 'an instance of Date'],
        [new Map(), 'an instance of Map'],
        [new Float64Array(1), 'an instance of Float64Array'],
      ] as const) {
        await stage.refusesCall(publish('a', payload), `payload must be a ${kinds}; got ${got}`);
      }
    },
  ],
  [
    35,
    'a message that is larger than the server takes',
    async () => {
      await using stage = await Stage.open();
      // Maximum Packet Size 100.
      stage.server.connacks.push(packet(0x20, 0, 0, properties(0x27, u32(100))));
      const error = await stage.failsCall(
        publish('a', new Uint8Array(100), { qos: 1 }),
        'serverLimit',
        /\b10[0-9]\b/,
        '100',
      );
      expect(error.reasonCode).toBeUndefined();
      await stage.failsCall(publish('a', new Uint8Array(100)), 'serverLimit', '100');
      await stage.sawNothing();
    },
  ],
  [
    36,
    'a message of more than 268,435,455 bytes in all',
    async (stage) => {
      const payload = new Uint8Array(268_435_455);
      for (const qos of [0, 1, 2]) {
        await stage.refusesCall(publish('a', payload, { qos }), /268,?435,?45[0-9]/);
      }
    },
  ],
  [
    37,
    'a QoS of "1", 3 or -1',
    async (stage) => {
      for (const qos of ['1', 3, -1, 1.5, null]) {
        const got = `got ${JSON.stringify(qos)}`;
        await stage.refusesCall(publish('a', 'x', { qos }), 'qos must be 0, 1 or 2', got);
      }
    },
  ],
  [
    38,
    'a call after the client was closed',
    async () => {
      await using stage = await Stage.open();
      const client = await stage.client();
      await client.close();
      await stage.failsCall(publish('a'), 'clientClosed', 'closed');
      await stage.failsCall(() => client.publish('a', 'x').stored, 'clientClosed');
      await stage.failsCall(() => client.subscribe('a'), 'clientClosed');
      await stage.failsCall(() => client.unsubscribe('a'), 'clientClosed');
      await stage.failsCall(() => client.reauthenticate(), 'clientClosed');
      await stage.sawNothing();
    },
  ],
  [
    39,
    'retain as text',
    (stage) =>
      stage.refusesCall(
        publish('a', 'x', { retain: 'false' }),
        'retain must be true or false',
        'got "false"',
      ),
  ],
  [
    40,
    'a message expiry below 0, or other properties that cannot be',
    async (stage) => {
      for (const messageExpirySeconds of [-1, 2 ** 32, 0.5]) {
        await stage.refusesCall(
          publish('a', 'x', { messageExpirySeconds }),
          'messageExpirySeconds must be a whole number from 0 to 4,294,967,295',
          `got ${messageExpirySeconds}`,
        );
      }
      for (const [options, ...says] of [
        [{ payloadFormatIndicator: 2 }, 'payloadFormatIndicator', '0 or 1', '2'],
        [{ contentType: 5 }, 'contentType must be a string', '5'],
        [{ correlationData: 'x' }, 'correlationData must be a Uint8Array', '"x"'],
        [{ correlationData: new Uint8Array(65_536) }, 'correlationData', '65,535', '65,536'],
        [{ userProperties: [['a', 5]] }, 'userProperties[0]', 'a string', '5'],
        [{ timeoutMs: -1 }, 'timeoutMs', 'at least 0', '-1'],
        [{ signal: {} }, 'signal must be an AbortSignal', 'an object'],
        [{ qoss: 1 }, 'options of publish', '"qoss"', 'Did you mean qos?'],
      ] as const) {
        await stage.refusesCall(publish('a', 'x', options), ...says);
      }
      await stage.refusesCall(publish('a', 'x', 'retain'), 'options of publish', 'an object');
    },
  ],
  [
    41,
    'a Topic Alias: the client gives them by itself',
    async (stage) => {
      for (const topicAlias of [0, 5, 65_536]) {
        const says = ['"topicAlias"', 'Did you mean topicAliases of connect?'];
        await stage.refusesCall(publish('a', 'x', { topicAlias }), ...says);
      }
      for (const topicAliasMaximum of [-1, 65_536]) {
        await stage.refusesOptions({ topicAliasMaximum }, 'topicAliasMaximum', '0 to 65,535');
      }
    },
  ],
  [
    42,
    'a response topic with a wildcard, or empty',
    async (stage) => {
      for (const responseTopic of ['a/+', 'a/#', '']) {
        const says = [`responseTopic ${JSON.stringify(responseTopic)}`, 'must not'];
        await stage.refusesCall(publish('a', 'x', { responseTopic }), ...says);
      }
    },
  ],
  [
    43,
    'a Subscription Identifier: the client gives them by itself',
    async (stage) => {
      for (const subscriptionIdentifier of [0, 2 ** 28]) {
        const options = { subscriptionIdentifier } as never;
        const subscribe = (client: MqttClient) => client.subscribe('a', options);
        await stage.refusesCall(subscribe, '"subscriptionIdentifier"', 'Known are qos');
        const says = ['"subscriptionIdentifier"', 'Known are qos'];
        await stage.refusesCall(publish('a', 'x', { subscriptionIdentifier }), ...says);
      }
    },
  ],
  [
    63,
    'an object that has no JSON: it refers to itself, or holds a BigInt',
    async (stage) => {
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      await stage.refusesCall(publish('a', circular), 'payload cannot be written as JSON');
      await stage.refusesCall(publish('a', [1n]), 'payload cannot be written as JSON', 'BigInt');
      const nothing = { toJSON() {} };
      await stage.refusesCall(publish('a', nothing), 'payload', 'toJSON() returned nothing');
      await stage.refusesOptions({ will: { topic: 'a', payload: circular } }, 'will.payload');
    },
  ],
  [
    64,
    'a received payload that is no JSON: topic and position are named',
    async () => {
      await using stage = await Stage.open();
      const client = await connect(stage.url, { version: '5.0' });
      const subscription = await client.subscribe('a/b');
      stage.server.connections[0]!.write(
        packet(0x30, string('a/b'), properties(), utf8('{"x": y}')),
      );
      for await (const message of subscription) {
        const error = checkError(await rejection(() => message.json()), 'invalidArgument', [
          '"a/b"',
          'position 6',
          'found "y"',
        ]);
        expect(error.cause).toBeInstanceOf(SyntaxError);
        expect(message.text()).toBe('{"x": y}');
        break;
      }
      await client.close();
    },
  ],
];
