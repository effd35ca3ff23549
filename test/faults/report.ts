/** The figures of campaigns, as a table and as a list of what is not as it should be. */
import { type CampaignResult, type LaneResult, sum } from './campaign.ts';

/** Everything that breaks a bar, in words; empty when all is well. */
export function violations(results: readonly CampaignResult[]): readonly string[] {
  const found: string[] = [];
  for (const { plan, verdict } of lanesOf(results)) {
    if (plan.broker === 'mosquitto' && verdict.lostByServer > verdict.accepted / 4) {
      found.push(`${plan.name}: ${verdict.lostByServer} blamed on the server, more than it can be`);
    }
    for (const bar of ['lost', 'doubled', 'refused', 'misordered', 'sessionsLost'] as const) {
      if (verdict[bar] > 0) {
        found.push(`${plan.name}: ${verdict[bar]} ${bar}\n  ${verdict.complaints.join('\n  ')}`);
      }
    }
  }
  return found;
}

/** The recovery that so large a part of all stays within, in milliseconds; 0 when there was none. */
export function recoveryMs(results: readonly CampaignResult[], part: number): number {
  const sorted = lanesOf(results)
    .flatMap((lane) => lane.recoveriesMs)
    .sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** One line for each lane, over all campaigns, and one for all together. */
export function table(results: readonly CampaignResult[]): string {
  const lanes = lanesOf(results);
  const names = [...new Set(lanes.map((lane) => lane.plan.name))];
  const rows = names.map((name) =>
    row(
      name,
      lanes.filter((lane) => lane.plan.name === name),
    ),
  );
  const head = columns.map(([title]) => title);
  const lines = [['lane', ...head], ...rows, row('all', lanes)];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const drawn = lines.map((line) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  const restarts = sum(results, (result) => result.brokerRestarts);
  const recovery = `median ${recoveryMs(results, 0.5).toFixed(0)} ms, p99 ${recoveryMs(results, 0.99).toFixed(0)} ms`;
  const kills = sum(results, (result) => result.brokerKills);
  const ends = `brokers restarted ${restarts} times, killed ${kills} times`;
  return [...drawn, `${ends}; recovery after a cut: ${recovery}`].join('\n');
}

const columns: readonly (readonly [string, (lane: LaneResult) => number])[] = [
  ['cuts', (lane) => lane.cuts],
  ['kills pub', (lane) => lane.publisherKills],
  ['kills sub', (lane) => lane.receiverKills],
  ['accepted', (lane) => lane.verdict.accepted],
  ['acknowledged', (lane) => lane.verdict.acknowledged],
  ['lost', (lane) => lane.verdict.lost],
  ['doubled', (lane) => lane.verdict.doubled],
  ['refused', (lane) => lane.verdict.refused],
  ['misordered', (lane) => lane.verdict.misordered],
  ['sessions lost', (lane) => lane.verdict.sessionsLost],
  ['redelivered', (lane) => lane.verdict.redelivered],
  ['server lost', (lane) => lane.verdict.lostByServer],
  ['server doubled', (lane) => lane.verdict.doubledByServer],
];

function row(name: string, lanes: readonly LaneResult[]): string[] {
  return [name, ...columns.map(([, amount]) => String(sum(lanes, amount)))];
}

function lanesOf(results: readonly CampaignResult[]): readonly LaneResult[] {
  return results.flatMap((result) => result.lanes);
}
