/** What has to happen at least once in the standard run: a simulation that never gets there proves nothing of it. */
import { engineActions } from './chances.ts';

const versions = ['5.0', '3.1.1'];
const acknowledgements = [
  // PUBACK, PUBREC, PUBREL and PUBCOMP, each for a message in every state in which it can come.
  '4 sent',
  '4 unknown',
  '5 sent',
  '5 unknown',
  '6 unknown',
  '7 released',
  '7 unknown',
  '9 unknown',
  '11 unknown',
  '13 unknown',
  '2 unknown',
  '3 unknown',
];
const operations = [
  'session',
  'subscription',
  'unsubscription',
  'out',
  'outIdentifier',
  'outReceived',
  'outDone',
  'in',
  'inDone',
  'inReleased',
  'reset',
];
const packets = [
  'connect',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'unsubscribe',
  'pingreq',
  'disconnect',
];

export const expectedEngineCounts: readonly string[] = [
  ...Object.keys(engineActions).map((name) => `action ${name}`),
  ...versions.flatMap((version) => [
    ...packets.map((packet) => `${version} got ${packet}`),
    ...acknowledgements.map((what) => `received ${what} ${version}`),
  ]),
  ...operations.map((name) => `operation ${name}`),
  ...[
    'requested',
    'transportClosed',
    'refused',
    'serverDisconnected',
    'breach',
    'keepAliveTimeout',
    'foreignSession',
  ].map((kind) => `disconnected ${kind}`),
  ...[
    'success',
    'refused',
    'expired',
    'queueFull',
    'serverLimit',
    'connectionLost',
    'sessionLost',
  ].map((outcome) => `published ${outcome}`),
  ...['withdrawn', 'inFlight'].map((result) => `cancel ${result}`),
  ...[1, 2, 3, 4, 5].map((code) => `refused 3.1.1 ${code}`),
  ...[
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
  ].map((code) => `refused 5.0 ${code}`),
  'fault error puback',
  'fault error pubrec',
  'process crashed',
  'process restarted',
  'store failed',
  'store compacted',
  'reading paused',
  'reading resumed',
  'message redelivered',
  'message to the client again',
  'known QoS 2 message again',
  'PUBLISH again',
  'PUBREL of an earlier connection',
  'topic by alias',
  'window full',
  'connack with session',
  'connack without session',
];
