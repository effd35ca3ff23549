/**
 * The decoder beside that of mqtt-packet 9, which many clients use. Where one takes what the other refuses, or both take
 * it for different packets, the difference has to be one of those below: each is a class, with the reason why ours is
 * right. A difference of no class is a finding.
 */
import { PacketType } from '@mqtt-kit/packet';
import mqttPacket from 'mqtt-packet';
import { theirsOf, withoutEmpty } from '../../packages/packet/src/mqtt-packet.test-support.ts';
import { type Decoded, Finding } from './decoder-oracle.ts';
import type { Stream } from './streams.ts';

/** A packet in the form of mqtt-packet. */
type Theirs = Record<string, unknown>;

interface DifferenceClass {
  readonly name: string;
  /** What the specification says. */
  readonly why: string;
  /** Our refusal, their refusal, or the kind of packets that differ. */
  readonly sign: RegExp;
}

/** What ours refuses and theirs takes. */
const oursRefuses: readonly DifferenceClass[] = [
  {
    name: 'direction',
    why: 'each packet has its directions of flow (2.1.2); theirs does not know which end it is',
    sign: /may not send it in/,
  },
  {
    name: 'remaining length of a fixed size',
    why: 'these packets have no room for more (3.12.1, 3.13.1; 3.1.1: 3.2.1, 3.4.1, 3.14.1)',
    sign: /Remaining Length is \d+, expected \d+$/,
  },
  {
    name: 'shortest form',
    why: '[MQTT-1.5.5-1] a Variable Byte Integer has its shortest form',
    sign: /expected the shortest form/,
  },
  {
    name: 'UTF-8',
    why: '[MQTT-1.5.4-1] ill-formed text makes a packet malformed; theirs puts U+FFFD in its place',
    sign: /is ill-formed UTF-8/,
  },
  {
    name: 'U+0000',
    why: '[MQTT-1.5.4-2] text has no U+0000',
    sign: /has U\+0000/,
  },
  {
    name: 'packet identifier 0',
    why: '[MQTT-2.2.1-3] [MQTT3-2.3.1-1] it is not zero',
    sign: /packet identifier is 0/,
  },
  {
    name: 'too short',
    why: 'a field ends within its packet (1.5); theirs reads on in the next packet, or leaves it out',
    sign: /bytes left for |expected at most the \d+ bytes that are left|is missing, expected/,
  },
  {
    name: 'too long',
    why: 'a packet has nothing behind its last field (4.13.1); theirs looks at no more than it needs',
    sign: /bytes left after the last field/,
  },
  {
    name: 'property of another packet',
    why: 'an identifier that is not valid for its packet makes it malformed (2.2.2.2)',
    sign: /found, expected only (in|from) /,
  },
  {
    name: 'property twice',
    why: 'it is a protocol error to include one twice (2.2.2.2, and each property)',
    sign: /found twice, expected once/,
  },
  {
    name: 'value of a property',
    why: 'values that each property forbids (3.1.2.11, 3.2.2.3, 3.3.2.3)',
    sign: / is \d+, expected (0 or 1|at least 1)$|Authentication Data without/,
  },
  {
    name: 'DUP at QoS 0',
    why: '[MQTT-3.3.1-2] [MQTT3-3.3.1-2] DUP is 0 there',
    sign: /DUP is 1 with QoS 0/,
  },
  {
    name: 'topic name or filter',
    why: '[MQTT-4.7.3-1] [MQTT-3.3.2-2] [MQTT-4.7.1-1] neither empty, nor with wildcards out of place',
    sign: /topic|Response Topic/,
  },
  {
    name: 'nothing to subscribe to',
    why: '[MQTT-3.8.3-2] [MQTT-3.10.3-2] at least one filter, and one code for each (3.9.3)',
    sign: /found, expected at least one/,
  },
  {
    name: 'code',
    why: '[MQTT-3.2.2-8] [MQTT-3.14.2-1] [MQTT-3.15.2-1] [MQTT3-3.9.3-2] one of the table, for this sender',
    sign: /(reason|return) code is (0x)?\w+, expected/,
  },
  {
    name: 'session of a refusal',
    why: '[MQTT-3.2.2-6] [MQTT3-3.2.2-4] Session Present is 0 with a refusal',
    sign: /Session Present is 1 with/,
  },
  {
    name: 'version of CONNECT',
    why: '[MQTT3-3.1.2-2] [MQTT-3.1.2-2] a server of these versions has no other; theirs knows 3.1 too',
    sign: /CONNECT: protocol ".*" level \d+ found/,
  },
  {
    name: 'flags of CONNECT',
    why: '[MQTT-3.1.2-12] [MQTT3-3.1.2-22] [MQTT3-3.1.3-7] no Will QoS 3; in 3.1.1 no password alone',
    sign: /Will QoS is 3|password flag without|client identifier is empty with Clean Session 0/,
  },
  {
    name: 'No Local of a shared subscription',
    why: '[MQTT-3.8.3-4] it is a protocol error',
    sign: /No Local is 1 on a shared subscription/,
  },
];

