import { type ConnectPacket, PacketType } from '@mqtt-kit/packet';
import { listenTcp, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { programs } from './programs.ts';
import { Tmux } from './tmux.ts';

beforeAll(programs, 60_000);

describe.runIf(requires('tmux'))('the prompt for a password', () => {
  /** A program that asks on a terminal, with a shell that leaves the terminal as it finds it. */
  async function asking() {
    const broker = new ScriptedBroker({ automatic: true });
    const listener = await listenTcp(broker);
    const { 'mqtt-pub': path } = await programs();
    const terminal = new Tmux(temporaryFolder('prompt'), '/bin/dash');
    terminal.type("PS1='ready> '; clear");
    terminal.press('Enter');
    await terminal.showsOnly('ready>');
    terminal.type(
      `clear; ${process.execPath} ${path} -h 127.0.0.1 -p ${listener.port} -u me -t t -m m`,
    );
    terminal.press('Enter');
    await terminal.shows('Password of me (empty: none):');
    return {
      terminal,
      broker,
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
    const connect = broker.current.received.find(
      (packet): packet is ConnectPacket => packet.type === PacketType.connect,
    );
    expect(new TextDecoder().decode(connect?.password)).toBe('geheimé');
  }, 120_000);

  it('leaves the terminal as it was when it is interrupted', async () => {
    await using stage = await asking();
    stage.terminal.type('gehe');
    stage.terminal.press('C-c');
    await ending(stage.terminal, 130);
    expect(stage.broker.connections).toEqual([]);
  }, 120_000);
});
