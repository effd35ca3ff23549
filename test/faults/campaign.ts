/** Lanes side by side against one broker of each kind, with cuts, kills and restarts, until enough has happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Prng } from '@mqtt-kit/testkit';
import type { Child } from '../setup/child-process.ts';
import { startScript } from '../setup/child-script.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { until } from '../setup/until.ts';
import { Lane, type LanePlan } from './lane.ts';
import type { Verdict } from './verdict.ts';

/** At least so much has to happen. */
export interface Goals {
  readonly cuts: number;
  readonly publisherKills: number;
  readonly receiverKills: number;
  readonly accepted: number;
  /** For so long at least, in milliseconds. */
  readonly ms: number;
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
}

const aedesProgram = fileURLToPath(new URL('programs/aedes.ts', import.meta.url));
const betweenKillsMs = 500;
const betweenRestartsMs = 9_000;

/** Runs it. Rejects only when a broker or a process cannot be started; the verdicts are the caller's to judge. */
export async function runCampaign(plan: CampaignPlan): Promise<CampaignResult> {
  const prng = new Prng(plan.seed);
  await using brokers = await startBrokers();
  await using lanes = await startLanes(plan.lanes, brokers, prng);
  const killable = lanes.all.filter((lane) => lane.plan.durability !== 'memory');
  const start = performance.now();
  let restarts = 0;
  let restartAt = start + betweenRestartsMs / 2;
  let role: 'publisher' | 'receiver' = 'publisher';
  for (let round = 0; !reached(plan, lanes.all, performance.now() - start); round++) {
    await sleep(prng.integer(betweenKillsMs / 2, betweenKillsMs * 1.5));
    if (killable.length > 0) {
      await prng.pick(killable).kill(role);
      role = role === 'publisher' ? 'receiver' : 'publisher';
    }
    if (performance.now() > restartAt) {
      restarts += 1;
      await brokers.restartMosquitto(() => {
        for (const lane of lanes.all) if (lane.plan.broker === 'mosquitto') lane.forgetCuts();
      });
      restartAt = performance.now() + betweenRestartsMs;
    }
    if (round % 10 === 9) plan.onProgress?.(progress(lanes.all, performance.now() - start));
  }
  const verdicts = await Promise.all(lanes.all.map((lane) => lane.finish()));
  return {
    brokerRestarts: restarts,
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

function reached({ goals, limitMs }: CampaignPlan, lanes: readonly Lane[], ms: number): boolean {
  if (ms > limitMs) return true;
  if (ms < goals.ms) return false;
  const kills = (role: 'publisher' | 'receiver') => sum(lanes, (lane) => lane.kills[role]);
  return (
    sum(lanes, (lane) => lane.cuts) >= goals.cuts &&
    kills('publisher') >= goals.publisherKills &&
    kills('receiver') >= goals.receiverKills &&
    sum(lanes, (lane) => lane.accepted) >= goals.accepted
  );
}

function progress(lanes: readonly Lane[], ms: number): string {
  const kills = sum(lanes, (lane) => lane.kills.publisher + lane.kills.receiver);
  const cuts = sum(lanes, (lane) => lane.cuts);
  return `${Math.round(ms / 1000)} s: ${sum(lanes, (lane) => lane.accepted)} accepted, ${cuts} cuts, ${kills} kills`;
}

/** Of all lanes together. */
export function sum<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((total, item) => total + amount(item), 0);
}

interface Brokers extends AsyncDisposable {
  port(broker: LanePlan['broker']): number;
  /** In order, so that it has the time to save its sessions: killed it would lose what it had not saved yet. */
  restartMosquitto(onStopped: () => void): Promise<void>;
}

async function startBrokers(): Promise<Brokers> {
  const [mosquitto, aedes] = await Promise.all([startPersistentMosquitto(), startAedesChild()]);
  return {
    port: (broker) => (broker === 'mosquitto' ? mosquitto.port('tcp') : aedes.port),
    async restartMosquitto(onStopped) {
      await mosquitto.stop('SIGTERM');
      onStopped();
      await mosquitto.start();
    },
    async [Symbol.asyncDispose]() {
      await mosquitto[Symbol.asyncDispose]();
      await aedes.child.stop('SIGKILL');
    },
  };
}

/** It keeps any number of messages for a client that is away. */
function startPersistentMosquitto(): Promise<Mosquitto<'tcp'>> {
  return startMosquitto({
    listeners: { tcp: {} },
    persistence: true,
    settings: ['max_queued_messages 0'],
  });
}

async function startAedesChild(): Promise<{ readonly child: Child; readonly port: number }> {
  const child = await startScript(aedesProgram);
  const said = () => /^port (\d+)$/m.exec(child.stdout.toString());
  await until(() => said() !== null || !child.running, 'aedes tells its port');
  const port = Number(said()?.[1]);
  if (Number.isNaN(port)) throw new Error(`aedes did not start: ${child.stderr}`);
  return { child, port };
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
