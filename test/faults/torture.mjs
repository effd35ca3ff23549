/**
 * Real processes and brokers under cuts, kills and restarts for as long as wanted, with a table at the end:
 *
 *   pnpm torture        10 minutes
 *   pnpm torture 90     so many minutes
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const minutes = Number(process.argv.slice(2).find((word) => word !== '--') ?? 10);
if (!(minutes > 0)) {
  console.error(`The time to run is a number of minutes above 0; got ${process.argv[2]}.`);
  process.exit(64);
}
const vitest = join(root, 'node_modules', '.bin', 'vitest');
const words = [
  'run',
  '--project',
  'faults',
  '--disable-console-intercept',
  'test/faults/faults.test.ts',
];
spawn(vitest, words, {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, MQTT_KIT_TORTURE_MINUTES: String(minutes) },
}).once('exit', (code) => {
  process.exitCode = code ?? 1;
});
