/**
 * The whole protocol engine of a client, with work of every kind under way, and a server that sends spoiled packets.
 * Whatever comes, it throws nothing, every request has at most one outcome, and the connection goes on or ends once,
 * with a reason; what it sends can be read by a server; and the next connection works.
 */
import type { EngineEvent } from '@mqtt-kit/engine';
import { type Packet, PacketEncoder, PacketType } from '@mqtt-kit/packet';
import {
  auth,
  connack,
  disconnect,
  type Prng,
  pingresp,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  suback,
  unsuback,
} from '@mqtt-kit/testkit';
import { EngineHarness } from '../../packages/testkit/src/engine-harness.ts';
import { Finding } from './decoder-oracle.ts';
import { prngOf } from './inputs.ts';
import { reframed, spoilerNames, spoilers } from './spoil.ts';

export interface EngineInput {
  readonly version: '3.1.1' | '5.0';
  /** Whether CONNACK has been taken when the bytes come. */
  readonly connected: boolean;
  readonly bytes: Uint8Array;
  readonly cuts: readonly number[];
}

/** A session that outlives its connection, and a server that may use aliases. */
const request = {
  cleanStart: false,
  properties: { sessionExpiryInterval: 1000, topicAliasMaximum: 3 },
} as const;

/** Codes that a client says in DISCONNECT when a server broke the protocol. */
const breachCodes: ReadonlySet<number> = new Set([
  0x80, 0x81, 0x82, 0x83, 0x8c, 0x90, 0x93, 0x94, 0x95, 0x97, 0x9b, 0xa1, 0x9a, 0x99,
]);

/** A few packets that make sense, one or two of them spoiled. */
export function engineInputOf(seed: number, number: number): EngineInput {
  const random = prngOf(seed ^ 0x5bd1e995, number);
  const version = number % 2 === 0 ? '5.0' : '3.1.1';
  const connected = random.chance(0.85);
  const packets = Array.from({ length: random.integer(1, 6) }, () => sensible(version, random));
  if (!connected) packets.unshift(answer(version, random));
  const spoiled = random.integer(0, packets.length - 1);
  const chunks = packets.map((packet, index) => {
    const bytes = encoded(version, packet);
    return index === spoiled && random.chance(0.9) ? spoil(bytes, random) : bytes;
  });
  const bytes = new Uint8Array(Buffer.concat(chunks));
  const cuts = Array.from({ length: random.integer(1, 4) }, () => random.integer(0, bytes.length));
  return { version, connected, bytes, cuts };
}

/**
 * Throws when the engine does, or does what it must not. Returns how it ended, for the counts. With `cut` it plays the
 * bytes in pieces as well, and compares.
 */
export function checkEngine(input: EngineInput, cut: boolean): string {
  const whole = play(input, [input.bytes]);
  if (!cut) return whole.end;
  const pieces = play(input, cutAt(input.bytes, input.cuts));
  // Right behind CONNACK the pieces decide what of ours has been sent, and so what can be acknowledged.
  if (input.connected && whole.events !== pieces.events) {
    throw new Finding(`other events when it is cut: ${whole.events} / ${pieces.events}`);
  }
  return whole.end;
}

function play(
  { version, connected }: EngineInput,
  chunks: readonly Uint8Array[],
): { readonly events: string; readonly end: string } {
  const harness = new EngineHarness({ version });
  if (connected) harness.connected(request);
  else harness.open(request);
  for (const qos of [0, 1, 2, 1, 2] as const) harness.publish(`out/${qos}`, { qos, payload: 'x' });
  harness.subscribe(['a/#', 'b/+']);
  harness.unsubscribe(['c']);
  const before = harness.takeEvents();
  for (const chunk of chunks) harness.serverBytes(chunk);
  const events = harness.takeEvents();
  const end = checkEnd(harness, events, connected);
  checkOutcomes([...before, ...events]);
  for (const event of events) {
    if (event.type === 'message' && event.delivery !== 0) harness.acknowledge(event.delivery);
  }
  goOn(harness, end);
  return { events: JSON.stringify(events.map(short)), end };
}

/** It goes on, or it ended once, for a reason, and said so to a server that can hear it. */
function checkEnd(
  harness: EngineHarness,
  events: readonly EngineEvent[],
  connected: boolean,
): string {
  const ends = events.filter((event) => event.type === 'disconnected');
  if (ends.length > 1) throw new Finding(`it ended ${ends.length} times`);
  const [end] = ends;
  if ((end !== undefined) !== harness.closed) throw new Finding('closed and ended do not agree');
  if (end === undefined)
    return events.some(({ type }) => type === 'connected') || connected ? 'goes on' : 'waits';
  const { reason } = end;
  if (reason.kind !== 'breach') {
    if (['refused', 'serverDisconnected', 'foreignSession'].includes(reason.kind))
      return reason.kind;
    throw new Finding(`it ended by ${reason.kind}`);
  }
  if (!breachCodes.has(reason.reasonCode) || reason.message.length < 10) {
    throw new Finding(`a breach 0x${reason.reasonCode.toString(16)}: ${reason.message}`);
  }
  const last = harness.takeSent().at(-1);
  const told = last?.type === PacketType.disconnect;
  const tells = harness.version === '5.0' && reason.connackReceived;
  if (told !== tells && !(tells && isTooSmall(reason.message, events))) {
    throw new Finding(`its last packet of a breach is ${JSON.stringify(last)}`);
  }
  if (told && last.reasonCode !== reason.reasonCode) {
    throw new Finding('another reason is sent than the one that is told');
  }
  return `breach 0x${reason.reasonCode.toString(16)}`;
}

