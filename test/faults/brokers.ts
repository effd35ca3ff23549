/** The brokers of a campaign, which end and start again in the middle of it. */
import { fileURLToPath } from 'node:url';
import type { Child } from '../setup/child-process.ts';
import { startScript } from '../setup/child-script.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { freePorts, isListening } from '../setup/ports.ts';
import { until } from '../setup/until.ts';
import type { Outage } from './blame.ts';

export type BrokerName = 'mosquitto' | 'aedes';

export interface FaultyBroker extends AsyncDisposable {
  readonly port: number;
  /**
   * Ends it and starts it again. In order it has the time to save its sessions, where it can; killed it knows later
   * what it had saved before: that is an outage.
   * @param onEnded called when it has ended, before it starts
   */
  restart(manner: 'order' | 'kill', onEnded: () => void): Promise<Outage | undefined>;
}

export async function startBroker(name: BrokerName): Promise<FaultyBroker> {
  return name === 'mosquitto' ? startPersistentMosquitto() : startAedesChild();
}

/**
 * It keeps any number of messages for a client that is away, and saves its sessions a few times a second. Killed,
 * it may keep exchanges for ever that their publisher has finished in the meantime: with room for 20, its default,
 * a few kills would leave that publisher no place.
 */
async function startPersistentMosquitto(): Promise<FaultyBroker> {
  const mosquitto: Mosquitto<'tcp'> = await startMosquitto({
    listeners: { tcp: {} },
    persistence: true,
    settings: ['max_queued_messages 0', 'max_inflight_messages 1000', 'autosave_interval 100'],
  });
  return {
    port: mosquitto.port('tcp'),
    async restart(manner, onEnded) {
      await mosquitto.stop(manner === 'kill' ? 'SIGKILL' : 'SIGTERM');
      const endedAtMs = Date.now();
      const savedAtMs = mosquitto.savedAtMs ?? Number.NEGATIVE_INFINITY;
      onEnded();
      await mosquitto.start();
      return manner === 'kill' ? { savedAtMs, endedAtMs } : undefined;
    },
    [Symbol.asyncDispose]: () => mosquitto[Symbol.asyncDispose](),
  };
}

const aedesProgram = fileURLToPath(new URL('programs/aedes.ts', import.meta.url));

/** It has its sessions in memory: each end of it is an outage that nothing outlives. */
async function startAedesChild(): Promise<FaultyBroker> {
  const [port = 0] = await freePorts(1);
  let child: Child;
  const start = async (): Promise<void> => {
    child = await startScript(aedesProgram, [String(port)]);
    await until(async () => {
      if (!child.running) throw new Error(`aedes did not start: ${child.stderr}`);
      return isListening(port);
    }, 'aedes takes connections');
  };
  await start();
  return {
    port,
    async restart(_manner, onEnded) {
      await child.stop('SIGKILL');
      const endedAtMs = Date.now();
      onEnded();
      await start();
      return { savedAtMs: Number.NEGATIVE_INFINITY, endedAtMs };
    },
    async [Symbol.asyncDispose]() {
      await child.stop('SIGKILL');
    },
  };
}
