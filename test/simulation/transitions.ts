/**
 * The table of all transitions that packets of a server can cause: the state of what a packet concerns, and the packet.
 * `WireWitness` counts them as it sees them; a standard run has to reach each one that a server can cause, and prints
 * how often it did.
 */
export type TransitionVersion = '5.0' | '3.1.1';

export interface Transition {
  readonly state: string;
  readonly packet: string;
  readonly versions: readonly TransitionVersion[];
  /** Why no run can reach it. */
  readonly unreachable?: string;
}

const both: readonly TransitionVersion[] = ['5.0', '3.1.1'];
const five: readonly TransitionVersion[] = ['5.0'];

/** Packets of a server by their types, and the versions that have them. */
export const serverPackets: ReadonlyMap<number, readonly [string, readonly TransitionVersion[]]> =
  new Map([
    [2, ['CONNACK', both]],
    [3, ['PUBLISH', both]],
    [4, ['PUBACK', both]],
    [5, ['PUBREC', both]],
    [6, ['PUBREL', both]],
    [7, ['PUBCOMP', both]],
    [9, ['SUBACK', both]],
    [11, ['UNSUBACK', both]],
    [13, ['PINGRESP', both]],
    [14, ['DISCONNECT', five]],
    [15, ['AUTH', five]],
  ]);

const twoOwners =
  'a server that gives one identifier to two messages: no client could tell them apart';
const unasked =
  'a server that releases what it has no PUBREC for: it might lose the message itself';
const forgets =
  'a server that keeps a session and forgets a message of it: then it has lost the message';

export const transitions: readonly Transition[] = [
  // Before CONNACK nothing else may come, whatever it is.
  { state: 'connecting', packet: 'CONNACK', versions: both },
  { state: 'connecting', packet: 'CONNACK refused', versions: both },
  ...[...serverPackets]
    .filter(([type]) => type !== 2)
    .map(([, [packet, versions]]) => ({ state: 'connecting', packet, versions })),
  { state: 'connected', packet: 'CONNACK', versions: both },
  { state: 'connected', packet: 'PUBLISH QoS 0', versions: both },
  { state: 'connected', packet: 'DISCONNECT', versions: five },
  { state: 'connected', packet: 'AUTH', versions: five },
  { state: 'PINGREQ sent', packet: 'PINGRESP', versions: both },
  { state: 'no PINGREQ sent', packet: 'PINGRESP', versions: both },

  // Messages to the client, by packet identifier.
  { state: 'nothing received', packet: 'PUBLISH QoS 1', versions: both },
  { state: 'unanswered', packet: 'PUBLISH QoS 1', versions: both, unreachable: twoOwners },
  { state: 'nothing received', packet: 'PUBLISH QoS 2', versions: both },
  { state: 'unanswered', packet: 'PUBLISH QoS 2', versions: both },
  { state: 'PUBREC sent', packet: 'PUBLISH QoS 2', versions: both },
  { state: 'nothing received', packet: 'PUBREL', versions: both },
  { state: 'unanswered', packet: 'PUBREL', versions: both, unreachable: unasked },
  { state: 'PUBREC sent', packet: 'PUBREL', versions: both },

  // Messages of the client, by packet identifier.
  ...['nothing sent', 'QoS 1 sent', 'QoS 2 sent', 'PUBREL due'].flatMap((state) =>
    ['PUBACK', 'PUBREC', 'PUBCOMP'].map((packet) => ({ state, packet, versions: both })),
  ),
  { state: 'QoS 1 sent', packet: 'PUBACK refused', versions: five },
  { state: 'QoS 2 sent', packet: 'PUBREC refused', versions: five },
  { state: 'PUBREL due', packet: 'PUBREC refused', versions: five },
  { state: 'PUBREL due', packet: 'PUBCOMP refused', versions: five, unreachable: forgets },

  // Requests, by packet identifier.
  ...['nothing asked', 'SUBSCRIBE sent', 'UNSUBSCRIBE sent'].flatMap((state) =>
    ['SUBACK', 'UNSUBACK'].map((packet) => ({ state, packet, versions: both })),
  ),
];

/** How a transition is counted. */
export function transitionCount(state: string, packet: string, version: string): string {
  return `transition ${version} ${state}, ${packet}`;
}

/** Counts that a standard run has to have. */
export const expectedTransitions: readonly string[] = transitions.flatMap(
  ({ state, packet, versions, unreachable }) =>
    unreachable === undefined
      ? versions.map((version) => transitionCount(state, packet, version))
      : [],
);
