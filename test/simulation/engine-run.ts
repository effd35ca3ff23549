/** One run at the engine level: so many steps, then a time without faults in which everything has to come to its end. */
import { Prng } from '@mqtt-kit/testkit';
import { engineActions, swarm, Wheel } from './chances.ts';
import { engineActionTable } from './engine-actions.ts';
import { drawEngineOptions } from './engine-options.ts';
import { Crash } from './engine-process.ts';
import { EngineWorld } from './engine-world.ts';
import type { RunRequest, RunResult } from './run.ts';
import { stepPrng } from './run.ts';
import { Trace } from './trace.ts';
import { hold } from './violation.ts';

export function runEngine(request: RunRequest): RunResult {
  const prng = new Prng(request.seed);
  const options = drawEngineOptions(prng);
  const weights = swarm(prng, engineActions);
  for (const name of request.without) if (name in weights) weights[name as 'crash'] = 0;
  const wheel = new Wheel(weights);
  const trace = new Trace(request.traced);
  if (trace.kept)
    trace.add(JSON.stringify(options, (_key, value) => (value === Infinity ? 'Infinity' : value)));
  const world = new EngineWorld(options, prng.fork(), trace);
  let step = 0;
  try {
    for (step = 0; step < request.steps; step++) {
      if (request.skipped?.has(step)) continue;
      world.prng = stepPrng(request.seed, step);
      // What is not possible now makes room for something that is.
      for (let tries = 0, done = false; tries < 4 && !done; tries++) {
        const action = wheel.draw(world.prng.random());
        if (trace.kept) trace.add(`--- ${step} ${action}`);
        surviving(world, () => {
          world.counts.add(`action ${action}`);
          done = engineActionTable[action](world);
          if (!done) world.counts.add(`action ${action}`, -1);
        });
      }
    }
    world.prng = stepPrng(request.seed, -1);
    finish(world);
  } catch (error) {
    return {
      hash: trace.hash,
      counts: world.counts.toRecord(),
      failure: error as Error,
      step,
      trace: trace.lines,
    };
  }
  return {
    hash: trace.hash,
    counts: world.counts.toRecord(),
    failure: undefined,
    step,
    trace: trace.lines,
  };
}

/** Does something; when the process dies meanwhile, the next one starts. */
function surviving(world: EngineWorld, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    world.restart(true);
  }
  if (world.process.stopped) world.restart(false);
}

const longestRounds = 4_000;

/** Faults are off: within a bounded time everything has its end (12), and nothing was lost. */
function finish(world: EngineWorld): void {
  world.faults = false;
  world.process.diesIn = Number.POSITIVE_INFINITY;
  world.failNextCommit = false;
  const { link } = world;
  // A silence without keep-alive would last for ever; a plan drawn with faults would go on.
  if (link !== undefined) link.reset();
  let quiet = 0;
  for (let round = 0; quiet < 3; round++) {
    hold(
      round < longestRounds,
      12,
      () => `not at rest after ${longestRounds} rounds: ${unrest(world)}`,
    );
    if (isExhausted(world)) return;
    surviving(world, () => advance(world));
    quiet = unrest(world) === undefined ? quiet + 1 : 0;
  }
  checkOutcomes(world);
  checkWindow(world);
}

function advance(world: EngineWorld): void {
  if (world.mayConnect) world.connect(true);
  const { link } = world;
  if (link?.hasForServer) {
    link.deliverToServer(1_000_000);
    world.process.engine.transportWritable(true, world.now());
    world.process.pump();
  }
  link?.server.answer(1_000);
  while (world.link?.hasForClient && !world.readingPaused) world.deliverToClient(1_000_000);
  while ((world.store?.pending ?? 0) > 0) world.settleCommit(false);
  while (world.outstanding.length > 0) world.acknowledge(0, 0);
  world.advance(50, false);
}

