/**
 * The codec beside mqtt-packet, alone: CPU to encode and to decode one packet, by kind. `workloads/codec.mjs` bundles it
 * and runs it once for each side and round: run-codec.ts <mqtt-kit|mqtt-packet> <milliseconds of CPU for each row>
 *
 * Both sides do the whole work (properties are decoded, strings are made), and their results are compared before
 * anything is timed. Prints one line of JSON: microseconds by row.
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

/** Does the work some times and returns how many packets that were. */
type Work = () => number;

function encodeOurs({ version, ours }: Case): Work {
  const encoder = new PacketEncoder(version);
  return () => {
    for (let turn = 0; turn < 10; turn += 1) {
      for (let count = 0; count < 100; count += 1) encoder.encode(ours);
      encoder.take();
    }
    return 1000;
  };
}

function encodeTheirs({ version, theirs }: Case): Work {
  const options = theirOptions(version);
  return () => {
    for (let count = 0; count < 1000; count += 1) {
      mqttPacket.writeToStream(theirs, nowhere, options);
    }
    return 1000;
  };
}

function decodeOurs({ version, receiver, ours }: Case, size: number): Work {
  const encoder = new PacketEncoder(version);
  encoder.encode(ours);
  const { chunks, packets } = stream(bytesOf(encoder.take()), size);
  const decoder = new PacketDecoder({ version, receiver, maximumPacketSize: 1 << 24 });
  return () => {
    let count = 0;
    for (const chunk of chunks) {
      decoder.push(chunk);
      while (decoder.next() !== undefined) count += 1;
    }
    if (count !== packets) throw new Error(`${count} packets decoded, expected ${packets}`);
    return count;
  };
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
  return () => {
    count = 0;
    for (const chunk of chunks) parser.parse(chunk);
    if (count !== packets) throw new Error(`${count} packets parsed, expected ${packets}`);
    return count;
  };
}

/** CPU time, since the machine may be shared. */
function microsecondsPerPacket(work: Work, forMs: number): number {
  let packets = 0;
  const begin = process.cpuUsage();
  let spentUs = 0;
  while (spentUs < forMs * 1000) {
    for (let turn = 0; turn < 4; turn += 1) packets += work();
    const { user, system } = process.cpuUsage(begin);
    spentUs = user + system;
  }
  return spentUs / packets;
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
const [side, forMs] = process.argv.slice(2);
const isOurs = side === 'mqtt-kit';
const encode = isOurs ? encodeOurs : encodeTheirs;
const decode = isOurs ? decodeOurs : decodeTheirs;
const rows: Record<string, { cpuUs: number }> = {};

function measure(row: string, work: Work): void {
  microsecondsPerPacket(work, Number(forMs) / 3);
  rows[row] = { cpuUs: microsecondsPerPacket(work, Number(forMs)) };
}

for (const each of cases) {
  measure(`encode ${each.version} ${each.name}`, encode(each));
  measure(`decode ${each.version} ${each.name}`, decode(each, chunkSize));
}
const small = publish('3.1.1', 0, 64);
for (const size of [1460, 1]) {
  measure(`decode 3.1.1 ${small.name}, chunks of ${size} B`, decode(small, size));
}
console.log(JSON.stringify(rows));
