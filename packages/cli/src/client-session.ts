import { connectWith, systemClock } from '@mqtt-kit/core';
import {
  type ConnectOptions,
  connect,
  type MqttClient,
  type MqttError,
  type MqttErrorCode,
  memoryStore,
  type OpenTransport,
} from 'mqtt-kit';
import type { ConnectionPlan } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { packetLine } from './packet-trace.ts';
import type { MosquittoName } from './parse-arguments.ts';
import { StatusFollower } from './status-follower.ts';

/** A client whose ups and downs are told on standard error. */
export interface ClientSession {
  readonly client: MqttClient;
  /** Whether a server has ever accepted the connection. */
  readonly everConnected: boolean;
  /** Resolves when one has; never when none does. */
  readonly accepted: Promise<void>;
}

/**
 * Starts to connect; returns at once, so that what is asked for next can leave together with CONNECT. `onGivenUp` is
 * called with the reason when the first attempt failed, when the attempts are used up, and when another one makes no
 * sense. Rejects with `invalidArgument`.
 */
export async function openClient(
  plan: ConnectionPlan,
  options: ConnectOptions,
  diagnostics: Diagnostics,
  onGivenUp: (error: MqttError) => void,
  mosquitto?: MosquittoName,
): Promise<ClientSession> {
  // Nothing may come between connecting and listening.
  const theirTrace =
    plan.options.trace === true && mosquitto !== undefined
      ? await import('./mosquitto-trace.ts')
      : undefined;
  const client = await connectBy(plan)(plan.url, {
    ...plan.options,
    ...options,
    ...(plan.options.queue === undefined
      ? {}
      : { queue: { ...options.queue, ...plan.options.queue } }),
    waitForConnection: false,
  });
  const follower = new StatusFollower({
    retry: plan.retry,
    clientId: plan.options.clientId,
    diagnostics,
    onGivenUp,
    nowMs: () => performance.now(),
  });
  client.on('status', (status) => follower.follow(status));
  client.on('error', (error) => {
    if (!toldByStatus.has(error.code)) diagnostics.note({ text: error.message });
  });
  client.on('sessionDiscarded', () => {
    diagnostics.note({
      text: 'the server kept a session for this client identifier; it was thrown away',
    });
  });
  client.on('sessionLost', ({ resent }) => {
    const again = resent > 0 ? `; ${resent} of ours are sent again` : '';
    if (plan.options.cleanStart === false || resent > 0) {
      diagnostics.note({ text: `the server has forgotten the session and its messages${again}` });
    }
  });
  if (theirTrace !== undefined) {
    const trace = new theirTrace.MosquittoTrace(mosquitto ?? 'mosquitto_sub');
    client.on('packet', (direction, packet) => {
      for (const line of trace.lines(direction, packet)) process.stdout.write(`${line}\n`);
    });
  } else if (plan.options.trace === true) {
    client.on('packet', (direction, packet) => diagnostics.trace(packetLine(direction, packet)));
  }
  return {
    client,
    get everConnected() {
      return follower.everConnected;
    },
    accepted: follower.accepted.promise,
  };
}

/** Sockets that the client does not make by itself are loaded when they are needed. */
function connectBy({ socket, dryRun }: ConnectionPlan): typeof connect {
  if (socket === undefined && !dryRun) return connect;
  const open: OpenTransport = async (...target) => {
    if (dryRun || socket === undefined) {
      const { dryRunTransport } = await import('./dry-run-transport.ts');
      return dryRunTransport((line) => process.stdout.write(`${line}\n`))(...target);
    }
    const { customSocketOpener } = await import('./custom-socket.ts');
    return customSocketOpener(socket)(...target);
  };
  const environment = {
    transports: { mqtt: open, mqtts: open, 'mqtt+unix': open, ws: open, wss: open },
    missingTransports: {},
    clock: systemClock,
    defaultStore: memoryStore,
  };
  return (url, options) => connectWith(environment, url, options);
}

/** Errors that end a connection: the status that follows tells them, with what comes next. */
const toldByStatus: ReadonlySet<MqttErrorCode> = new Set([
  'connectionLost',
  'connectionRefused',
  'connectTimeout',
  'hostNotFound',
  'tlsFailed',
  'webSocketFailed',
  'notAuthorized',
  'serverRefused',
  'sessionTakenOver',
  'malformedPacket',
  'protocolError',
]);
