import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { StandardOutput } from './standard-output.ts';

/** A stream whose writes fail as told; counts what it is given. */
function failing(code: string | undefined) {
  const pieces: string[] = [];
  const stream = new Writable({
    autoDestroy: false,
    write(chunk, _encoding, callback) {
      pieces.push(chunk.toString());
      callback(code === undefined ? null : Object.assign(new Error(`${code}: told`), { code }));
    },
  });
  return { pieces, stream };
}

describe('standard output', () => {
  it('is not opened by who has nothing to write', async () => {
    const output = new StandardOutput(() => {
      throw new Error('opened');
    });
    await output.flushed();
    expect(output.failure).toBeUndefined();
  });

  it('says when everything was taken', async () => {
    const { stream, pieces } = failing(undefined);
    const output = new StandardOutput(() => stream);
    output.write('a');
    output.write(Uint8Array.of(0x62));
    await output.flushed();
    expect(pieces.slice(0, 2)).toEqual(['a', 'b']);
    expect(output.failure).toBeUndefined();
  });

  it('prints a text without the stream, in as many pieces as the system takes', async () => {
    const taken: string[] = [];
    const output = new StandardOutput(
      () => {
        throw new Error('opened');
      },
      (piece) => {
        taken.push(Buffer.from(piece.subarray(0, 3)).toString());
        return Math.min(3, piece.length);
      },
    );
    await output.print('eight ok');
    expect(taken).toEqual(['eig', 'ht ', 'ok']);
    expect(output.failure).toBeUndefined();
  });

  it('leaves to the stream what is not taken at once', async () => {
    const { stream, pieces } = failing(undefined);
    let room = 3;
    const output = new StandardOutput(
      () => stream,
      () => {
        if (room === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
        const taken = room;
        room = 0;
        return taken;
      },
    );
    await output.print('eight ok');
    expect(pieces.join('')).toBe('ht ok');
    expect(output.failure).toBeUndefined();
  });

  it('tells of a text that cannot be printed', async () => {
    const output = new StandardOutput(
      () => {
        throw new Error('opened');
      },
      () => {
        throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
      },
    );
    await output.print('text');
    expect(output.failure?.code).toBe('ENOSPC');
  });

  it('tells of a failure once, and writes nothing after it', async () => {
    const { stream, pieces } = failing('ENOSPC');
    const output = new StandardOutput(() => stream);
    const told: (string | undefined)[] = [];
    output.onFailure(({ code }) => told.push(code));
    const taken = await new Promise((resolve) => output.write('a', resolve));
    expect(taken).toMatchObject({ code: 'ENOSPC' });
    output.write('b', (error) => told.push(error?.message));
    await output.flushed();
    expect(pieces).toEqual(['a']);
    expect(told).toEqual(['ENOSPC', 'ENOSPC: told']);
    expect(output.failure?.code).toBe('ENOSPC');
    output.onFailure(({ code }) => told.push(`late ${code}`));
    expect(told.at(-1)).toBe('late ENOSPC');
  });

  it('takes it for no failure that nobody reads any more, but says so', async () => {
    for (const code of ['EPIPE', 'ECONNRESET']) {
      const { stream, pieces } = failing(code);
      const output = new StandardOutput(() => stream);
      const told: (string | undefined)[] = [];
      output.onFailure((error) => told.push(error.code));
      output.write('a');
      await output.flushed();
      output.write('b');
      expect({ told, pieces, failure: output.failure }).toEqual({
        told: [code],
        pieces: ['a'],
        failure: undefined,
      });
    }
  });
});
