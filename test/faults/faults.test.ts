/**
 * Real processes, real brokers, real cuts: what the simulation promises has to hold with sockets, files and signals.
 *
 * In short inside `pnpm test`; `pnpm torture` plays one campaign after the other until enough has happened.
 */
import { expect, it } from 'vitest';
import { requires } from '../setup/requires.ts';
import { type CampaignResult, type Goals, runCampaign, sum } from './campaign.ts';
import { lanePlans } from './lanes.ts';
import { recoveryMs, table, violations } from './report.ts';

const short: Goals = {
  cuts: 200,
  publisherKills: 20,
  receiverKills: 20,
  accepted: 5_000,
  brokerEnds: 4,
};
/** One campaign of `pnpm torture`: traces and logs grow with it. */
const partOf: Goals = {
  cuts: 500,
  publisherKills: 50,
  receiverKills: 50,
  accepted: 10_000,
  brokerEnds: 8,
};
/** On a machine that has much else to do; by itself it takes a quarter of that. */
const limitMs = 150_000;

/** Given by `pnpm torture`. */
const torture = process.env['MQTT_KIT_TORTURE'];

if (torture === undefined) {
  it.runIf(requires('mosquitto'))(
    'a durable session loses nothing and doubles nothing over cuts, kills and restarts',
    { timeout: 3 * limitMs },
    async () => {
      const result = await runCampaign({
        lanes: lanePlans,
        goals: short,
        limitMs,
        seed: anySeed(),
      });
      console.log(table([result]));
      expect(violations([result])).toEqual([]);
      expect(shortOf([result], short)).toEqual({});
      // In passing the machine may have more to do than this.
      expect(recoveryMs([result], 0.5)).toBeLessThanOrEqual(500);
    },
  );
} else {
  const { minutes, ...goals } = JSON.parse(torture) as Goals & { readonly minutes: number };
  it('torture', { timeout: (minutes + 10) * 60_000 }, async () => {
    const results = await playCampaigns(goals, minutes);
    console.log(`\n${table(results)}\n`);
    expect(violations(results)).toEqual([]);
    expect(shortOf(results, goals)).toEqual({});
    expect(recoveryMs(results, 0.5)).toBeLessThanOrEqual(150);
  });
}

/** One after the other until enough has happened, the time is over, or something is wrong. */
async function playCampaigns(goals: Goals, minutes: number): Promise<readonly CampaignResult[]> {
  const start = performance.now();
  const results: CampaignResult[] = [];
  while (performance.now() - start < minutes * 60_000) {
    const missing = shortOf(results, goals);
    if (Object.keys(missing).length === 0 || violations(results).length > 0) break;
    const number = results.length + 1;
    const result = await runCampaign({
      lanes: lanePlans,
      goals: partOf,
      limitMs,
      seed: anySeed(),
      onProgress: (text) => console.log(`campaign ${number}, ${text}`),
    });
    results.push(result);
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(`after ${seconds} s still to come: ${JSON.stringify(shortOf(results, goals))}`);
  }
  return results;
}

function anySeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

/** How often that happened which is not there often enough yet. */
function shortOf(results: readonly CampaignResult[], goals: Goals): Partial<Goals> {
  const lanes = results.flatMap((result) => result.lanes);
  const happened: Goals = {
    cuts: sum(lanes, (lane) => lane.cuts),
    publisherKills: sum(lanes, (lane) => lane.publisherKills),
    receiverKills: sum(lanes, (lane) => lane.receiverKills),
    accepted: sum(lanes, (lane) => lane.verdict.accepted),
    brokerEnds: sum(results, (result) => result.brokerRestarts + result.brokerKills),
  };
  const names = Object.keys(goals) as (keyof Goals)[];
  return Object.fromEntries(
    names.filter((name) => happened[name] < goals[name]).map((name) => [name, happened[name]]),
  );
}
