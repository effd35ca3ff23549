/**
 * The codec beside mqtt-packet, alone: nanoseconds of CPU to encode and to decode one packet, by kind.
 *
 * Both sides do the whole work (properties are decoded, strings are made), in turns within one process, and
 * their results are compared before anything is timed. Of several rounds the median counts. The last column is
 * our own median over the odd rounds divided by that over the even ones: what differs less than that is noise.
 *
 *   npx esbuild test/bench/codec.ts --bundle --platform=node --format=esm \
 *     --conditions=mqtt-kit-source --external:mqtt-packet --outfile=node_modules/.bench/codec.mjs
 *   node node_modules/.bench/codec.mjs
 */
import {
  noProperties,
  type Packet,
  PacketDecoder,
  PacketEncoder,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type PublishPacket,
} from '@mqtt-kit/packet';
import mqttPacket from 'mqtt-packet';

interface Case {
  readonly name: string;
  readonly version: ProtocolVersion;
  /** The end that decodes it. */
  readonly receiver: 'client' | 'server';
  readonly ours: Packet;
  readonly theirs: mqttPacket.Packet;
}

const rounds = 9;
const roundMs = 60;
const chunkSize = 64 * 1024;
const topic = 'sensors/house/kitchen/temperature';

const ourProperties: Properties = {
  messageExpiryInterval: 3600,
  contentType: 'application/json',
  correlationData: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]),
  userProperties: [['origin', 'gateway-17']],
};
const theirProperties = {
  messageExpiryInterval: 3600,
  contentType: 'application/json',
  correlationData: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]),
  userProperties: { origin: 'gateway-17' },
};

function publish(
  version: ProtocolVersion,
  qos: 0 | 1,
  size: number,
  withProperties = false,
  name = topic,
): Case {
  const payload = Buffer.alloc(size, 0x61);
  const ours: PublishPacket = {
    type: PacketType.publish,
    topic: name,
    payload: new Uint8Array(payload),
    qos,
    retain: false,
    dup: false,
    packetIdentifier: qos === 0 ? undefined : 7,
    properties: withProperties ? ourProperties : noProperties,
  };
  const theirs: mqttPacket.IPublishPacket = {
    cmd: 'publish',
    topic: name,
    payload,
    qos,
    retain: false,
    dup: false,
    ...(qos === 0 ? {} : { messageId: 7 }),
    ...(withProperties ? { properties: theirProperties } : {}),
  };
  const what = `${size} B${withProperties ? ', 4 properties' : ''}${name === topic ? '' : ', topic of 3 B'}`;
  return { name: `PUBLISH QoS ${qos} ${what}`, version, receiver: 'client', ours, theirs };
}

function otherPackets(version: ProtocolVersion): Case[] {
  const properties = noProperties;
  return [
    {
      name: 'PUBACK',
      version,
      receiver: 'client',
      ours: { type: PacketType.puback, packetIdentifier: 7, reasonCode: 0, properties },
      theirs: { cmd: 'puback', messageId: 7 },
    },
    {
      name: 'SUBSCRIBE, 1 filter',
      version,
      receiver: 'server',
      ours: {
        type: PacketType.subscribe,
        packetIdentifier: 7,
        subscriptions: [
          {
            topicFilter: 'house/+/temperature',
            qos: 1,
            noLocal: false,
            retainAsPublished: false,
            retainHandling: 0,
          },
        ],
        properties,
      },
      theirs: {
        cmd: 'subscribe',
        messageId: 7,
        subscriptions: [{ topic: 'house/+/temperature', qos: 1 }],
      },
    },
    {
      name: 'SUBACK, 1 code',
      version,
      receiver: 'client',
      ours: { type: PacketType.suback, packetIdentifier: 7, reasonCodes: [1], properties },
      theirs: { cmd: 'suback', messageId: 7, granted: [1] },
    },
    {
      name: 'CONNECT',
      version,
      receiver: 'server',
      ours: {
        type: PacketType.connect,
        version,
        clientId: 'sensor-4711',
        cleanStart: true,
        keepAliveSeconds: 60,
        username: 'user',
        password: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]),
        will: undefined,
        properties,
      },
      theirs: {
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: version === '5.0' ? 5 : 4,
        clientId: 'sensor-4711',
        clean: true,
        keepalive: 60,
        username: 'user',
        password: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]),
      },
    },
    {
      name: 'CONNACK',
      version,
      receiver: 'client',
      ours: { type: PacketType.connack, sessionPresent: false, reasonCode: 0, properties },
      theirs: {
        cmd: 'connack',
        sessionPresent: false,
        ...(version === '5.0' ? { reasonCode: 0 } : { returnCode: 0 }),
      },
    },
    {
      name: 'PINGRESP',
      version,
      receiver: 'client',
      ours: { type: PacketType.pingresp },
      theirs: { cmd: 'pingresp' },
    },
  ];
}

const cases: Case[] = [
  publish('3.1.1', 0, 64),
  publish('3.1.1', 0, 64, false, 'a/b'),
  publish('3.1.1', 1, 64),
  publish('3.1.1', 1, 1024),
  publish('3.1.1', 0, 64 * 1024),
  ...otherPackets('3.1.1'),
  publish('5.0', 0, 64),
  publish('5.0', 1, 64),
  publish('5.0', 1, 64, true),
  ...otherPackets('5.0'),
];

/** A sink that `writeToStream` takes. */
const nowhere = {
  write: () => true,
  cork() {},
  uncork() {},
  on() {},
  removeListener() {},
} as unknown as NodeJS.WritableStream;

