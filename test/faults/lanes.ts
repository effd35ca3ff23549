import type { LanePlan } from './lane.ts';

const within = 8_000;
const burst = 2;

/** What the suite plays: each broker, both versions, both levels, with file stores and without. */
export const lanePlans: readonly LanePlan[] = [
  {
    name: 'mosquitto 5.0 QoS 2',
    broker: 'mosquitto',
    version: '5.0',
    qos: 2,
    durability: 'process',
    cutWithinBytes: within,
    burst,
  },
  {
    name: 'mosquitto 3.1.1 QoS 2',
    broker: 'mosquitto',
    version: '3.1.1',
    qos: 2,
    durability: 'power',
    cutWithinBytes: within,
    burst,
  },
  {
    name: 'mosquitto 5.0 QoS 1',
    broker: 'mosquitto',
    version: '5.0',
    qos: 1,
    durability: 'process',
    cutWithinBytes: within,
    burst,
  },
  {
    name: 'mosquitto 5.0 QoS 2, memory',
    broker: 'mosquitto',
    version: '5.0',
    qos: 2,
    durability: 'memory',
    cutWithinBytes: within,
    burst,
  },
  {
    name: 'aedes 5.0 QoS 2',
    broker: 'aedes',
    version: '5.0',
    qos: 2,
    durability: 'process',
    cutWithinBytes: within,
    burst,
  },
  {
    name: 'aedes 3.1.1 QoS 1',
    broker: 'aedes',
    version: '3.1.1',
    qos: 1,
    durability: 'process',
    cutWithinBytes: within,
    burst,
  },
];
