/**
 * Real processes, real brokers, real cuts: what the simulation promises has to hold with sockets, files and signals.
 *
 * In short inside `pnpm test`; `pnpm torture [minutes]` plays one campaign after the other for so long, and prints
 * a table.
 */
import { expect, it } from 'vitest';
import { requires } from '../setup/requires.ts';
import { type CampaignResult, runCampaign, sum } from './campaign.ts';
import { lanePlans } from './lanes.ts';
import { recoveryMs, table, violations } from './report.ts';

const minutes = Number(process.env['MQTT_KIT_TORTURE_MINUTES'] ?? 0);
const goals = { cuts: 200, publisherKills: 20, receiverKills: 20, accepted: 5_000 };
const limitMs = 70_000;

it.runIf(requires('mosquitto'))(
  'a durable session loses nothing and doubles nothing over cuts, kills and restarts',
  { timeout: minutes * 60_000 + 4 * limitMs },
  async () => {
    const end = performance.now() + minutes * 60_000;
    const results: CampaignResult[] = [];
    do {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const ms = minutes > 0 ? limitMs : 20_000;
      results.push(
        await runCampaign({
          lanes: lanePlans,
          goals: { ...goals, ms },
          limitMs,
          seed,
          onProgress: (text) => {
            if (minutes > 0) console.log(`campaign ${results.length + 1}, ${text}`);
          },
        }),
      );
      if (violations(results).length > 0) break;
    } while (performance.now() < end);
    console.log(table(results));
    expect(violations(results)).toEqual([]);
    const lanes = results.flatMap((result) => result.lanes);
    expect(sum(lanes, (lane) => lane.cuts)).toBeGreaterThanOrEqual(goals.cuts);
    expect(sum(lanes, (lane) => lane.publisherKills)).toBeGreaterThanOrEqual(goals.publisherKills);
    expect(sum(lanes, (lane) => lane.receiverKills)).toBeGreaterThanOrEqual(goals.receiverKills);
    expect(sum(lanes, (lane) => lane.verdict.accepted)).toBeGreaterThanOrEqual(goals.accepted);
    // In passing the machine may have more to do than this.
    expect(recoveryMs(results, 0.5)).toBeLessThanOrEqual(minutes > 0 ? 150 : 500);
  },
);