/** What is still under way, in words; `undefined` when nothing is. */
function unrest(world: EngineWorld): string | undefined {
  const { engine } = world.process;
  if (!world.isUp) return 'no connection';
  if (engine.queued.messages > 0) return `${engine.queued.messages} messages queued`;
  if (engine.awaitingAnswer) return 'the engine awaits an answer';
  if (world.process.isCommitting) return 'a commit is under way';
  if (world.unsettled.length > 0) return `message ${world.unsettled[0]?.number} has no outcome`;
  if (world.requests.size > 0) return 'a request has no outcome';
  if (world.outstanding.length > 0) return 'a handler is at work';
  const session = world.broker.sessions.get(world.options.request.clientId);
  const first = session?.outbound[0];
  if (first !== undefined)
    return `the broker holds ${session?.outbound.length} messages, the first ${first.state}`;
  const unfinished = world.journal?.unfinished[0];
  if (unfinished !== undefined)
    return `message ${unfinished.number} is ${unfinished.state} in the store`;
  return undefined;
}

/** Nothing accepted is lost, and nothing acknowledged to the server is lost. */
function checkOutcomes(world: EngineWorld): void {
  const { ledger, journal } = world;
  for (const stored of journal?.messages.values() ?? []) {
    const message = ledger.published.get(stored.number);
    const explained =
      stored.end === undefined || !/^reason \d+$/.test(stored.end) ? stored.end : undefined;
    const refused = stored.end !== undefined && /^reason (1[2-9]\d|2\d\d)$/.test(stored.end);
    hold(
      (message?.owned ?? 0) > 0 ||
        refused ||
        (explained !== undefined && explained !== 'assumedDelivered'),
      'lost',
      () => `accepted message ${stored.number} is lost: ${stored.end}`,
    );
  }
  hold((journal?.received.size ?? 0) === 0, 12, () => 'received identifiers are left in the store');
  const epoch = world.broker.sessions.get(world.options.request.clientId)?.epoch;
  const durable = world.options.mode === 'durable';
  for (const message of ledger.inbound.values()) {
    if (message.qos === 0) continue;
    const due = message.taken ? durable || message.handled : message.epoch === epoch;
    hold(
      !due || message.delivered > 0,
      'lost',
      () => `message ${message.number} of the server is lost`,
    );
    hold(
      !due || !durable || message.handled,
      'lost',
      () => `message ${message.number} was never handled`,
    );
  }
  for (const delivery of journal?.deliveries.values() ?? []) {
    hold(delivery.done, 9, () => `delivery ${delivery.delivery} has no end`);
  }
}

/** Packet identifiers that are not retired. */
function freeIdentifiers({ options, identifiersFreed, journal }: EngineWorld): number {
  const scarce = options.freeIdentifiers > 0 && !identifiersFreed;
  return (scarce ? options.freeIdentifiers : 65_535) - (journal?.retired ?? 0);
}

/** Until the server forgets its session nothing more can be sent: there is no rest to come to. */
function isExhausted(world: EngineWorld): boolean {
  return freeIdentifiers(world) <= 0;
}

/** The window is as wide as at the start (25): answers are held back, and it fills. */
function checkWindow(world: EngineWorld): void {
  const { link, witness } = world;
  if (link === undefined) return;
  // A connection after a bad one begins with care, for a while.
  for (let round = 0; round < 60; round++) advance(world);
  hold(witness.unacknowledged === 0, 25, () => `${witness.unacknowledged} unacknowledged at rest`);
  link.server.holdsAnswers = true;
  const room = freeIdentifiers(world);
  const window = Math.min(witness.window, 40);
  for (let count = 0; count < window + 2; count++) world.publish(1, 'out/0', 1, 0);
  while ((world.store?.pending ?? 0) > 0) world.settleCommit(false);
  const sent = witness.unacknowledged;
  const expected = Math.min(witness.window, window + 2);
  hold(
    sent === Math.min(expected, room),
    25,
    () => `the window takes ${sent} of ${expected} messages`,
  );
  link.server.holdsAnswers = false;
  for (let round = 0; world.unsettled.length > 0; round++) {
    if (isExhausted(world)) return;
    hold(round < 500, 12, () => 'the last messages have no outcome');
    advance(world);
  }
}
