import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PacketType } from '@mqtt-kit/packet';
import { listenTcp, publish, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { ended, programs, startShell } from './programs.ts';

/** What a terminal gets, byte for byte: a pseudo-terminal of `script`, which belongs to every Debian. */

const here = existsSync('/usr/bin/script');
beforeAll(programs, 60_000);

const cyan = (text: string) => `\u001b[36m${text}\u001b[39m`;
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;

/** Runs mqtt-sub on a terminal for the messages given; what the terminal got. */
async function onTerminal(
  words: string,
  messages: readonly (readonly [topic: string, payload: string | Uint8Array])[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const broker = new ScriptedBroker({
    automatic: {
      onPacket: (packet, connection) => {
        if (packet.type !== PacketType.subscribe) return;
        setTimeout(() => {
          for (const [topic, payload] of messages) connection.send(publish(topic, payload));
        }, 20);
      },
    },
  });
  await using listener = await listenTcp(broker);
  const command = `$SUB -h 127.0.0.1 -p ${listener.port} -C ${messages.length} ${words}`;
  const child = await startShell(`script -qec "${command}" /dev/null`, {
    TERM: 'xterm-256color',
    ...env,
  });
  const { stdout } = await ended(child);
  await sleep(0);
  const text = stdout.toString().replaceAll('\r\n', '\n');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the time is dim
  return text.replace(/^(?:\u001b\[2m)?\d\d:\d\d:\d\d\.\d{3}(?:\u001b\[22m)? {2}/gm, 'TIME ');
}

describe.runIf(here)('mqtt-sub on a terminal', () => {
  it('colours the topic', async () => {
    expect(await onTerminal('-v -t a/b', [['a/b', '21.5']])).toBe(`TIME ${cyan('a/b')}  21.5\n`);
  });

  it('shows the topic when messages of several may come', async () => {
    expect(await onTerminal("-t 'a/+'", [['a/b', '21.5']])).toBe(`TIME ${cyan('a/b')}  21.5\n`);
    expect(await onTerminal('-t a/b', [['a/b', '21.5']])).toBe('TIME 21.5\n');
    expect(await onTerminal('-t a/b --output text', [['a/b', '21.5']])).toBe('21.5\n');
  });

  it('lets no control character through', async () => {
    const hostile = Uint8Array.from([...Buffer.from('a\u001b[2J\u0007\n\u202eb\u0085'), 0xff]);
    const shown = ['\\x1b', '\\x07', '\\n', '\\u202e', '\\u0085', '\\xff'].map(dim);
    const [esc, bell, newline, override, nextLine, stray] = shown;
    expect(await onTerminal("-v -t '#' --output text", [['a\u001b]0;x\u0007', hostile]])).toBe(
      `${cyan('a\\x1b]0;x\\x07')} a${esc}[2J${bell}${newline}${override}b${nextLine}${stray}\n`,
    );
  });

  it('shows the beginning alone of much that is not text', async () => {
    const zeros = [['a', new Uint8Array(35_176)]] as const;
    const text = await onTerminal('-t a --color=never --output text', zeros);
    expect(text).toBe(`${'\\x00'.repeat(250)}... 35,176 bytes in all\n`);
    const shown = await onTerminal('-t a --color=never', zeros);
    expect(shown).toBe(`TIME ${'00 '.repeat(32)}...  (35,176 bytes)\n`);
  });

  it('says that a message is empty', async () => {
    expect(await onTerminal('-v -t a', [['a', '']])).toBe(`TIME ${cyan('a')}  ${dim('(empty)')}\n`);
  });

  it('leaves colours out when they are not wanted', async () => {
    const plain = 'TIME a/b  21.5\\n\n';
    const message = [['a/b', '21.5\n']] as const;
    expect(await onTerminal('-v -t a/b', message, { NO_COLOR: '1' })).toBe(plain);
    expect(await onTerminal('-v -t a/b --color never', message)).toBe(plain);
    expect(await onTerminal('-v -t a/b --color=never', message, { FORCE_COLOR: '1' })).toBe(plain);
    expect(await onTerminal('-v -t a/b', message, { TERM: 'dumb' })).toBe(plain);
    expect(await onTerminal('-v -t a/b', message, { FORCE_COLOR: '1', NO_COLOR: '1' })).toContain(
      cyan('a/b'),
    );
  });

  it('warns of a password that others can see, once, there alone', async () => {
    const output = await onTerminal('-t a -u me -P hunter2', [['a', 'x']]);
    expect(output).toMatch(/^mqtt-sub: others on this machine can see a password in -P/);
    expect(output).not.toContain('hunter2');
  });
});

describe('mqtt-sub into a pipe', () => {
  it('colours the topic alone, and only with --color=always', async () => {
    const broker = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.subscribe) return;
          setTimeout(() => connection.send(publish('a/b', '\u001b[1m')), 20);
        },
      },
    });
    await using listener = await listenTcp(broker);
    const words = `-h 127.0.0.1 -p ${listener.port} -C 1 -v -t a/b`;
    const plain = await ended(await startShell(`$SUB ${words} | cat`));
    expect(plain.stdout.toString()).toBe('a/b \u001b[1m\n');
    const coloured = await ended(await startShell(`$SUB ${words} --color=always | cat`));
    expect(coloured.stdout.toString()).toBe(`${cyan('a/b')} \u001b[1m\n`);
  });
});
