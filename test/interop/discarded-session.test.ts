/** A session thrown away because it is unknown here is followed by one that the server keeps, over its own restart, too. */
import { connect, type MqttClient } from 'mqtt-kit';
import { expect, it } from 'vitest';
import { startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';

it.runIf(requires('mosquitto')).each(['3.1.1', '5.0'] as const)(
  'what follows a session that was thrown away outlives a restart of mosquitto: %s',
  async (version) => {
    await using mosquitto = await startMosquitto({ listeners: { tcp: {} }, persistence: true });
    const open = (): Promise<MqttClient> =>
      connect(mosquitto.url('tcp'), {
        version,
        clientId: 'discarding',
        cleanStart: false,
        reconnect: { minDelayMs: 20, maxDelayMs: 50 },
      });
    // Each client keeps its session in memory: to the second one that of the first is foreign.
    await (await open()).close();
    const client = await open();
    expect(client.status).toMatchObject({ state: 'connected', sessionPresent: false });
    const lost: unknown[] = [];
    client.on('sessionLost', (what) => lost.push(what));
    const again = new Promise<boolean>((resolve) => {
      client.on('status', (status) => {
        if (status.state === 'connected') resolve(status.sessionPresent);
      });
    });
    await mosquitto.stop('SIGTERM');
    await mosquitto.start();
    expect(await again).toBe(true);
    expect(lost).toEqual([]);
    await client.close();
  },
);