/** What theirs refuses and ours takes. */
const theirsRefuses: readonly DifferenceClass[] = [
  {
    name: 'properties that are not there',
    why: 'DISCONNECT and AUTH may end behind their code (3.14.2.2); theirs reads on in the next packet',
    sign: /Unknown property|Cannot parse property code type|Invalid variable byte integer/,
  },
  {
    name: 'codes it does not know',
    why: '0x8C and 0x00 are codes of DISCONNECT and AUTH (2.4), said or left out (3.15.2.1)',
    sign: /Invalid (disconnect|auth) reason code/,
  },
];

/** What both take, for different packets. */
const readDifferently: readonly DifferenceClass[] = [
  {
    name: 'refusal in the form of 3.1.1',
    why: 'a server that does not know 5.0 answers so: ours maps its return code',
    sign: /^{"cmd":"connack","sessionPresent":false,"reasonCode":13[2-6]}, /,
  },
  {
    name: 'repeated name with an empty value',
    why: '[MQTT-3.1.3-10] the order of User Properties is kept: theirs loses an empty value',
    sign: /"userProperties":{.*"":/,
  },
  {
    name: 'code that is not there',
    why: 'DISCONNECT may end before its code (3.14.2.1); theirs takes the byte behind it',
    sign: /^{"cmd":"(disconnect|auth)","reasonCode":0}, /,
  },
];

/** Every class, for the summary. */
export const differenceClasses: readonly { readonly name: string; readonly why: string }[] = [
  ...oursRefuses,
  ...theirsRefuses,
  ...readDifferently,
];

/** Counts of the classes that were met. */
export type Differences = Map<string, number>;

/** Throws for a difference that no class explains; counts the class of one that is explained. */
export function compareWithMqttPacket(
  stream: Stream,
  bytes: Uint8Array,
  ours: Decoded,
  met: Differences,
): void {
  const theirs = decodeTheirs(stream, bytes);
  const both = Math.min(ours.packets.length, theirs.packets.length);
  let { version } = stream;
  for (let at = 0; at < both; at += 1) {
    const packet = ours.packets[at]!;
    if (packet.type === PacketType.connect) version = packet.version;
    const expected = withoutEmpty(theirsOf(packet, version));
    if (!includes(theirs.packets[at], expected)) {
      explain(
        readDifferently,
        `${JSON.stringify(expected)}, by theirs ${JSON.stringify(theirs.packets[at])}`,
        met,
      );
      return;
    }
  }
  if (theirs.packets.length > both) {
    const why = ours.error?.message ?? `${ours.packets.length} packets, and waits for more`;
    explain(oursRefuses, why, met);
  } else if (ours.packets.length > both) {
    explain(theirsRefuses, theirs.error ?? 'waits for more', met);
  }
}

function explain(classes: readonly DifferenceClass[], sign: string, met: Differences): void {
  const found = classes.find((one) => one.sign.test(sign));
  if (found === undefined) throw new Finding(`an unexplained difference to mqtt-packet: ${sign}`);
  met.set(found.name, (met.get(found.name) ?? 0) + 1);
}

function decodeTheirs(
  { version }: Stream,
  bytes: Uint8Array,
): { readonly packets: readonly Theirs[]; readonly error: string | undefined } {
  const parser = mqttPacket.parser({ protocolVersion: version === '5.0' ? 5 : 4 });
  const packets: Theirs[] = [];
  let error: string | undefined;
  parser.on('packet', (packet) => packets.push(packet as unknown as Theirs));
  parser.on('error', (problem: Error) => {
    error ??= problem.message;
  });
  parser.parse(Buffer.from(bytes));
  return { packets, error };
}

/** Whether everything that is expected is there, at every depth. */
function includes(found: unknown, expected: unknown): boolean {
  if (Object.is(found, expected)) return true;
  if (typeof found !== 'object' || typeof expected !== 'object' || !found || !expected)
    return false;
  if (expected instanceof Uint8Array) {
    return found instanceof Uint8Array && Buffer.compare(found, expected) === 0;
  }
  if (Array.isArray(expected) && (found as unknown[]).length !== expected.length) return false;
  return Object.entries(expected).every(([key, value]) => includes((found as Theirs)[key], value));
}
