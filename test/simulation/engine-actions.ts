/** What can happen in one step at the engine level. Each action says whether anything came of it. */
import type { EngineAction } from './chances.ts';
import type { EngineWorld } from './engine-world.ts';
import { makePayload } from './payloads.ts';
import { drawWrongPacket } from './wrong-packets.ts';

export const engineActionTable: Readonly<Record<EngineAction, (world: EngineWorld) => boolean>> = {
  toServer(world) {
    const { link } = world;
    if (!link?.hasForServer) return false;
    const waiting = link.bytesToServer;
    link.deliverToServer(world.prng.integer(1, world.options.largestChunk));
    world.trace.add('server reads');
    if (waiting > 65_536 && link.bytesToServer <= 65_536) writable(world);
    return true;
  },

  toClient(world) {
    const { link } = world;
    if (!link?.hasForClient || world.readingPaused) return false;
    world.deliverToClient(world.prng.integer(1, world.options.largestChunk));
    return true;
  },

  answer(world) {
    const { link } = world;
    if (link === undefined || link.server.owed === 0) return false;
    link.server.answer(world.prng.integer(1, 5));
    return true;
  },

  commit(world) {
    if ((world.store?.pending ?? 0) === 0) return false;
    world.settleCommit(false);
    return true;
  },

  publish(world) {
    const { prng, options } = world;
    const burst = prng.chance(0.05) ? 12 : 1;
    for (let count = 0; count < burst; count++) {
      // Whoever adopts sessions of an unknown past is told to publish at QoS 0 and 1 alone.
      const adopts = options.engine.foreignSession === 'adopt' && options.mode !== 'durable';
      const qos = adopts ? prng.pick([0, 1] as const) : prng.pick([0, 1, 1, 2, 2] as const);
      const topic = `out/${prng.integer(0, 3)}`;
      const length = prng.integer(1, options.largestPayload);
      const expiry = prng.chance(0.05) ? prng.integer(1, 30) : 0;
      world.publish(qos, topic, length, expiry);
    }
    return true;
  },

  brokerPublish(world) {
    const { prng, options } = world;
    const number = world.ledger.nextNumber();
    const topic = `in/${prng.integer(0, 3)}`;
    const wanted = prng.pick([0, 1, 1, 2, 2] as const);
    const { clientId } = options.request;
    const session = world.broker.sessions.get(clientId);
    if (session === undefined || session.outbound.length > 60) return false;
    const subscription = session.match(topic);
    if (subscription === undefined) return false;
    const qos = Math.min(wanted, subscription.qos) as 0 | 1 | 2;
    const length = prng.integer(1, options.largestPayload);
    world.ledger.offer(number, topic, qos, session.epoch);
    world.broker.publish(clientId, topic, makePayload(number, length), wanted);
    return true;
  },

  acknowledge(world) {
    const { prng, outstanding, options } = world;
    if (outstanding.length === 0) return false;
    // Handlers end in any order, most of them in that of arrival.
    const index = prng.chance(0.7) ? 0 : prng.integer(0, outstanding.length - 1);
    const reason = options.mode !== 'durable' && prng.chance(0.05) ? 0x80 : 0;
    world.acknowledge(index, reason);
    return true;
  },

  time(world) {
    const { prng } = world;
    world.advance(prng.pick([1, 5, 20, 100, 100, 500, 2_000, 10_000]), false);
    return true;
  },

  connect(world) {
    if (!world.mayConnect) return false;
    world.connect(true);
    return true;
  },

  refusedAttempt(world) {
    if (!world.mayConnect) return false;
    world.connect(false);
    return true;
  },

  subscribe(world) {
    world.subscribe(`in/${world.prng.integer(0, 3)}`, world.prng.pick([0, 1, 2] as const));
    return true;
  },

  unsubscribe(world) {
    world.unsubscribe(`in/${world.prng.integer(0, 3)}`);
    return true;
  },

  cancel(world) {
    world.cancel();
    return true;
  },

  disconnect(world) {
    if (world.link === undefined) return false;
    world.disconnect();
    return true;
  },

  reset(world) {
    if (world.link === undefined) return false;
    world.link.reset();
    return true;
  },

  finish(world) {
    if (world.link === undefined || world.link.serverEnded) return false;
    world.link.server.leave(0x8b);
    return true;
  },

  halfOpen(world) {
    const { link, prng } = world;
    if (link === undefined) return false;
    const which = prng.integer(1, 3);
    if ((which & 1) !== 0) link.silentToServer = true;
    if ((which & 2) !== 0) link.silentToClient = true;
    return true;
  },

  cutToServer(world) {
    const { link, prng } = world;
    if (link === undefined || !link.hasForServer) return false;
    link.deliverToServer(prng.integer(1, 60));
    link.reset();
    return true;
  },

  cutToClient(world) {
    const { link, prng } = world;
    if (link === undefined || !link.hasForClient || link.dead) return false;
    world.deliverToClient(prng.integer(1, 20));
    link.reset();
    return true;
  },

  crash(world) {
    world.process.diesIn = world.prng.integer(1, 6);
    return true;
  },

  storeFailure(world) {
    if (world.options.mode !== 'durable') return false;
    if ((world.store?.pending ?? 0) > 0) world.settleCommit(true);
    else world.failNextCommit = true;
    return true;
  },

  brokerRestart(world) {
    world.broker.restart(true);
    return true;
  },

  brokerForgets(world) {
    world.broker.restart(false);
    return true;
  },

  takeOver(world) {
    if (!world.link?.server.isConnected) return false;
    world.link.server.leave(0x8e);
    return true;
  },

  serverDisconnect(world) {
    if (!world.link?.server.isConnected) return false;
    world.link.server.leave(world.prng.pick([0x81, 0x89, 0x8b, 0x8d, 0x93, 0x97, 0x98, 0xa0]));
    return true;
  },

  stray(world) {
    const { link, prng } = world;
    if (!link?.server.isConnected || link.serverEnded) return false;
    // No client uses so high identifiers in so few steps, unless nearly all others are retired.
    const identifier = prng.integer(60_000, 60_100);
    link.server.writeStray(prng.pick(['puback', 'pubrec', 'pubrel'] as const), identifier);
    return true;
  },

  garbage(world) {
    const { link, prng } = world;
    if (link === undefined || link.serverEnded || link.dead) return false;
    world.garbled = true;
    link.server.writeRaw(prng.pick(malformed));
    return true;
  },

  wrongPacket(world) {
    const { link, prng, options, witness } = world;
    if (link === undefined || link.serverEnded || link.dead) return false;
    const { isConnected } = link.server;
    // What is on its way may change what is wrong.
    if (isConnected !== witness.isConnected || link.hasForClient) return false;
    const { version } = options.request;
    const packet = drawWrongPacket(prng, version, isConnected, witness.open);
    if (packet === undefined) return false;
    world.garbled = true;
    link.server.writeRaw(packet);
    return true;
  },

  stall(world) {
    const { link, prng } = world;
    if (link === undefined) return false;
    if (link.stalled) link.resume();
    else if (prng.chance(0.5)) link.pause();
    return true;
  },

  wallClock(world) {
    const { prng } = world;
    world.epochMs += prng.pick([-86_400_000, -5_000, 5_000, 3_600_000]);
    return true;
  },

  lateTimer(world) {
    world.advance(world.prng.pick([1_000, 30_000, 600_000]), true);
    return true;
  },
};

function writable(world: EngineWorld): void {
  world.process.engine.transportWritable(true, world.now());
  world.process.pump();
}

const malformed = [
  Uint8Array.of(0x00, 0x00),
  Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0x36, 0x05, 0x00, 0x01, 0x61, 0x00, 0x01),
  Uint8Array.of(0x62 | 1, 0x02, 0x00, 0x01),
  Uint8Array.of(0x10, 0x00),
  Uint8Array.of(0xd0, 0x01, 0x00),
];
