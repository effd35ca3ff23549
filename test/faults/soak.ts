/** Works clients for long, each in a process of its own against a mosquitto, and judges what they hold on to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { bundledScript } from '../setup/child-script.ts';
import { startMosquitto } from '../setup/mosquitto.ts';
import { portOf } from '../setup/ports.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import type { SoakOrder, SoakSample } from './soak-order.ts';

export type SoakCell = Pick<SoakOrder, 'work' | 'qos' | 'store' | 'amount' | 'samples'>;

export interface SoakResult {
  readonly cell: SoakCell;
  /** Bytes that each message, reconnection or subscription leaves behind. */
  readonly bytesEach: number;
  /** What a measurement may be off by, per message and so on. */
  readonly uncertainty: number;
  /** Kinds of handles, and numbers of listeners, that were not the same all the time. */
  readonly changed: readonly string[];
  readonly samples: readonly SoakSample[];
}

const program = fileURLToPath(new URL('programs/soak-client.ts', import.meta.url));

/** All combinations of levels and stores for messages, and each store for what else may leave something behind. */
export function soakCells(messages: number, reconnects: number): readonly SoakCell[] {
  const stores = ['memory', 'file'] as const;
  const levels = [0, 1, 2] as const;
  const samples = 12;
  return [
    ...stores.flatMap((store) =>
      levels.map((qos) => ({ work: 'messages', qos, store, amount: messages, samples }) as const),
    ),
    ...(['reconnects', 'subscriptions'] as const).flatMap((work) =>
      stores.map((store) => ({ work, qos: 1, store, amount: reconnects, samples }) as const),
    ),
  ];
}

/** A leak of so much is one: bytes for each message, reconnection or subscription. */
export const leakBytes: Readonly<Record<SoakCell['work'], number>> = {
  // 0.1 MiB for a million.
  messages: (0.1 * 2 ** 20) / 1_000_000,
  reconnects: 1024,
  subscriptions: 1024,
};

export function nameOf({ work, qos, store }: SoakCell): string {
  return `${work}, QoS ${qos}, ${store} store`;
}

/** Runs one after the other. Rejects when a client fails. */
export async function soak(
  cells: readonly SoakCell[],
  onResult?: (result: SoakResult) => void,
): Promise<readonly SoakResult[]> {
  await using mosquitto = await startMosquitto({
    listeners: { tcp: {} },
    settings: ['max_queued_messages 0'],
  });
  await using relay = await startRelay(mosquitto.port('tcp'));
  const results: SoakResult[] = [];
  for (const cell of cells) {
    const order: SoakOrder = { ...cell, folder: temporaryFolder('soak'), port: relay.port };
    const result = judge(cell, await work(order, relay.cut));
    results.push(result);
    onResult?.(result);
  }
  return results;
}

async function work(order: SoakOrder, cut: () => void): Promise<readonly SoakSample[]> {
  // The compiler makes code anew for a long time, and each piece takes kibibytes.
  const flags = ['--expose-gc', '--no-opt'];
  const words = [...flags, await bundledScript(program), JSON.stringify(order)];
  const child: ChildProcess = spawn(process.execPath, words, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.on('message', cut);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the soaked client ended with exit code ${code}: ${errors}`);
  return JSON.parse(output) as SoakSample[];
}

/** Passes bytes on to a port, and cuts all connections when asked. */
async function startRelay(
  port: number,
): Promise<{ readonly port: number; cut(): void } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    cut,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}

function judge(cell: SoakCell, samples: readonly SoakSample[]): SoakResult {
  const slopes: number[] = [];
  for (const [index, one] of samples.entries()) {
    for (const other of samples.slice(index + 1)) {
      slopes.push((other.bytes - one.bytes) / (other.done - one.done));
    }
  }
  // The median of all slopes: a single sample that is off changes nothing.
  slopes.sort((a, b) => a - b);
  const at = (part: number) => slopes[Math.floor((slopes.length - 1) * part)] ?? 0;
  const changed: string[] = [];
  const first = samples[0];
  for (const sample of samples) {
    if (sample.listeners !== first?.listeners) {
      changed.push(`${sample.listeners} listeners after ${sample.done}, not ${first?.listeners}`);
    }
    const handles = sample.handles.join(' ');
    if (handles !== first?.handles.join(' '))
      changed.push(`handles after ${sample.done}: ${handles}`);
  }
  return {
    cell,
    bytesEach: at(0.5),
    uncertainty: (at(0.75) - at(0.25)) / 2,
    changed,
    samples,
  };
}
