/**
 * Clients that work for long, and what they hold on to afterwards: memory behind garbage collection, handles, listeners.
 * Ends with exit code 0 when that is at most 0.1 MiB for a million messages and 1 KiB for a reconnection.
 *
 *   pnpm soak                                       a million messages at each level with each store, 4,000 reconnects
 *   pnpm soak --messages 10000000 --reconnects 10000
 *   pnpm soak --only 'QoS 2, file'
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    messages: { type: 'string', default: '1000000' },
    reconnects: { type: 'string', default: '4000' },
    only: { type: 'string', default: '' },
  },
});

/** @param {'messages' | 'reconnects'} name */
function amount(name) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} must be a whole number above 0; got ${values[name]}`);
  process.exit(64);
}

const order = {
  messages: amount('messages'),
  reconnects: amount('reconnects'),
  only: values.only,
};
const vitest = join(root, 'node_modules', '.bin', 'vitest');
const words = ['run', '--project', 'faults', 'test/faults/soak.test.ts'];
spawn(vitest, [...words, '--disable-console-intercept'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, MQTT_KIT_SOAK: JSON.stringify(order) },
}).once('exit', (code) => {
  process.exitCode = code ?? 1;
});
