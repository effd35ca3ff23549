import type { LanePlan } from './lane.ts';

const common = {
  qos: 2,
  durability: 'process',
  delivery: 'at-least-once',
  cutWithinBytes: 3_000,
  burst: 1,
} as const;

/** What the suite plays: each broker, both versions, both levels, with file stores and without. */
export const lanePlans: readonly LanePlan[] = [
  {
    ...common,
    name: 'mosquitto 5.0 QoS 2, transactional',
    broker: 'mosquitto',
    version: '5.0',
    delivery: 'transactional',
  },
  {
    ...common,
    name: 'mosquitto 3.1.1 QoS 2, power',
    broker: 'mosquitto',
    version: '3.1.1',
    durability: 'power',
  },
  { ...common, name: 'mosquitto 5.0 QoS 1', broker: 'mosquitto', version: '5.0', qos: 1 },
  {
    ...common,
    name: 'mosquitto 5.0 QoS 2, memory',
    broker: 'mosquitto',
    version: '5.0',
    durability: 'memory',
  },
  { ...common, name: 'aedes 5.0 QoS 2', broker: 'aedes', version: '5.0' },
  {
    ...common,
    name: 'aedes 3.1.1 QoS 1, transactional',
    broker: 'aedes',
    version: '3.1.1',
    qos: 1,
    delivery: 'transactional',
  },
];
