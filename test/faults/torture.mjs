/**
 * Real processes and brokers under cuts, kills and restarts, until enough has happened, with a table at the end. Ends
 * with exit code 0 when nothing was lost, doubled, refused or out of order, and so much did happen in the time.
 *
 *   pnpm torture                             1,000 kills of clients and 5,000 cuts
 *   pnpm torture --kills 100 --cuts 500
 *   pnpm torture --minutes 30                no campaign begins later than that
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    kills: { type: 'string', default: '1000' },
    cuts: { type: 'string', default: '5000' },
    minutes: { type: 'string', default: '120' },
  },
});

/** @param {'kills' | 'cuts' | 'minutes'} name */
function amount(name) {
  const value = Number(values[name]);
  if (value > 0) return value;
  console.error(`--${name} must be a number above 0; got ${values[name]}`);
  process.exit(64);
}

const kills = amount('kills');
const order = {
  cuts: amount('cuts'),
  publisherKills: kills / 2,
  receiverKills: kills / 2,
  accepted: kills * 50,
  brokerEnds: kills / 20,
  minutes: amount('minutes'),
};
const vitest = join(root, 'node_modules', '.bin', 'vitest');
const words = ['run', '--project', 'faults', 'test/faults/faults.test.ts'];
spawn(vitest, [...words, '--disable-console-intercept'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, MQTT_KIT_TORTURE: JSON.stringify(order) },
}).once('exit', (code) => {
  process.exitCode = code ?? 1;
});
