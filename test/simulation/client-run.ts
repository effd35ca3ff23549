/** One run at the client level: so many steps, then a time without faults, then a close after which nothing is left. */
import { Prng } from '@mqtt-kit/testkit';
import { swarm, Wheel } from './chances.ts';
import { clientActions, clientActionTable, isOrdinaryClientAction } from './client-actions.ts';
import { drawClientOptions } from './client-options.ts';
import { ClientWorld } from './client-world.ts';
import { type RunRequest, type RunResult, stepPrng } from './run.ts';
import { Trace } from './trace.ts';
import { hold } from './violation.ts';

export async function runClient(request: RunRequest): Promise<RunResult> {
  const prng = new Prng(request.seed);
  const options = drawClientOptions(prng);
  const weights = swarm(prng, clientActions, isOrdinaryClientAction);
  for (const name of request.without) if (name in weights) weights[name as 'crash'] = 0;
  const wheel = new Wheel(weights);
  const trace = new Trace(request.traced);
  if (trace.kept) trace.add(JSON.stringify(options));
  const world = new ClientWorld(options, prng.fork(), trace);
  const onUnhandled = (error: unknown): void => world.fail(error);
  process.on('unhandledRejection', onUnhandled);
  let step = 0;
  let failure: Error | undefined;
  try {
    for (step = 0; step < request.steps; step++) {
      if (request.skipped?.has(step)) continue;
      world.prng = stepPrng(request.seed, step);
      for (let tries = 0, done = false; tries < 4 && !done; tries++) {
        const action = wheel.draw(world.prng.random());
        if (trace.kept) trace.add(`--- ${step} ${action}`);
        done = (await clientActionTable[action](world)) !== false;
        if (done) world.counts.add(`action ${action}`);
      }
      await world.clock.settle();
      world.check();
    }
    world.prng = stepPrng(request.seed, -1);
    await finish(world);
  } catch (error) {
    failure = error as Error;
  }
  process.off('unhandledRejection', onUnhandled);
  // Nothing of this run may reach into the next one.
  world.abandon();
  await world.clock.settle().catch(() => {});
  return { hash: trace.hash, counts: world.counts.toRecord(), failure, step, trace: trace.lines };
}

/** Rounds of 200 ms: the longest back-off, a connection attempt that hangs, and a dead link fit in several times. */
const longestRounds = 4_000;

async function finish(world: ClientWorld): Promise<void> {
  world.faults = false;
  world.failNextCommit = false;
  for (const connection of world.network.link.connections) connection.cut('reset');
  if (world.application.waitsForStart) world.crash();
  for (let round = 0, quiet = 0; quiet < 3; round++) {
    const unrest = unrestOf(world);
    hold(round < longestRounds, 12, () => `not at rest after ${longestRounds} rounds: ${unrest}`);
    await advance(world);
    quiet = unrestOf(world) === undefined ? quiet + 1 : 0;
  }
  checkOutcomes(world);
  world.checkDropped();
  checkSubscriptions(world);
  world.close(1_000);
  for (let round = 0; world.closing; round++) {
    hold(round < 50, 12, () => 'close does not end');
    await advance(world);
  }
  world.check();
  // Handlers of lives that are over may still be asleep.
  await world.clock.advance(6_000);
  world.check();
  hold(
    world.clock.scheduled === 0,
    14,
    () => `${world.clock.scheduled} timers are left after close`,
  );
  const { openEnds } = world.network.link;
  hold(openEnds === 0, 14, () => `${openEnds} ends of connections are open after close`);
}

async function advance(world: ClientWorld): Promise<void> {
  if (world.client?.status.state === 'closed' && !world.closing) world.close(0);
  if (world.client === undefined && !world.closing) await world.start();
  if (world.isAlive) world.subscribeAgain();
  while (world.application.unacknowledged > 0) world.application.acknowledge(0);
  world.network.server?.answer(1_000);
  while (world.store.pending > 0) {
    world.settleCommit(false);
    await world.clock.settle();
  }
  await world.clock.advance(200);
  world.check();
}

function unrestOf(world: ClientWorld): string | undefined {
  const { client, broker, journal } = world;
  if (client === undefined || client.status.state !== 'connected')
    return `the client is ${client?.status.state}`;
  if (client.queued.messages > 0) return `${client.queued.messages} messages are queued`;
  if (world.unsettled > 0) return `${world.unsettled} promises have no end`;
  if (world.application.atWork > 0) return 'a handler is at work';
  if (world.store.pending > 0) return 'a commit is under way';
  const outbound = broker.sessions.get('client')?.outbound ?? [];
  if (outbound.length > 0)
    return `the broker holds ${outbound.length} messages, the first ${outbound[0]?.state}`;
  const unfinished = journal.unfinished[0];
  if (unfinished !== undefined)
    return `message ${unfinished.number} is ${unfinished.state} in the store`;
  const undone = world.options.mode === 'durable' ? journal.undone : undefined;
  if (undone !== undefined) return `delivery ${undone.delivery} is not done in the store`;
  return undefined;
}

/** Nothing accepted is lost, and nothing that the server was told to be taken. */
function checkOutcomes(world: ClientWorld): void {
  const { ledger, journal, options } = world;
  for (const stored of journal.messages.values()) {
    const owned = (ledger.published.get(stored.number)?.owned ?? 0) > 0;
    const { end = '' } = stored;
    const explained = !/^(reason \d{1,2}|assumedDelivered|)$/.test(end);
    hold(owned || explained, 'lost', () => `accepted message ${stored.number} is lost: ${end}`);
  }
  const epoch = world.broker.sessions.get('client')?.epoch;
  const durable = options.mode === 'durable';
  for (const message of ledger.inbound.values()) {
    if (message.qos === 0) continue;
    const due = message.taken ? durable : message.epoch === epoch;
    // At most once, a crash between the end of a message and its handler loses it.
    const settledFirst =
      options.delivery === 'at-most-once' && (!durable || journal.ended.has(message.number));
    hold(
      !due || message.handled || settledFirst,
      'lost',
      () => `message ${message.number} of the server was never handled`,
    );
  }
}

/** What the server has is what the application wants (13). */
function checkSubscriptions(world: ClientWorld): void {
  const session = world.broker.sessions.get('client');
  const there = [...(session?.subscriptions.keys() ?? [])].sort();
  const wanted = [...world.filters].sort();
  for (const filter of wanted)
    hold(there.includes(filter), 13, () => `"${filter}" is wanted, and not at the server`);
  if (world.life > 1 && !world.sessionIsOurs) return;
  for (const filter of there)
    hold(wanted.includes(filter), 13, () => `"${filter}" is at the server, and not wanted`);
}
