import type { FleetSummary } from 'mqtt-kit/simulator';

/** Where there is no terminal, a line in so many seconds is enough. */
const quietSeconds = 10;

/** Shows on standard error how far a run is: on a terminal in one line that changes. */
export function showProgress(): { show(progress: FleetSummary): void; clear(): void } {
  const terminal = process.stderr.isTTY === true;
  let calls = 0;
  return {
    show(progress) {
      calls += 1;
      if (terminal) process.stderr.write(`\r\u001b[K${progressLine(progress)}`);
      else if (calls % quietSeconds === 0) process.stderr.write(`${progressLine(progress)}\n`);
    },
    clear() {
      if (terminal) process.stderr.write('\r\u001b[K');
    },
  };
}

/** The last word of a run. */
export function summaryText(summary: FleetSummary): string {
  const { latencyMs, acknowledged, reconnects, absences, commands } = summary;
  const lines = [
    `${summary.devices} devices, ${summary.readings} readings, ${summary.sent} messages in ${(summary.durationMs / 1000).toFixed(1)} s`,
  ];
  if (acknowledged > 0) {
    lines.push(
      `${acknowledged} acknowledged, p50 ${latencyMs.p50.toFixed(1)} ms, p99 ${latencyMs.p99.toFixed(1)} ms, longest ${latencyMs.longest.toFixed(1)} ms`,
    );
  }
  const events = [
    [reconnects, 'reconnects'],
    [absences, 'absences'],
    [commands, 'commands'],
    [summary.failed, 'failed'],
  ] as const;
  const told = events.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (told.length > 0) lines.push(told.join(', '));
  return `${lines.join('\n')}\n`;
}

function progressLine({ connected, devices, sent, acknowledged, failed }: FleetSummary): string {
  const bad = failed > 0 ? `, ${failed} failed` : '';
  return `${connected} connections of ${devices} devices, ${sent} sent, ${acknowledged} acknowledged${bad}`;
}
