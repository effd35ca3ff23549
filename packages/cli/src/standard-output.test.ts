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
