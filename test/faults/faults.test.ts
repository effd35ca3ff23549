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
/** On a machine that has much else to do; by itself it takes a quarter of that. */
const limitMs = 150_000;

it.runIf(requires('mosquitto'))(
  'a durable session loses nothing and doubles nothing over cuts, kills and restarts',
  { timeout: 3 * limitMs },
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const result = await runCampaign({ lanes: lanePlans, goals: short, limitMs, seed });
    console.log(table([result]));
    expect(violations([result])).toEqual([]);
    expect(shortOf([result], short)).toEqual({});
    // In passing the machine may have more to do than this.
    expect(recoveryMs([result], 0.5)).toBeLessThanOrEqual(500);
  },
);

/** What of the goals is missing. */
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