/** Whether a DISCONNECT of four bytes would be more than the server takes. [MQTT-3.2.2-15] */
function isTooSmall(message: string, events: readonly EngineEvent[]): boolean {
  return (
    /allows packets of at most [1-3] bytes/.test(message) ||
    events.some((event) => event.type === 'connected' && event.negotiated.maximumPacketSize < 4)
  );
}

/** At most one outcome for each request, one code for each filter, and messages that somebody can handle. */
function checkOutcomes(events: readonly EngineEvent[]): void {
  const settled = new Set<string>();
  for (const event of events) {
    if (event.type === 'message' && !isWhole(event)) {
      throw new Finding(`a message that is none: ${JSON.stringify(event)}`);
    }
    if (event.type === 'subscribed' || event.type === 'unsubscribed') {
      const { outcome } = event;
      const filters = event.type === 'subscribed' ? 2 : 1;
      if (outcome.kind === 'acknowledged' && outcome.reasonCodes.length !== filters) {
        throw new Finding(`${outcome.reasonCodes.length} codes for ${filters} filters`);
      }
    }
    if (!('ticket' in event)) continue;
    const key = `${event.type} ${event.ticket}`;
    if (settled.has(key)) throw new Finding(`${key} twice`);
    settled.add(key);
  }
}

function isWhole({ packet, delivery }: Extract<EngineEvent, { type: 'message' }>): boolean {
  return (
    typeof packet.topic === 'string' &&
    packet.topic !== '' &&
    packet.payload instanceof Uint8Array &&
    delivery > 0 === packet.qos > 0
  );
}

/** Time passes, the connection ends, and another one takes the session over. */
function goOn(harness: EngineHarness, end: string): void {
  if (end === 'goes on') harness.advance(200_000);
  if (end === 'goes on' && !harness.closed) throw new Finding('a silent server is not found dead');
  harness.cut();
  harness.takeSent();
  harness.open(request);
  const [first] = harness.takeSent();
  if (first?.type !== PacketType.connect) throw new Finding('the next connection sends no CONNECT');
  harness.server(connack());
  harness.publish('after', { qos: 1 });
  const sent = harness.takeSent().filter(({ type }) => type === PacketType.publish);
  if (sent.length === 0) throw new Finding('the next connection does not publish');
  harness.disconnect();
  if (!harness.closed) throw new Finding('it cannot be closed');
}

const topics = ['a/b', 'b/c', 'constructor'];

/** What makes sense for a server to send then: answers to what is under way, and messages. */
function sensible(version: '3.1.1' | '5.0', random: Prng): Packet {
  const identifier = random.pick([1, 2, 3, 4, 5, 6, 7, 65_535]);
  const failure = version === '5.0' && random.chance(0.2) ? 0x97 : 0;
  const properties =
    version === '3.1.1'
      ? {}
      : random.pick([
          {},
          { topicAlias: random.integer(1, 3) },
          { subscriptionIdentifiers: [random.integer(1, 3)] },
          { userProperties: [['__proto__', 'x'] as const] },
        ]);
  const qos = random.pick([0, 1, 2] as const);
  switch (random.integer(0, 11)) {
    case 0:
      return puback(identifier, failure);
    case 1:
      return pubrec(identifier, failure);
    case 2:
      return pubrel(identifier);
    case 3:
      return pubcomp(identifier);
    case 4:
      return suback(identifier, [0, 1]);
    case 5:
      return unsuback(identifier, version === '5.0' ? [0] : []);
    case 6:
      return pingresp();
    case 7:
      return version === '5.0' ? random.pick([disconnect(0x8b), auth(0x18), connack()]) : connack();
    default:
      return publish(
        'topicAlias' in properties && random.chance(0.6) ? '' : random.pick(topics),
        'x',
        {
          qos,
          ...(qos > 0 && { packetIdentifier: identifier }),
          dup: qos > 0 && random.chance(0.3),
          retain: random.chance(0.2),
          properties,
        },
      );
  }
}

/** A CONNACK with limits of all kinds. */
function answer(version: '3.1.1' | '5.0', random: Prng): Packet {
  if (version === '3.1.1') return connack({ reasonCode: random.pick([0, 0, 0x87]) });
  return connack({
    sessionPresent: random.chance(0.2),
    properties: random.pick([
      {},
      { receiveMaximum: 1, maximumQos: 1, retainAvailable: 0 },
      { maximumPacketSize: random.integer(1, 60), topicAliasMaximum: 5 },
      { assignedClientIdentifier: 'x', serverKeepAlive: 5, sessionExpiryInterval: 1 },
    ]),
  });
}

function encoded(version: '3.1.1' | '5.0', packet: Packet): Uint8Array {
  const encoder = new PacketEncoder(version, 'server');
  try {
    encoder.encode(packet);
  } catch {
    // An AUTH without method cannot be encoded: it is made by hand.
    return Uint8Array.of(0xf0, 0x02, 0x18, 0x00);
  }
  return new Uint8Array(Buffer.concat(encoder.take()));
}

function spoil(bytes: Uint8Array, random: Prng): Uint8Array {
  let spoiled = spoilers[random.pick(spoilerNames)]!(bytes, random);
  if (spoiled.length > 1 && random.chance(0.75)) spoiled = reframed(spoiled);
  return spoiled;
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...[...cuts].sort((one, other) => one - other), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

/** An event without what differs between two runs of the same bytes. */
function short(event: EngineEvent): unknown {
  if (event.type === 'disconnected' && event.reason.kind === 'breach') {
    return [event.type, event.reason.reasonCode, event.reason.message];
  }
  return event;
}
