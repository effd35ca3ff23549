/** What can happen in one step at the client level, how often, and what it does. */
import type { ClientWorld } from './client-world.ts';
import { makePayload } from './payloads.ts';

export const clientActions = {
  publish: 8,
  brokerPublish: 7,
  time: 12,
  answer: 4,
  commit: 6,
  acknowledge: 5,
  start: 6,
  subscribe: 0.8,
  unsubscribe: 0.5,
  close: 0.3,
  cut: 0.5,
  cutAfter: 0.8,
  orderlyEnd: 0.3,
  silence: 0.2,
  speak: 0.3,
  sleep: 0.1,
  wallClock: 0.2,
  stall: 0.3,
  crash: 0.3,
  crashAtOnce: 0.3,
  storeFailure: 0.1,
  brokerRestart: 0.2,
  brokerForgets: 0.12,
  takeOver: 0.06,
  serverDisconnect: 0.15,
  redirect: 0.15,
  stray: 0.1,
} as const;

export type ClientAction = keyof typeof clientActions;

const ordinary: ReadonlySet<string> = new Set<ClientAction>([
  'publish',
  'brokerPublish',
  'time',
  'answer',
  'commit',
  'acknowledge',
  'start',
]);

export function isOrdinaryClientAction(name: string): boolean {
  return ordinary.has(name);
}

/** `false`: it was not possible. */
type Act = (world: ClientWorld) => undefined | false | Promise<undefined | false>;

export const clientActionTable: Readonly<Record<ClientAction, Act>> = {
  publish(world) {
    if (!world.isAlive) return false;
    const { prng, options } = world;
    const burst = prng.chance(0.05) ? 12 : 1;
    for (let count = 0; count < burst; count++) {
      // Whoever adopts sessions of an unknown past is told to publish at QoS 0 and 1 alone.
      const adopts = options.foreignSession === 'adopt';
      const qos = adopts ? prng.pick([0, 1] as const) : prng.pick([0, 1, 1, 2, 2] as const);
      const limits = prng.chance(0.03) ? { timeoutMs: prng.pick([1, 100, 3_000]) } : {};
      world.publish(
        qos,
        `out/${prng.integer(0, 3)}`,
        prng.integer(1, options.largestPayload),
        limits,
      );
    }
    return undefined;
  },

  brokerPublish(world) {
    const { prng, options, broker, ledger } = world;
    const session = broker.sessions.get('client');
    const topic = prng.chance(0.8) ? `in/${prng.integer(0, 3)}` : `ix/${prng.integer(0, 3)}`;
    const subscription = session?.match(topic);
    if (session === undefined || subscription === undefined || session.outbound.length > 60)
      return false;
    const wanted = prng.pick([0, 1, 1, 2, 2] as const);
    const qos = Math.min(wanted, subscription.qos) as 0 | 1 | 2;
    const number = ledger.nextNumber();
    ledger.offer(number, topic, qos, session.epoch);
    broker.publish(
      'client',
      topic,
      makePayload(number, prng.integer(1, options.largestPayload)),
      wanted,
    );
    return undefined;
  },

  async time(world) {
    await world.clock.advance(world.prng.pick([1, 5, 20, 100, 500, 2_000]));
    return undefined;
  },

  answer(world) {
    const { server } = world.network;
    if (server === undefined || server.owed === 0) return false;
    server.answer(world.prng.integer(1, 5));
    return undefined;
  },

  commit(world) {
    if (world.store.pending === 0) return false;
    world.settleCommit(false);
    return undefined;
  },

  acknowledge(world) {
    const { unacknowledged } = world.application;
    if (unacknowledged === 0) return false;
    world.application.acknowledge(world.prng.integer(0, unacknowledged - 1));
    return undefined;
  },

  async start(world) {
    if (world.client !== undefined) return false;
    await world.start();
    return undefined;
  },

  subscribe(world) {
    if (!world.isAlive) return false;
    world.subscribe(`ix/${world.prng.integer(0, 3)}`, world.prng.pick([0, 1, 2] as const));
    return undefined;
  },

  unsubscribe(world) {
    if (!world.isAlive) return false;
    world.unsubscribe(`ix/${world.prng.integer(0, 3)}`);
    return undefined;
  },

  close(world) {
    if (!world.isAlive) return false;
    world.close(world.prng.pick([0, 100, 5_000]));
    return undefined;
  },

  cut(world) {
    const { current } = world.network;
    if (current === undefined) return false;
    current.cut('reset');
    return undefined;
  },

  cutAfter(world) {
    const { prng, network } = world;
    if (network.current === undefined) return false;
    const manner = prng.pick(['reset', 'orderly'] as const);
    network.current.cutAfter(
      prng.pick(['toClient', 'toServer'] as const),
      prng.integer(0, 60),
      manner,
    );
    return undefined;
  },

  orderlyEnd(world) {
    const { current } = world.network;
    if (current === undefined) return false;
    current.cut('orderly');
    return undefined;
  },

  silence(world) {
    const { prng, network } = world;
    if (network.current === undefined) return false;
    network.current.silence(prng.pick(['toClient', 'toServer', 'both'] as const));
    return undefined;
  },

  speak(world) {
    const { current } = world.network;
    if (current === undefined) return false;
    current.speak();
    return undefined;
  },

  async sleep(world) {
    const ms = world.prng.pick([3_000, 60_000, 600_000]);
    world.lenientUntilMs = world.nowMs + ms + 30_000;
    await world.clock.sleep(ms);
    return undefined;
  },

  wallClock(world) {
    world.clock.setWallClock(world.prng.pick([-86_400_000, -5_000, 5_000, 3_600_000]));
    return undefined;
  },

  stall(world) {
    const { current } = world.network;
    if (current === undefined) return false;
    if (world.prng.chance(0.4)) current.serverEnd.pause();
    else current.serverEnd.resume();
    return undefined;
  },

  crash(world) {
    if (world.client === undefined) return false;
    world.crash();
    return undefined;
  },

  /** The process dies some microtasks after something was asked of it: between any two of its duties. */
  async crashAtOnce(world) {
    const { prng } = world;
    if (!world.isAlive) return false;
    clientActionTable.publish(world);
    for (let turns = prng.integer(0, 12); turns > 0; turns--) await undefined;
    if (world.client !== undefined) world.crash();
    return undefined;
  },

  storeFailure(world) {
    if (world.options.mode !== 'durable' || !world.isAlive) return false;
    if (world.store.pending > 0) world.settleCommit(true);
    else world.failNextCommit = true;
    return undefined;
  },

  brokerRestart(world) {
    world.broker.restart(true);
    return undefined;
  },

  brokerForgets(world) {
    world.broker.restart(false);
    return undefined;
  },

  takeOver(world) {
    const { server } = world.network;
    if (!server?.isConnected) return false;
    server.leave(0x8e);
    return undefined;
  },

  serverDisconnect(world) {
    const { server } = world.network;
    if (!server?.isConnected) return false;
    server.leave(world.prng.pick([0x89, 0x8b, 0x8d, 0x93, 0x97]));
    return undefined;
  },

  redirect(world) {
    const { server } = world.network;
    if (!server?.isConnected || server.version !== '5.0') return false;
    server.leave(world.prng.pick([0x9c, 0x9d]), world.prng.pick(['elsewhere', 'elsewhere:1884']));
    return undefined;
  },

  stray(world) {
    const { server } = world.network;
    if (!server?.isConnected) return false;
    const kind = world.prng.pick(['puback', 'pubrec', 'pubrel'] as const);
    server.writeStray(kind, world.prng.integer(60_000, 60_100));
    return undefined;
  },
};
