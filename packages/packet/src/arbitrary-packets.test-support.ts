/** Every packet that an end may send under a version, with every property, for fast-check. */
import fc from 'fast-check';
import { type PacketSender, PacketType } from './packet-type.ts';
import type { Packet } from './packets.ts';
import {
  noProperties,
  type Properties,
  type PropertyDefinition,
  type PropertyPlace,
  propertyTable,
} from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { allowedReasonCodes } from './reason-code.ts';

/** Any text that may be sent, mostly short, sometimes ASCII throughout, sometimes long. */
export const text: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
    { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 30 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 100, maxLength: 300 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '\ufeff', '\u0001', '😀'.repeat(50), 'a'.repeat(300)),
    },
  )
  .map((value) => value.replaceAll('\0', ''));

const bytes = fc.uint8Array({ maxLength: 40 });

export const topicName: fc.Arbitrary<string> = text
  .map((value) => value.replace(/[+#]/g, '/'))
  .filter((value) => value !== '');

export const topicFilter: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '', '', '$share/group/'),
    fc.array(
      fc.oneof(
        text.map((value) => value.replace(/[+#/]/g, '')),
        fc.constant('+'),
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    fc.constantFrom('', '', '/#'),
  )
  .map(([prefix, levels, suffix]) => prefix + levels.join('/') + suffix)
  .filter((filter) => filter !== '' && filter !== '$share/group/');

const packetIdentifier = fc.integer({ min: 1, max: 65_535 });
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const);

/** Objects like those that are written by hand and decoded: fast-check's own have no prototype now and then. */
function record<Model>(
  model: { [Key in keyof Model]: fc.Arbitrary<Model[Key]> },
): fc.Arbitrary<Model> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<Model>;
}

function integer(most: number): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: 0, max: most }), fc.constantFrom(0, 1, 127, 128, most));
}

function propertyValue(definition: PropertyDefinition): fc.Arbitrary<unknown> {
  if (definition.values === 'zero or one') return fc.constantFrom(0, 1);
  if (definition.values === 'topic name') return topicName;
  const least = definition.values === 'not zero' ? 1 : 0;
  switch (definition.type) {
    case 'Byte':
      return integer(255);
    case 'Two Byte Integer':
      return integer(65_535).map((value) => Math.max(least, value));
    case 'Four Byte Integer':
      return integer(4_294_967_295).map((value) => Math.max(least, value));
    case 'Variable Byte Integer':
      return integer(268_435_455).map((value) => Math.max(least, value));
    case 'UTF-8 Encoded String':
      return text;
    case 'Binary Data':
      return bytes;
    case 'UTF-8 String Pair':
      return fc.tuple(text, text);
  }
}

/** Properties that may stand there, in any number and order. */
export function properties(
  version: ProtocolVersion,
  place: PropertyPlace,
  sender: PacketSender,
): fc.Arbitrary<Properties> {
  if (version === '3.1.1') return fc.constant(noProperties);
  const table: [string, PropertyDefinition][] = Object.entries(propertyTable);
  const entries = table
    .filter(([, { packets }]) => packets.includes(place))
    .filter(([, definition]) => [undefined, sender].includes(definition.sender?.[place]))
    .map(([key, definition]) => {
      const value = propertyValue(definition);
      const { repeatsIn } = definition;
      if (repeatsIn === undefined) return fc.tuple(fc.constant(key), value);
      const maxLength = repeatsIn.includes(place) ? 4 : 1;
      return fc.tuple(fc.constant(key), fc.array(value, { minLength: 1, maxLength }));
    });
  return fc
    .tuple(...entries)
    .chain((all) => fc.shuffledSubarray(all))
    .map((chosen) => Object.fromEntries(chosen) as Properties)
    .filter(
      (chosen) =>
        chosen.authenticationData === undefined || chosen.authenticationMethod !== undefined,
    )
    .map((chosen) => (Object.keys(chosen).length === 0 ? noProperties : chosen));
}

/** Any packet that this end may send under this version. */
export function packetOf(version: ProtocolVersion, sender: PacketSender): fc.Arbitrary<Packet> {
  const both = [...acknowledgements(version, sender), publish(version, sender)];
  const own = sender === 'client' ? clientPackets(version) : serverPackets(version);
  const newer =
    version === '5.0'
      ? [withReason('disconnect', version, sender), auth(version, sender)]
      : sender === 'client'
        ? [withReason('disconnect', version, sender)]
        : [];
  return fc.oneof(...both, ...own, ...newer);
}

function reasonCode(
  packet: 'puback' | 'connack' | 'disconnect' | 'auth' | 'suback' | 'unsuback',
  version: ProtocolVersion,
  sender: PacketSender,
): fc.Arbitrary<number> {
  if (version === '5.0') return fc.constantFrom(...allowedReasonCodes(packet, sender)!);
  if (packet === 'connack') return fc.constantFrom(0x00, 0x84, 0x85, 0x86, 0x87, 0x88);
  if (packet === 'suback') return fc.constantFrom(0x00, 0x01, 0x02, 0x80);
  return fc.constant(0x00);
}

