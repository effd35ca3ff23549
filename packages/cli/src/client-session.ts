import { connectWith, systemClock } from '@mqtt-kit/core';
import { type Packet, PacketType } from '@mqtt-kit/packet';
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
import type { ExactWire } from './exact-wire.ts';
import type { MessageOutput } from './message-output.ts';
import type { MosquittoTrace } from './mosquitto-trace.ts';
import { packetLine } from './packet-trace.ts';
import { StatusFollower } from './status-follower.ts';

/** A client whose ups and downs are told on standard error. */
export interface ClientSession {
  readonly client: MqttClient;
  /** Whether a server has ever accepted the connection. */
  readonly everConnected: boolean;
  /** Resolves when one has; never when none does. */
  readonly accepted: Promise<void>;
  /** In place of mosquitto's programs: their way to tell packets, when `-d` asks for it. */
  readonly theirTrace: MosquittoTrace | undefined;
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
  output: MessageOutput,
  onGivenUp: (error: MqttError) => void,
): Promise<ClientSession> {
  // Nothing may come between connecting and listening.
  const { wire } = plan;
  wire?.attach({ print: (text) => output.text(text), giveUp: onGivenUp });
  const client = await connectBy(
    plan,
    diagnostics,
    output,
  )(plan.url, {
    ...plan.options,
    ...options,
    ...(plan.options.queue === undefined
      ? {}
      : { queue: { ...options.queue, ...plan.options.queue } }),
    ...(plan.begun === undefined ? {} : { clientId: plan.begun.clientId }),
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
  if (plan.options.trace === true && wire === undefined) {
    client.on('packet', (direction, packet) => {
      diagnostics.trace(packetLine(direction, withMark(packet, plan)));
    });
  }
  return {
    client,
    get everConnected() {
      return follower.everConnected;
    },
    accepted: follower.accepted.promise,
    theirTrace: wire?.trace,
  };
}

/** The client shows its packets without the password; that there is one, a person wants to know. */
function withMark(packet: Packet, { options: { password } }: ConnectionPlan): Packet {
  const has = packet.type === PacketType.connect && password !== undefined;
  return has ? { ...packet, password: new Uint8Array(0) } : packet;
}

/** Sockets that the client does not make by itself, and packets as they were asked for, are loaded when they are needed. */
function connectBy(
  plan: ConnectionPlan,
  diagnostics: Diagnostics,
  output: MessageOutput,
): typeof connect {
  const { socket, dryRun, exact, begun, wire } = plan;
  const usual = socket === undefined && !dryRun && !exact && wire === undefined;
  if (usual && begun === undefined) return connect;
  const continued =
    begun && import('./begun-connection.ts').then((module) => module.continuedOpener(begun));
  /** What it learns of the server holds for later connections. */
  let asked: ExactWire | undefined;
  const open: OpenTransport = async (...target) => {
    const opener = await (continued ?? transportOpener(plan, output));
    if (wire !== undefined) return wire.over(opener)(...target);
    if (!exact) return opener(...target);
    const { exactTransport, exactWire } = await import('./exact-wire.ts');
    asked ??= exactWire(plan, diagnostics);
    return exactTransport(opener, asked)(...target);
  };
  const environment = {
    transports: { mqtt: open, mqtts: open, 'mqtt+unix': open, ws: open, wss: open },
    missingTransports: {},
    // Theirs is no random time.
    clock: wire === undefined ? systemClock : { ...systemClock, random: () => 1 - Number.EPSILON },
    defaultStore: memoryStore,
  };
  return (url, options) => connectWith(environment, url, options);
}

async function transportOpener(
  { socket, dryRun }: ConnectionPlan,
  output: MessageOutput,
): Promise<OpenTransport> {
  if (dryRun) {
    const { dryRunTransport } = await import('./dry-run-transport.ts');
    return dryRunTransport(output);
  }
  const { customSocketOpener } = await import('./custom-socket.ts');
  return customSocketOpener(socket);
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
