/** The four kinds of byte streams there are, and valid packets of each as bytes: what is spoiled. */
import type { PacketSender, ProtocolVersion } from '@mqtt-kit/packet';
import { PacketEncoder, PacketType } from '@mqtt-kit/packet';
import fc from 'fast-check';
import { packetOf } from '../../packages/packet/src/arbitrary-packets.test-support.ts';
import { bytesOfHex, rawPackets } from '../../packages/packet/src/raw-packets.test-support.ts';

/** What comes from one end in one version. */
export interface Stream {
  readonly version: ProtocolVersion;
  readonly sender: PacketSender;
  /** The types of packets that this end may send. */
  readonly own: readonly number[];
  /** Valid packets of each type; those that this end may not send are of the other end, and none is to be taken. */
  readonly seeds: ReadonlyMap<number, readonly Uint8Array[]>;
}

export const packetTypes: readonly number[] = Object.values(PacketType);

/** Packets larger than this say nothing that smaller ones do not, and take long. */
const largestSeed = 700;

/** Most packets of one type: those by hand, and drawn ones. */
const mostSeeds = 120;

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

/** All four, with the same seeds for the same number. */
export function makeStreams(seed: number): readonly Stream[] {
  const own = (['3.1.1', '5.0'] as const).flatMap((version) =>
    (['server', 'client'] as const).map((sender) => ({
      version,
      sender,
      seeds: seedsOf(version, sender, seed),
    })),
  );
  // A packet for the other end, too, has to be refused and nothing else.
  return own.map(({ version, sender, seeds }) => {
    const other = own.find((one) => one.version === version && one.sender !== sender)!;
    return { version, sender, own: [...seeds.keys()], seeds: new Map([...other.seeds, ...seeds]) };
  });
}

function seedsOf(
  version: ProtocolVersion,
  sender: PacketSender,
  seed: number,
): Map<number, Uint8Array[]> {
  const found = new Map<number, Uint8Array[]>();
  const add = (bytes: Uint8Array): void => {
    const type = bytes[0]! >> 4;
    const seeds = found.get(type) ?? [];
    if (bytes.length <= largestSeed && seeds.length < mostSeeds) seeds.push(bytes);
    found.set(type, seeds);
  };
  for (const { hex, versions, senders } of rawPackets) {
    if (versions.includes(version) && senders.includes(sender)) add(bytesOfHex(hex));
  }
  if (version === '5.0') for (const name of names) add(publishNaming(name));
  for (const packet of fc.sample(packetOf(version, sender), { numRuns: 900, seed })) {
    const encoder = new PacketEncoder(version, sender);
    encoder.encode(packet);
    add(new Uint8Array(Buffer.concat(encoder.take())));
  }
  return found;
}

/** A PUBLISH of 5.0 with a name that means something to JavaScript as topic and in its User Properties. */
function publishNaming(name: string): Uint8Array {
  const encoder = new PacketEncoder('5.0');
  encoder.encode({
    type: PacketType.publish,
    topic: name,
    payload: new Uint8Array(0),
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: undefined,
    properties: {
      contentType: name,
      userProperties: [
        [name, name],
        [name, 'polluted'],
      ],
    },
  });
  return new Uint8Array(Buffer.concat(encoder.take()));
}
