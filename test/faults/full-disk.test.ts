/**
 * Processes whose disk takes no more: a limit on the size of files stands for a full disk, since it needs neither a disk
 * nor rights. What was accepted before has to arrive when there is room again, and nothing is acknowledged that is not
 * stored.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import { type Child, startChild } from '../setup/child-process.ts';
import { bundledScript, startScript } from '../setup/child-script.ts';
import { startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { until } from '../setup/until.ts';
import type { PublisherOrder, ReceiverOrder } from './orders.ts';
import { readPublisherLog, readReceiverLog } from './verdict.ts';

const programs = {
  publisher: fileURLToPath(new URL('programs/publisher.ts', import.meta.url)),
  receiver: fileURLToPath(new URL('programs/receiver.ts', import.meta.url)),
};
const limitMs = 60_000;
/** Blocks of 512 bytes: room for some dozens of messages. */
const blocks = 40;

/** Starts a program that gets EFBIG where a file would become larger. The signal for that would kill it. */
async function startLimited(program: string, order: object): Promise<Child> {
  const script = `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`;
  const words = [process.execPath, await bundledScript(program), JSON.stringify(order)];
  return startChild('/bin/sh', ['-c', script, 'sh', ...words]);
}

describe.runIf(requires('mosquitto'))('a disk that takes no more', () => {
  it('loses nothing that a publisher was told to be stored', { timeout: 3 * limitMs }, async () => {
    await using broker = await startMosquitto({ listeners: { tcp: {} } });
    const folder = temporaryFolder('full-disk');
    const log = join(folder, 'log');
    writeFileSync(log, '');
    const arrived = new Set<number>();
    await using receiver = await connect(broker.url('tcp'));
    await receiver.subscribe('full', { qos: 1 }, (message) => {
      arrived.add(Number.parseInt(message.text(), 10));
    });
    const order: PublisherOrder = {
      url: broker.url('tcp'),
      version: '5.0',
      clientId: 'full-disk-publisher',
      topic: 'full',
      qos: 1,
      store: join(folder, 'store'),
      durability: 'process',
      log,
      first: 1,
      burst: 3,
    };
    const text = () => readFileSync(log, 'utf8');
    {
      await using _limited = await startLimited(programs.publisher, order);
      await until(() => /^x storeFailed/m.test(text()), 'the publisher reports its disk', limitMs);
    }
    expect(text()).toMatch(/^r \d+ .*EFBIG/m);
    const { accepted } = readPublisherLog(text());
    expect(accepted.size).toBeGreaterThan(10);
    await using _again = await startScript(programs.publisher, [
      JSON.stringify({ ...order, burst: 0 }),
    ]);
    const missing = () => [...accepted].filter((number) => !arrived.has(number));
    await until(() => missing().length === 0, 'all that was accepted arrives', limitMs);
  });

  it('makes a receiver acknowledge nothing that it does not have', {
    timeout: 3 * limitMs,
  }, async () => {
    await using broker = await startMosquitto({ listeners: { tcp: {} } });
    const folder = temporaryFolder('full-disk');
    const log = join(folder, 'log');
    writeFileSync(log, '');
    const order: ReceiverOrder = {
      url: broker.url('tcp'),
      version: '5.0',
      clientId: 'full-disk-receiver',
      topic: 'full',
      qos: 2,
      store: join(folder, 'store'),
      durability: 'process',
      delivery: 'transactional',
      log,
    };
    const text = () => readFileSync(log, 'utf8');
    await using publisher = await connect(broker.url('tcp'));
    const count = 60;
    {
      await using _limited = await startLimited(programs.receiver, order);
      await until(() => /^s$/m.test(text()), 'the receiver subscribes', limitMs);
      for (let number = 1; number <= count; number++) {
        await publisher.publish('full', `${number} `.padEnd(600, '.'), { qos: 2 });
      }
      await until(() => /^x storeFailed/m.test(text()), 'the receiver reports its disk', limitMs);
    }
    const before = readReceiverLog(text()).handled;
    expect(before.length).toBeLessThan(count);
    await using _again = await startScript(programs.receiver, [JSON.stringify(order)]);
    const handled = () => readReceiverLog(text()).handled;
    await until(() => handled().length >= count, 'all that was sent is handled', limitMs);
    const numbers = handled().map(({ number }) => number);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    );
  });
});
