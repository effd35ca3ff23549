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

/** More kinds of trouble than anybody reads. */
const mostTold = 20;

/** Tells on standard error what goes wrong in a run: each kind of trouble once, and only so many of them. */
export class Troubles {
  readonly #told = new Set<string>();
  readonly #quiet: boolean;

  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  tell({ message }: Error): void {
    if (this.#quiet || this.#told.has(message) || this.#told.size >= mostTold) return;
    this.#told.add(message);
    const line = process.stderr.isTTY === true ? '\r\u001b[K' : '';
    process.stderr.write(`${line}mqtt-sim: ${message}\n`);
  }
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