function acknowledgements(version: ProtocolVersion, sender: PacketSender): fc.Arbitrary<Packet>[] {
  return (['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).map((name) =>
    record({
      type: fc.constant(PacketType[name]),
      packetIdentifier,
      reasonCode: fc.oneof(fc.constant(0), reasonCode(name as 'puback', version, sender)),
      properties: properties(version, name, sender),
    }),
  );
}

function publish(version: ProtocolVersion, sender: PacketSender): fc.Arbitrary<Packet> {
  // At the limits of Remaining Length's second byte and of what is copied.
  const sizes = fc.constantFrom(100, 127, 128, 16_384, 16_385);
  const payload = fc.oneof(
    { weight: 20, arbitrary: bytes },
    { weight: 1, arbitrary: sizes.map((size) => new Uint8Array(size)) },
  );
  return record({
    type: fc.constant(PacketType.publish),
    topic: topicName,
    payload,
    qos,
    retain: fc.boolean(),
    dup: fc.boolean(),
    packetIdentifier,
    properties: properties(version, 'publish', sender),
    withoutTopic: fc.boolean(),
  }).map(({ withoutTopic, ...packet }) => ({
    ...packet,
    topic: withoutTopic && packet.properties.topicAlias !== undefined ? '' : packet.topic,
    dup: packet.dup && packet.qos > 0,
    packetIdentifier: packet.qos > 0 ? packet.packetIdentifier : undefined,
  }));
}

function clientPackets(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  const will = record({
    topic: topicName,
    payload: bytes,
    qos,
    retain: fc.boolean(),
    properties: properties(version, 'will', 'client'),
  });
  const connect = record({
    type: fc.constant(PacketType.connect),
    version: fc.constant(version),
    clientId: text,
    cleanStart: fc.boolean(),
    keepAliveSeconds: integer(65_535),
    username: fc.option(text, { nil: undefined }),
    password: fc.option(bytes, { nil: undefined }),
    will: fc.option(will, { nil: undefined }),
    properties: properties(version, 'connect', 'client'),
  }).map((packet) =>
    version === '5.0'
      ? packet
      : {
          ...packet,
          cleanStart: packet.cleanStart || packet.clientId === '',
          password: packet.username === undefined ? undefined : packet.password,
        },
  );
  const subscription = record({
    topicFilter,
    qos,
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0 as const, 1 as const, 2 as const),
  }).map((options) =>
    version === '5.0'
      ? { ...options, noLocal: options.noLocal && !options.topicFilter.startsWith('$share/') }
      : { ...options, noLocal: false, retainAsPublished: false, retainHandling: 0 as const },
  );
  return [
    connect,
    record({
      type: fc.constant(PacketType.subscribe),
      packetIdentifier,
      subscriptions: fc.array(subscription, { minLength: 1, maxLength: 5 }),
      properties: properties(version, 'subscribe', 'client'),
    }),
    record({
      type: fc.constant(PacketType.unsubscribe),
      packetIdentifier,
      topicFilters: fc.array(topicFilter, { minLength: 1, maxLength: 5 }),
      properties: properties(version, 'unsubscribe', 'client'),
    }),
    record({ type: fc.constant(PacketType.pingreq) }),
  ];
}

function serverPackets(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  const connack = record({
    type: fc.constant(PacketType.connack),
    sessionPresent: fc.boolean(),
    reasonCode: reasonCode('connack', version, 'server'),
    properties: properties(version, 'connack', 'server'),
  }).map((packet) => ({
    ...packet,
    sessionPresent: packet.sessionPresent && packet.reasonCode === 0,
  }));
  return [
    connack,
    record({
      type: fc.constant(PacketType.suback),
      packetIdentifier,
      reasonCodes: fc.array(reasonCode('suback', version, 'server'), { minLength: 1 }),
      properties: properties(version, 'suback', 'server'),
    }),
    record({
      type: fc.constant(PacketType.unsuback),
      packetIdentifier,
      reasonCodes:
        version === '5.0'
          ? fc.array(reasonCode('unsuback', version, 'server'), { minLength: 1 })
          : fc.constant([]),
      properties: properties(version, 'unsuback', 'server'),
    }),
    record({ type: fc.constant(PacketType.pingresp) }),
  ];
}

function withReason(
  name: 'disconnect',
  version: ProtocolVersion,
  sender: PacketSender,
): fc.Arbitrary<Packet> {
  return record({
    type: fc.constant(PacketType[name]),
    reasonCode: reasonCode(name, version, sender),
    properties: properties(version, name, sender),
  });
}

function auth(version: ProtocolVersion, sender: PacketSender): fc.Arbitrary<Packet> {
  return record({
    type: fc.constant(PacketType.auth),
    reasonCode: reasonCode('auth', version, sender),
    properties: properties(version, 'auth', sender),
    authenticationMethod: text,
  }).map(({ authenticationMethod, ...packet }) => ({
    ...packet,
    properties: { ...packet.properties, authenticationMethod },
  }));
}
