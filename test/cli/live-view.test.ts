import { PacketType } from '@mqtt-kit/packet';
import { listenTcp, publish, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { ended, programs, startShell } from './programs.ts';
import { Tmux } from './tmux.ts';

/** Views of mqtt-sub on a terminal whose window changes, which is left and come back to, and which knows little. */

beforeAll(programs, 60_000);

type Messages = readonly (readonly [topic: string, payload: string | Uint8Array])[];

const plain: Messages = [
  ['home/hall/temp', '21.5'],
  ['home/cellar/temp', '14'],
];

const wide: Messages = [
  ['a/温度', '漢字'.repeat(40)],
  ['a/👨‍👩‍👧', 'family'],
  ['a/e\u0301', `e\u0301 ${'a\u0308'.repeat(60)}`],
];

const hostile: Messages = [
  ['a/\u202eb', 'red\u001b[31m\u001b]0;title\u0007\u0085\u202e\r\n\u0000'],
  ['a/c', Uint8Array.of(0xff, 0xc0, 0x1b, 0x5b, 0x32, 0x4a)],
  ['a/d', 'x'.repeat(100_000)],
];

function serverOf(messages: Messages): ScriptedBroker {
  return new ScriptedBroker({
    automatic: {
      onPacket: (packet, connection) => {
        if (packet.type !== PacketType.subscribe) return;
        setTimeout(() => {
          for (const [topic, payload] of messages) connection.send(publish(topic, payload));
        }, 20);
      },
    },
  });
}

describe.runIf(requires('tmux'))('a live view', () => {
  /** A shell on a terminal, in which `$SUB` watches a server with these messages. */
  async function watching(messages: Messages, words: string) {
    const broker = serverOf(messages);
    const listener = await listenTcp(broker);
    const { 'mqtt-sub': path } = await programs();
    const terminal = new Tmux(temporaryFolder('view'), '/bin/bash --norc');
    const command = `${process.execPath} ${path} -h 127.0.0.1 -p ${listener.port} -t '#' ${words}`;
    terminal.type("PS1='ready> '; clear");
    terminal.press('Enter');
    await terminal.showsOnly('ready>');
    terminal.type(`clear; ${command}; echo "ended $?"`);
    terminal.press('Enter');
    return {
      terminal,
      broker,
      head: `Broker: 127.0.0.1:${listener.port}`,
      lines: () => terminal.screen.split('\n'),
      async [Symbol.asyncDispose]() {
        terminal[Symbol.dispose]();
        await listener[Symbol.asyncDispose]();
      },
    };
  }

  it('has a row for each topic, and stays when it ends', async () => {
    await using view = await watching(plain, '--table');
    await view.terminal.shows('home/hall/temp');
    expect(view.lines().slice(0, 4)).toEqual([
      view.head,
      expect.stringMatching(/^TOPIC {12}VALUE +AGE +RATE$/),
      expect.stringMatching(/^home\/cellar\/temp 14 +\d+ s$/),
      expect.stringMatching(/^home\/hall\/temp {3}21\.5 +\d+ s$/),
    ]);
    view.terminal.press('C-c');
    await view.terminal.shows('ended 0');
    expect(view.terminal.screen).toMatch(/home\/hall\/temp .*\n\^C?|ended 0/);
  }, 120_000);

  it('fits itself to a window that changes', async () => {
    await using view = await watching(plain, '--table');
    await view.terminal.shows('home/hall/temp');
    view.terminal.resize(24, 12);
    await expect
      .poll(() => view.lines().slice(0, 4), { timeout: 60_000 })
      .toEqual([
        view.head.slice(0, 24),
        'TOPIC        VALUE',
        'home/cellar… 14',
        'home/hall/t… 21.5',
      ]);
    view.terminal.resize(60, 3);
    await expect
      .poll(() => view.lines(), { timeout: 60_000 })
      .toEqual([
        `${view.head} (2 more rows than fit)`,
        expect.stringMatching(/^TOPIC +VALUE +AGE +RATE$/),
      ]);
  }, 120_000);

  it('is painted anew when it comes back from the background', async () => {
    await using view = await watching(plain, '--tree');
    await view.terminal.shows('21.5');
    view.terminal.press('C-z');
    await view.terminal.shows('Stopped');
    view.terminal.type('clear; seq 25');
    view.terminal.press('Enter');
    await view.terminal.shows('25\nready>');
    view.terminal.type('fg');
    view.terminal.press('Enter');
    await view.terminal.showsOnly(
      [view.head, 'home (2)', '├ cellar (1)', '│ └ temp  14', '└ hall (1)', '  └ temp  21.5'].join(
        '\n',
      ),
    );
  }, 120_000);

  it('shows what is said meanwhile as a line of its own', async () => {
    await using view = await watching(plain, '--table');
    await view.terminal.shows('home/hall/temp');
    view.broker.current.end();
    await view.terminal.shows('mqtt-sub: connected again to');
    expect(view.lines().slice(0, 3)).toEqual([
      view.head,
      expect.stringMatching(
        /^\d\d:\d\d:\d\d mqtt-sub: connected again to mqtt:\/\/127\.0\.0\.1:\d+$/,
      ),
      expect.stringMatching(/^TOPIC/),
    ]);
    expect(view.lines().filter((line) => line.startsWith('home/'))).toHaveLength(2);
  }, 120_000);

  it('keeps its columns, and lets no line wrap, whatever the characters', async () => {
    await using view = await watching(wide, '--table');
    await view.terminal.shows('family');
    const row = expect.stringMatching(/^a\/\S+ +\S.* \d+ s$/);
    for (const [columns, ...rows] of [
      [100, row, row, row],
      [40, row, row, row],
      [20, ...wide.map(() => expect.stringMatching(/^a\/\S+ +\S/))],
    ] as const) {
      view.terminal.resize(columns, 12);
      await expect
        .poll(() => view.lines(), { timeout: 60_000 })
        .toEqual([expect.stringMatching(/^Broker: /), expect.stringMatching(/^TOPIC/), ...rows]);
    }
  }, 120_000);

  it('lets nothing of a message move the cursor, ring or turn', async () => {
    await using view = await watching(hostile, '--table');
    await view.terminal.shows('a/d');
    expect(view.lines()).toEqual([
      view.head,
      expect.stringMatching(/^TOPIC/),
      expect.stringMatching(/^a\/c +\\xff\\xc0\\x1b\[2J /),
      expect.stringMatching(/^a\/d +x+… /),
      expect.stringMatching(/^a\/\\u202eb red\\x1b\[31m\\x1b\]0;title/),
    ]);
  }, 120_000);

  it('--stats is one line, cut at the window', async () => {
    await using view = await watching(plain, '--stats');
    view.terminal.resize(20, 12);
    await view.terminal.shows('msgs/s');
    view.terminal.type('x');
    view.terminal.press('C-c');
    await view.terminal.shows('ended 0');
    expect(view.terminal.screen).toMatch(/2 messages of 2/);
  }, 120_000);
});

describe('a live view on a terminal that knows no cursor', () => {
  for (const [words, shown] of [
    ['--table', ['home/hall/temp 21.5', 'home/cellar/temp 14']],
    ['--watch', ['home/hall/temp 21.5', 'home/cellar/temp 14']],
    ['--tree', ['home (2)', '├ cellar (1)', '│ └ temp  14', '└ hall (1)', '  └ temp  21.5']],
  ] as const) {
    it(`${words} is plain lines`, async () => {
      await using listener = await listenTcp(serverOf(plain));
      const command = `$SUB -h 127.0.0.1 -p ${listener.port} -t '#' ${words} -C 2`;
      const child = await startShell(`script -qec "${command}" /dev/null`, { TERM: 'dumb' });
      const { stdout } = await ended(child);
      expect(stdout.toString().trimEnd().split('\r\n')).toEqual(shown);
    });
  }

  it('is safe from what messages hold', async () => {
    await using listener = await listenTcp(serverOf(hostile.slice(0, 2)));
    const command = `$SUB -h 127.0.0.1 -p ${listener.port} -t '#' --table -C 2`;
    const child = await startShell(`script -qec "${command}" /dev/null`, { TERM: 'dumb' });
    const { stdout } = await ended(child);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(stdout.toString().replaceAll('\r\n', '')).not.toMatch(/[\u0000-\u001f\u0080-\u009f]/);
    expect(stdout.toString()).toContain('a/\\u202eb red\\x1b[31m');
  });
});
