import {
  type ConnectOptions,
  connect,
  type MqttClient,
  type MqttError,
  type Status,
} from 'mqtt-kit';
import type { ConnectionPlan } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { packetLine } from './packet-trace.ts';

/** A client whose ups and downs are told on standard error. */
export interface ClientSession {
  readonly client: MqttClient;
  /** Whether a server has ever accepted the connection. */
  readonly everConnected: boolean;
}

/**
 * Starts to connect; returns at once. `onGivenUp` is called when the client closed by itself, with the reason: the
 * first attempt failed, the reason is final, or the attempts are used up. Rejects with `invalidArgument`.
 */
export async function openClient(
  plan: ConnectionPlan,
  options: ConnectOptions,
  diagnostics: Diagnostics,
  onGivenUp: (error: MqttError) => void,
): Promise<ClientSession> {
  const client = await connect(plan.url, {
    ...plan.options,
    ...options,
    waitForConnection: false,
  });
  let everConnected = client.connected;
  let troubled = false;
  client.on('status', (status: Status) => {
    if (status.state === 'connected') {
      if (troubled)
        diagnostics.note({ text: `connected ${everConnected ? 'again ' : ''}to ${status.server}` });
      everConnected = true;
      troubled = false;
    } else if (status.state === 'reconnecting') {
      troubled = true;
      if (isTold(status.attempt)) diagnostics.note({ text: reconnectingText(status) });
    } else if (status.state === 'closed' && status.reason !== undefined) {
      onGivenUp(status.reason);
    }
  });
  client.on('error', (error) => {
    if (!isToldByStatus(error)) diagnostics.note({ text: error.message });
  });
  client.on('sessionDiscarded', () => {
    diagnostics.note({
      text: 'the server kept a session for this client identifier; it was thrown away',
    });
  });
  if (plan.options.trace === true) {
    client.on('packet', (direction, packet) => diagnostics.trace(packetLine(direction, packet)));
  }
  return {
    client,
    get everConnected() {
      return everConnected;
    },
  };
}

/** Attempts 1, 2, 4, 8 and so on: a server that is down for a day fills no log. */
function isTold(attempt: number): boolean {
  return (attempt & (attempt - 1)) === 0;
}

function reconnectingText(status: Extract<Status, { state: 'reconnecting' }>): string {
  const seconds = status.delayMs < 950 ? 'at once' : `in ${Math.round(status.delayMs / 1000)} s`;
  return `${status.reason.message}; trying again ${seconds} (attempt ${status.attempt})`;
}

/** The end of a connection is told by the status. */
function isToldByStatus(error: MqttError): boolean {
  return error.code === 'connectionLost' || error.code === 'connectionRefused';
}
