import { type EmbeddedAedes, startAedes } from '../../setup/aedes.ts';
import { type Mosquitto, startMosquitto } from '../../setup/mosquitto.ts';
import { requires } from '../../setup/requires.ts';

export type Version = '3.1.1' | '5.0';
export type TransportName = 'tcp' | 'tls' | 'webSocket' | 'secureWebSocket';

/** A real broker as the suites see it. */
export interface Broker extends AsyncDisposable {
  port(transport: TransportName): number;
  url(transport: TransportName): string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** A broker to test with, and the version to speak. */
export interface BrokerCase {
  readonly name: string;
  readonly version: Version;
  readonly available: boolean;
  /** Tells a client that is taken over why: reason code 0x8E. mosquitto closes in silence. */
  readonly saysTakenOver: boolean;
  /**
   * Names all subscriptions that a message matches, by one copy for each or by all identifiers in one, as
   * [MQTT-3.3.4-3] demands. aedes 2 beta sends one copy with one identifier.
   */
  readonly namesEverySubscription: boolean;
  /** [MQTT-3.3.2-18] aedes 2 beta sends those of one name one after the other. */
  readonly keepsUserPropertyOrder: boolean;
  /** Largest payload that each transport carries in reasonable time. */
  readonly largePayloadBytes: (transport: TransportName) => number;
  start(): Promise<Broker>;
}

const withMosquitto = requires('mosquitto', 'openssl');
const withAedes = requires('openssl');

const mosquitto = (): Promise<Mosquitto<TransportName>> =>
  startMosquitto({
    listeners: {
      tcp: {},
      tls: { certificate: 'server' },
      webSocket: { webSocket: true },
      secureWebSocket: { webSocket: true, certificate: 'server' },
    },
  });

const megabyte = 1_048_576;

/** mosquitto 2.0.11 writes 4 KiB to a WebSocket, sleeps for 100 ms, and writes the next 4 KiB. */
const mosquittoLimit = (transport: TransportName): number =>
  transport === 'tcp' || transport === 'tls' ? megabyte : 10_000;

const aedes = (kind: Version) => (): Promise<EmbeddedAedes> => startAedes(kind);

export const brokerCases: readonly BrokerCase[] = [
  {
    name: 'mosquitto 3.1.1',
    version: '3.1.1',
    available: withMosquitto,
    saysTakenOver: false,
    namesEverySubscription: true,
    keepsUserPropertyOrder: true,
    largePayloadBytes: mosquittoLimit,
    start: mosquitto,
  },
  {
    name: 'mosquitto 5.0',
    version: '5.0',
    available: withMosquitto,
    saysTakenOver: false,
    namesEverySubscription: true,
    keepsUserPropertyOrder: true,
    largePayloadBytes: mosquittoLimit,
    start: mosquitto,
  },
  {
    name: 'aedes 1.2, 3.1.1',
    version: '3.1.1',
    available: withAedes,
    saysTakenOver: false,
    namesEverySubscription: false,
    keepsUserPropertyOrder: false,
    largePayloadBytes: () => megabyte,
    start: aedes('3.1.1'),
  },
  {
    name: 'aedes 2 beta, 5.0',
    version: '5.0',
    available: withAedes,
    saysTakenOver: true,
    namesEverySubscription: false,
    keepsUserPropertyOrder: false,
    largePayloadBytes: () => megabyte,
    start: aedes('5.0'),
  },
];