function bytesOf(chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat(chunks);
}

function theirOptions(version: ProtocolVersion): { protocolVersion: 4 | 5 } {
  return { protocolVersion: version === '5.0' ? 5 : 4 };
}

/** Chunks of a stream that repeats one packet, and how many packets they hold. */
function stream(packet: Uint8Array, size: number): { chunks: Buffer[]; packets: number } {
  const packets = Math.max(64, Math.ceil((4 * size) / packet.length));
  const all = Buffer.concat(Array.from({ length: packets }, () => packet));
  const chunks: Buffer[] = [];
  for (let at = 0; at < all.length; at += size) chunks.push(all.subarray(at, at + size));
  return { chunks, packets };
}

interface Work {
  readonly label: string;
  /** Does the work some times and returns how many packets that were. */
  readonly run: () => number;
}

function encodeOurs({ version, ours }: Case): Work {
  const encoder = new PacketEncoder(version);
  const run = () => {
    for (let turn = 0; turn < 10; turn += 1) {
      for (let count = 0; count < 100; count += 1) encoder.encode(ours);
      encoder.take();
    }
    return 1000;
  };
  return { label: 'ours', run };
}

function encodeTheirs({ version, theirs }: Case): Work {
  const options = theirOptions(version);
  const run = () => {
    for (let count = 0; count < 1000; count += 1) {
      mqttPacket.writeToStream(theirs, nowhere, options);
    }
    return 1000;
  };
  return { label: 'writeToStream', run };
}

function decodeOurs({ version, receiver, ours }: Case, size: number): Work {
  const encoder = new PacketEncoder(version);
  encoder.encode(ours);
  const { chunks, packets } = stream(bytesOf(encoder.take()), size);
  const decoder = new PacketDecoder({ version, receiver, maximumPacketSize: 1 << 24 });
  const run = () => {
    let count = 0;
    for (const chunk of chunks) {
      decoder.push(chunk);
      while (decoder.next() !== undefined) count += 1;
    }
    if (count !== packets) throw new Error(`${count} packets decoded, expected ${packets}`);
    return count;
  };
  return { label: 'ours', run };
}

function decodeTheirs({ version, ours }: Case, size: number): Work {
  const encoder = new PacketEncoder(version);
  encoder.encode(ours);
  const { chunks, packets } = stream(bytesOf(encoder.take()), size);
  const parser = mqttPacket.parser(theirOptions(version));
  let count = 0;
  parser.on('packet', () => {
    count += 1;
  });
  parser.on('error', (error: Error) => {
    throw error;
  });
  const run = () => {
    count = 0;
    for (const chunk of chunks) parser.parse(chunk);
    if (count !== packets) throw new Error(`${count} packets parsed, expected ${packets}`);
    return count;
  };
  return { label: 'parser', run };
}

/** CPU time, since the machine may be shared. */
function nanosecondsPerPacket(work: Work, forMs: number): number {
  let packets = 0;
  const begin = process.cpuUsage();
  let spentUs = 0;
  while (spentUs < forMs * 1000) {
    for (let turn = 0; turn < 4; turn += 1) packets += work.run();
    const { user, system } = process.cpuUsage(begin);
    spentUs = user + system;
  }
  return (spentUs * 1000) / packets;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[sorted.length >> 1]!;
}

/** Runs the works in turns, so that a slow moment of the machine meets all of them. */
function compare(name: string, works: readonly Work[]): void {
  const times = works.map((): number[] => []);
  for (let round = -1; round < rounds; round += 1) {
    works.forEach((work, index) => {
      const time = nanosecondsPerPacket(work, roundMs);
      if (round >= 0) times[index]!.push(time);
    });
  }
  const [ours, theirs] = times.map(median) as [number, number];
  const odd = median(times[0]!.filter((_, index) => index % 2 === 1));
  const even = median(times[0]!.filter((_, index) => index % 2 === 0));
  const columns = [
    name.padEnd(46),
    ours.toFixed(0).padStart(8),
    theirs.toFixed(0).padStart(8),
    `${(theirs / ours).toFixed(1)}x`.padStart(8),
    (odd / even).toFixed(2).padStart(6),
  ];
  console.log(columns.join(' '));
}

/** Both encode the same bytes, but for the acknowledgements of 5.0, which ours writes in the short form. */
function check({ name, version, ours, theirs }: Case): void {
  const encoder = new PacketEncoder(version);
  encoder.encode(ours);
  const mine = bytesOf(encoder.take());
  const other = mqttPacket.generate(theirs, theirOptions(version));
  if (!mine.equals(other) && !(name === 'PUBACK' && version === '5.0')) {
    throw new Error(
      `${name}: ${mine.toString('hex').slice(0, 80)} and ${other.toString('hex').slice(0, 80)}`,
    );
  }
}

for (const each of cases) check(each);
console.log(`${'CPU ns a packet'.padEnd(46)}     ours mqtt-pkt    ratio  noise`);
const only = process.argv[2];
for (const each of cases) {
  const title = `${each.version} ${each.name}`;
  if (only !== undefined && !title.includes(only)) continue;
  compare(`encode ${title}`, [encodeOurs(each), encodeTheirs(each)]);
  compare(`decode ${title}`, [decodeOurs(each, chunkSize), decodeTheirs(each, chunkSize)]);
}
if (only === undefined) {
  const small = publish('3.1.1', 0, 64);
  for (const size of [1460, 1]) {
    compare(`decode 3.1.1 ${small.name}, chunks of ${size} B`, [
      decodeOurs(small, size),
      decodeTheirs(small, size),
    ]);
  }
}
