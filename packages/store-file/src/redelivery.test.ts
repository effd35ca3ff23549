import { connectWith, type Message, type MqttClient } from '@mqtt-kit/core';
import {
  connack,
  publish,
  ScriptedBroker,
  type ScriptedConnection,
  VirtualClock,
  VirtualLink,
} from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/setup/temporary-folder.ts';
import { fileStore } from './index.ts';

interface Life {
  readonly clock: VirtualClock;
  readonly client: MqttClient;
  readonly server: () => ScriptedConnection;
}

/** A process that uses the session in `directory`, at a server that has it from the second life on. */
async function begin(directory: string, sessionPresent: boolean): Promise<Life> {
  const clock = new VirtualClock();
  const link = new VirtualLink({ clock });
  const broker = new ScriptedBroker({
    link,
    automatic: {
      onPacket(packet, connection) {
        if (packet.type !== 1) return false;
        connection.send(connack({ sessionPresent }));
        return true;
      },
    },
  });
  const environment = {
    transports: { mqtt: link.open },
    missingTransports: {},
    clock,
    defaultStore: () => fileStore(directory),
  };
  const client = await connectWith(environment, 'mqtt://h', {
    clientId: 'me',
    version: '5.0',
    store: fileStore(directory),
    waitForConnection: false,
  });
  return { clock, client, server: () => broker.current };
}

describe('a message that was not handled', () => {
  it('has its deliveryId over every restart, until it is', async () => {
    const directory = temporaryFolder('redelivery');
    const ids: (number | undefined)[] = [];
    const seen: number[] = [];
    for (let life = 1; life <= 4; life++) {
      const { clock, client, server } = await begin(directory, life > 1);
      const subscribed = client.subscribe(
        't',
        {
          qos: 2,
          delivery: 'transactional',
          seen: (id) => {
            seen.push(id);
            return life === 4;
          },
          handlerFailure: 'redeliver',
        },
        (message: Message) => {
          if (message.text() === 'new') return;
          ids.push(message.deliveryId);
          throw new Error('the database is away');
        },
      );
      await clock.settle();
      await subscribed;
      const packetIdentifier = life;
      const text = life === 1 ? 'x' : 'new';
      server().send(publish('t', text, { qos: 2, packetIdentifier }));
      await clock.settle();
      await client.close({ timeoutMs: 0 });
    }
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
    expect(seen).toEqual([ids[0], ids[0], ids[0]]);
    const { clock, client } = await begin(directory, true);
    const got: string[] = [];
    await client.subscribe('t', { qos: 2 }, (message) => got.push(message.text()));
    await clock.settle();
    expect(got).toEqual([]);
    await client.close({ timeoutMs: 0 });
  });
});
