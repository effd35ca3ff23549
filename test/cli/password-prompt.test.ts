import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectPacket, type Packet, PacketType } from '@mqtt-kit/packet';
import { listenTcp, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { programs } from './programs.ts';
import { Tmux } from './tmux.ts';

beforeAll(programs, 60_000);

function sentPassword(broker: ScriptedBroker): string {
  const connect = broker.current.received.find(
    (packet): packet is ConnectPacket => packet.type === PacketType.connect,
  );
  return new TextDecoder().decode(connect?.password);
}

describe.runIf(requires('tmux'))('the prompt for a password', () => {
  /** A program that asks on a terminal, with a shell that leaves the terminal as it finds it. */
  async function asking() {
    const broker = new ScriptedBroker({ automatic: true });
    const listener = await listenTcp(broker);
    const { 'mqtt-pub': path } = await programs();
    const folder = temporaryFolder('prompt');
    const terminal = new Tmux(folder, '/bin/dash');
    terminal.type("PS1='ready> '; clear");
    terminal.press('Enter');
    await terminal.showsOnly('ready>');
    // The shell becomes the program: its process identifier is the one that was written.
    const pidFile = join(folder, 'pid');
    const program = `${process.execPath} ${path} -h 127.0.0.1 -p ${listener.port} -u me -t t -m m`;
    terminal.type(`clear; sh -c 'echo $$ > ${pidFile}; exec ${program}'`);
    terminal.press('Enter');
    await terminal.shows('Password of me (empty: none):');
    const pid = Number(/^(\d+)$/m.exec(readFileSync(pidFile, 'utf8'))?.[1]);
    return {
      terminal,
      broker,
      pid,
      async [Symbol.asyncDispose]() {
        terminal[Symbol.dispose]();
        await listener[Symbol.asyncDispose]();
      },
    };
  }

  /** How the program ended, and whether the terminal is as before. */
  async function ending(terminal: Tmux, code: number): Promise<void> {
    await terminal.shows('ready>');
    terminal.type(
      'echo "ended $?"; stty -a | tr " ;" "\\n\\n" | grep -xE -- "-?(echo|icanon|isig)"',
    );
    terminal.press('Enter');
    await terminal.shows(`ended ${code}\nisig\nicanon\necho\n`);
  }

  it('shows nothing of what is typed, and sends it', async () => {
    await using stage = await asking();
    const { terminal, broker } = stage;
    terminal.type('gehx');
    terminal.press('BSpace');
    terminal.type('eimé');
    terminal.press('Enter');
    await ending(terminal, 0);
    expect(terminal.screen).not.toMatch(/geh|eim/);
    expect(sentPassword(broker)).toBe('geheimé');
  }, 120_000);

  it('leaves the terminal as it was when it is interrupted', async () => {
    await using stage = await asking();
    stage.terminal.type('gehe');
    stage.terminal.press('C-c');
    await ending(stage.terminal, 130);
    expect(stage.broker.connections).toEqual([]);
  }, 120_000);

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ] as const) {
    it(`leaves the terminal as it was when ${signal} ends it`, async () => {
      await using stage = await asking();
      process.kill(stage.pid, signal);
      await ending(stage.terminal, code);
      expect(stage.broker.connections).toEqual([]);
    }, 120_000);
  }

  it('leaves the terminal as it was while it is stopped, and asks again', async () => {
    await using stage = await asking();
    const { terminal, broker } = stage;
    terminal.type('wrong');
    terminal.press('C-z');
    // 128 and the number of SIGTSTP.
    await ending(terminal, 148);
    terminal.type('clear; fg');
    terminal.press('Enter');
    await terminal.shows('Password of me (empty: none):');
    terminal.type('right');
    terminal.press('Enter');
    await ending(terminal, 0);
    expect(terminal.screen).not.toMatch(/wrong|right/);
    expect(sentPassword(broker)).toBe('right');
  }, 120_000);

  it('waits in the background until it is brought to the front', async () => {
    const broker = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(broker);
    const { 'mqtt-pub': path } = await programs();
    using terminal = new Tmux(temporaryFolder('background'), '/bin/bash --norc');
    terminal.type("PS1='ready> '; clear");
    terminal.press('Enter');
    await terminal.showsOnly('ready>');
    const words = `-h 127.0.0.1 -p ${listener.port} -u me -t t -m m`;
    terminal.type(`clear; ${process.execPath} ${path} ${words} &`);
    terminal.press('Enter');
    await terminal.shows('[1]');
    // An interactive shell tells of a job that was stopped when it is asked for the next command.
    await expect
      .poll(
        () => {
          terminal.type('clear; jobs');
          terminal.press('Enter');
          return terminal.screen;
        },
        { timeout: 60_000, interval: 200 },
      )
      .toContain('Stopped');
    expect(terminal.screen).not.toContain('Password');
    terminal.type('clear; fg');
    terminal.press('Enter');
    await terminal.shows('Password of me (empty: none):');
    expect(terminal.screen.split('Password of me')).toHaveLength(2);
    terminal.type('geheim');
    terminal.press('Enter');
    await ending(terminal, 0);
    expect(sentPassword(broker)).toBe('geheim');
  }, 120_000);

  it('leaves what was typed ahead to who reads on', async () => {
    const broker = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(broker);
    const { 'mqtt-pub': path } = await programs();
    const words = `-h 127.0.0.1 -p ${listener.port} -u me -t t -l`;
    using terminal = new Tmux(temporaryFolder('ahead'), `${process.execPath} ${path} ${words}`);
    await terminal.shows('Password of me (empty: none):');
    terminal.paste('secret\none\ntwo\n');
    await expect
      .poll(() => broker.current.received.flatMap((packet) => payloadText(packet)), {
        timeout: 60_000,
      })
      .toEqual(['one', 'two']);
    expect(sentPassword(broker)).toBe('secret');
  }, 120_000);
});

function payloadText(packet: Packet): readonly string[] {
  return packet.type === PacketType.publish ? [new TextDecoder().decode(packet.payload)] : [];
}
