import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Diagnostics } from './diagnostics.ts';

function make(isTTY = false) {
  const stream = Object.assign(new PassThrough(), { isTTY });
  return {
    diagnostics: new Diagnostics('mqtt-sub', () => stream),
    text: () => String(stream.read() ?? ''),
    stream,
  };
}

describe('Diagnostics', () => {
  it('tells an error in at most three lines', () => {
    const { diagnostics, text } = make();
    diagnostics.error({ what: 'what', why: 'why', hint: 'hint' });
    expect(text()).toBe('mqtt-sub: what\n  why\n  hint\n');
    diagnostics.error({ what: 'what' });
    expect(text()).toBe('mqtt-sub: what\n');
  });

  it('keeps what a server says on one line and off the terminal', () => {
    const { diagnostics, text } = make();
    diagnostics.error({ what: 'refused: "\u001b[2J\nfake"' });
    expect(text()).toBe('mqtt-sub: refused: "\\x1b[2J\\nfake"\n');
  });

  it('is quiet when told so, but for mistakes in the command line and -d', () => {
    const { diagnostics, text } = make();
    diagnostics.silence();
    diagnostics.error({ what: 'lost' });
    diagnostics.note({ text: 'again' });
    expect(text()).toBe('');
    diagnostics.error({ what: 'usage' }, true);
    diagnostics.trace('-> PINGREQ');
    expect(text()).toBe('mqtt-sub: usage\n-> PINGREQ\n');
  });

  it('says some things on a terminal alone', () => {
    const pipe = make();
    pipe.diagnostics.note({ text: 'x', terminalOnly: true });
    expect(pipe.text()).toBe('');
    const terminal = make(true);
    terminal.diagnostics.note({ text: 'x', terminalOnly: true });
    expect(terminal.text()).toBe('mqtt-sub: x\n');
  });

  it('survives that nobody reads', async () => {
    const { diagnostics, stream } = make();
    diagnostics.error({ what: 'x' });
    stream.destroy(new Error('EPIPE'));
    diagnostics.error({ what: 'y' });
    await diagnostics.flushed();
  });

  it('leaves lines to a screen on the terminal while there is one, and no log to it', () => {
    const shown: string[] = [];
    const terminal = make(true);
    terminal.diagnostics.divert((line) => shown.push(line));
    terminal.diagnostics.note({ text: 'lost\u001b' });
    terminal.diagnostics.divert(undefined);
    terminal.diagnostics.note({ text: 'back' });
    expect({ shown, written: terminal.text() }).toEqual({
      shown: ['mqtt-sub: lost\\x1b'],
      written: 'mqtt-sub: back\n',
    });
    const log = make();
    log.diagnostics.divert(() => expect.unreachable());
    log.diagnostics.note({ text: 'lost' });
    expect(log.text()).toBe('mqtt-sub: lost\n');
  });
});
