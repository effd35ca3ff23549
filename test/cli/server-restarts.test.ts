import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { ended, programs, run, start } from './programs.ts';

/** A server that is ended and started again and again, under programs that go on. */

const here = requires('mosquitto');
beforeAll(programs, 60_000);

const rounds = 10;
const perRound = 5;

describe.runIf(here)('a server that restarts ten times', () => {
  let broker: Mosquitto<'plain'>;
  beforeEach(async () => {
    broker = await startMosquitto({ listeners: { plain: {} }, persistence: true });
  }, 60_000);
  afterEach(() => broker?.[Symbol.asyncDispose]());

  const told = (stderr: string) => {
    const lines = stderr.trimEnd().split('\n');
    const retries = lines.filter((line) => line.includes('; trying again '));
    return {
      losses: retries.filter((line) => !line.includes('cannot connect to ')).length,
      returns: lines.filter((line) => line.includes(': connected again to ')).length,
      /** Whatever else there is. */
      other: lines.filter((line) => !/; trying again |: connected again to /.test(line)),
    };
  };
  const at = () => ['-h', '127.0.0.1', '-p', `${broker.port('plain')}`];

  async function until(condition: () => boolean, what: string): Promise<void> {
    await expect.poll(condition, { timeout: 60_000, interval: 20, message: what }).toBe(true);
  }

  it('has mqtt-sub -c print every QoS 1 message, and say once that it was lost and is back', async () => {
    const words = [...at(), '-t', 'all', '-q', '1', '-c', '-i', 'stays'];
    const receiver = await start('mqtt-sub', words);
    await until(() => broker.log.includes('\tall (QoS 1)'), 'it subscribes');
    for (let round = 0; round < rounds; round += 1) {
      // In every second round it does not get to read what is sent to it before the server goes.
      const held = round % 2 === 1;
      // A connection that stands for a second was a good one: its loss is told again from the beginning.
      await sleep(1100);
      if (held) process.kill(receiver.pid, 'SIGSTOP');
      const lines = Array.from({ length: perRound }, (_, n) => `${round}.${n}\n`).join('');
      const sent = await run('mqtt-pub', [...at(), '-t', 'all', '-q', '1', '-l'], { input: lines });
      expect(sent.code).toBe(0);
      await broker.stop('SIGTERM');
      if (held) process.kill(receiver.pid, 'SIGCONT');
      await until(() => told(receiver.stderr).losses === round + 1, 'the loss is told');
      await broker.start();
      await until(() => told(receiver.stderr).returns === round + 1, 'so is the return');
    }
    const all = Array.from({ length: rounds * perRound }, (_, n) => {
      return `${Math.floor(n / perRound)}.${n % perRound}`;
    });
    // A message that was sent when the server went may come twice, which QoS 1 allows.
    const printed = () => [...new Set(receiver.stdout.toString().trimEnd().split('\n'))];
    await until(() => printed().length >= all.length, 'everything is printed');
    expect(printed()).toEqual(all);
    expect(await receiver.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(told(receiver.stderr)).toEqual({ losses: rounds, returns: rounds, other: [] });
  }, 300_000);

  it('has mqtt-pub -l lose no line', async () => {
    const receiver = await start('mqtt-sub', [
      ...at(),
      '-t',
      'lines',
      '-q',
      '1',
      '-c',
      '-i',
      'reads',
    ]);
    await until(() => broker.log.includes('\tlines (QoS 1)'), 'it subscribes');
    const input = Array.from({ length: 400 }, (_, n) => `${n}\n`).join('');
    const publisher = await start(
      'mqtt-pub',
      [...at(), '-t', 'lines', '-q', '1', '-l', '--rate', '100/s', '--retry-limit', '1000'],
      { input },
    );
    let restarts = 0;
    while (publisher.running && restarts < rounds) {
      await until(
        () => !publisher.running || broker.log.split(' as reads ').length - 1 > restarts,
        'the receiver is back',
      );
      await broker.stop('SIGTERM');
      await broker.start();
      restarts += 1;
    }
    expect(await ended(publisher)).toMatchObject({ code: 0 });
    expect(restarts).toBeGreaterThan(2);
    const printed = () => [...new Set(receiver.stdout.toString().trimEnd().split('\n'))];
    await until(() => printed().length === 400, 'every line is printed');
    expect(printed()).toEqual(input.trimEnd().split('\n'));
    expect(await receiver.stop('SIGINT')).toEqual({ code: 0, signal: null });
  }, 300_000);
});
