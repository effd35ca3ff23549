import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { MessageOutput } from './message-output.ts';
import { StandardOutput } from './standard-output.ts';

/** Takes what is written, and confirms it when the test says so. */
function heldStream() {
  const written: string[] = [];
  const callbacks: ((error?: Error) => void)[] = [];
  const stream = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, callback) {
      written.push(Buffer.from(chunk).toString());
      callbacks.push(callback);
    },
  });
  return { stream, written, confirm: (error?: Error) => callbacks.shift()?.(error) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function settled(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await turn();
  return done;
}

describe('MessageOutput', () => {
  it('writes what one turn gave in one piece, at the end of that turn', async () => {
    const { stream, written } = heldStream();
    const output = new MessageOutput(new StandardOutput(() => stream), () => {});
    output.text('a ');
    output.bytes(Buffer.from('1\n'));
    output.text('b\n');
    expect(written).toEqual([]);
    await Promise.resolve();
    expect(written).toEqual(['a 1\nb\n']);
  });

  it('a message is printed when the system has taken it', async () => {
    const { stream, confirm } = heldStream();
    const output = new MessageOutput(new StandardOutput(() => stream), () => {});
    output.text('a');
    const printed = output.printed();
    expect(await settled(printed)).toBe(false);
    expect(await settled(output.printed())).toBe(false);
    confirm();
    expect(await settled(printed)).toBe(true);
    expect(await settled(output.printed())).toBe(true);
  });

  it('is full while much is not taken, and has room afterwards', async () => {
    const { stream, confirm } = heldStream();
    const output = new MessageOutput(new StandardOutput(() => stream), () => {});
    output.bytes(new Uint8Array(256 * 1024));
    expect(output.full).toBe(false);
    output.text('x');
    expect(output.full).toBe(true);
    const room = output.room();
    expect(await settled(room)).toBe(false);
    confirm();
    expect(await settled(room)).toBe(true);
    expect(output.full).toBe(false);
  });

  it('memory that was handed over is not written again', async () => {
    const { stream, written, confirm } = heldStream();
    const output = new MessageOutput(new StandardOutput(() => stream), () => {});
    const line = 'x'.repeat(999);
    let sent = '';
    for (let n = 0; n < 500; n += 1) {
      output.text(`${n} ${line}\n`);
      sent += `${n} ${line}\n`;
      if (n % 7 === 0) await turn();
    }
    for (let n = 0; n < 600; n += 1) {
      confirm();
      await turn();
    }
    expect(written.join('') === sent).toBe(true);
  });

  it('reports a failure once, and prints nothing afterwards', async () => {
    const { stream, confirm } = heldStream();
    const failures: unknown[] = [];
    const output = new MessageOutput(new StandardOutput(() => stream), (error) =>
      failures.push(error.message),
    );
    output.text('a');
    await turn();
    confirm(new Error('no space'));
    await turn();
    output.text('b');
    expect(await settled(output.printed())).toBe(false);
    expect(failures).toEqual(['no space']);
  });
});
