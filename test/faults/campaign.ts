/** Lanes side by side against one broker of each kind, with cuts, kills and restarts, until enough has happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '@mqtt-kit/testkit';
import { type BrokerName, type FaultyBroker, startBroker } from './brokers.ts';
import { Lane, type LanePlan } from './lane.ts';
import type { Verdict } from './verdict.ts';

/** At least so much has to happen. */
export interface Goals {
  readonly cuts: number;
  readonly publisherKills: number;
  readonly receiverKills: number;
  readonly accepted: number;
  /** Ends of each broker, alternately in order and by a kill. */
  readonly brokerEnds: number;
}

export interface CampaignPlan {
  readonly lanes: readonly LanePlan[];
  readonly goals: Goals;
  /** When it ends although the goals are not reached. */
  readonly limitMs: number;
  readonly seed: number;
  onProgress?(text: string): void;
}

export interface LaneResult {
  readonly plan: LanePlan;
  readonly cuts: number;
  readonly publisherKills: number;
  readonly receiverKills: number;
  readonly verdict: Verdict;
  readonly recoveriesMs: readonly number[];
}

export interface CampaignResult {
  readonly lanes: readonly LaneResult[];
  readonly brokerRestarts: number;
  readonly brokerKills: number;
}

const betweenKillsMs = 450;
const betweenBrokerEndsMs = 6_000;

/** Runs it. Rejects only when a broker or a process cannot be started; the verdicts are the caller's to judge. */
export async function runCampaign(plan: CampaignPlan): Promise<CampaignResult> {
  const prng = new Prng(plan.seed);
  await using brokers = await Brokers.start();
  await using lanes = await startLanes(plan.lanes, brokers, prng);
  const killable = lanes.all.filter((lane) => lane.plan.durability !== 'memory');
  const start = performance.now();
  let endBrokerAt = start + betweenBrokerEndsMs / 2;
  let role: 'publisher' | 'receiver' = 'publisher';
  for (let round = 0; ; round++) {
    const passedMs = performance.now() - start;
    if (passedMs > plan.limitMs || reached(plan.goals, lanes.all, brokers)) break;
    await sleep(prng.integer(betweenKillsMs / 2, betweenKillsMs * 1.5));
    if (killable.length > 0) {
      await prng.pick(killable).kill(role);
      role = role === 'publisher' ? 'receiver' : 'publisher';
    }
    if (performance.now() > endBrokerAt) {
      await brokers.endNext(lanes.all);
      endBrokerAt = performance.now() + betweenBrokerEndsMs;
    }
    if (round % 10 === 9) plan.onProgress?.(progress(lanes.all, brokers, passedMs));
  }
  const verdicts = await Promise.all(lanes.all.map((lane) => lane.finish()));
  return {
    brokerRestarts: brokers.restarts,
    brokerKills: brokers.kills,
    lanes: lanes.all.map((lane, index) => ({
      plan: lane.plan,
      cuts: lane.cuts,
      publisherKills: lane.kills.publisher,
      receiverKills: lane.kills.receiver,
      verdict: verdicts[index] as Verdict,
      recoveriesMs: lane.recoveriesMs,
    })),
  };
}

function reached(goals: Goals, lanes: readonly Lane[], brokers: Brokers): boolean {
  const kills = (role: 'publisher' | 'receiver') => sum(lanes, (lane) => lane.kills[role]);
  return (
    sum(lanes, (lane) => lane.cuts) >= goals.cuts &&
    kills('publisher') >= goals.publisherKills &&
    kills('receiver') >= goals.receiverKills &&
    brokers.restarts + brokers.kills >= goals.brokerEnds &&
    sum(lanes, (lane) => lane.accepted) >= goals.accepted
  );
}

function progress(lanes: readonly Lane[], brokers: Brokers, ms: number): string {
  const kills = sum(lanes, (lane) => lane.kills.publisher + lane.kills.receiver);
  const cuts = sum(lanes, (lane) => lane.cuts);
  const accepted = sum(lanes, (lane) => lane.accepted);
  const ends = brokers.restarts + brokers.kills;
  return `${Math.round(ms / 1000)} s: ${accepted} accepted, ${cuts} cuts, ${kills} kills, ${ends} ends of brokers`;
}

/** Of all lanes together. */
export function sum<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((total, item) => total + amount(item), 0);
}

/** One broker of each kind. They end in turn: mosquitto in order, aedes, mosquitto by a kill, aedes. */
class Brokers implements AsyncDisposable {
  restarts = 0;
  kills = 0;
  readonly #all: Readonly<Record<BrokerName, FaultyBroker>>;
  #turn = 0;

  private constructor(all: Readonly<Record<BrokerName, FaultyBroker>>) {
    this.#all = all;
  }

  static async start(): Promise<Brokers> {
    const [mosquitto, aedes] = await Promise.all([startBroker('mosquitto'), startBroker('aedes')]);
    return new Brokers({ mosquitto, aedes });
  }

  port(name: BrokerName): number {
    return this.#all[name].port;
  }

  async endNext(lanes: readonly Lane[]): Promise<void> {
    const name = this.#turn % 2 === 0 ? 'mosquitto' : 'aedes';
    const manner = this.#turn % 4 === 0 ? 'order' : 'kill';
    this.#turn += 1;
    const own = lanes.filter((lane) => lane.plan.broker === name);
    const outage = await this.#all[name].restart(manner, () => {
      for (const lane of own) lane.forgetCuts();
    });
    if (manner === 'kill') this.kills += 1;
    else this.restarts += 1;
    if (outage !== undefined) for (const lane of own) lane.outages.push(outage);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.#all).map((broker) => broker[Symbol.asyncDispose]()));
  }
}

async function startLanes(
  plans: readonly LanePlan[],
  brokers: Brokers,
  prng: Prng,
): Promise<{ readonly all: readonly Lane[] } & AsyncDisposable> {
  const all = await Promise.all(
    plans.map((plan) => Lane.start(plan, () => brokers.port(plan.broker), prng.fork())),
  );
  return {
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((lane) => lane[Symbol.asyncDispose]()));
    },
  };
}
