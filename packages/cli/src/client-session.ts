import {
  type ConnectOptions,
  connect,
  type MqttClient,
  type MqttError,
  type MqttErrorCode,
  type Status,
} from 'mqtt-kit';
import type { ConnectionPlan, RetryPlan } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { type OneShot, oneShot } from './one-shot.ts';
import { packetLine } from './packet-trace.ts';

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
): Promise<ClientSession> {
  const client = await connect(plan.url, {
    ...plan.options,
    ...options,
    waitForConnection: false,
  });
  const follower = new StatusFollower(plan.retry, diagnostics, onGivenUp);
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
  if (plan.options.trace === true) {
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

class StatusFollower {
  everConnected = false;
  readonly accepted: OneShot<void> = oneShot();
  readonly #retry: RetryPlan;
  readonly #diagnostics: Diagnostics;
  readonly #onGivenUp: (error: MqttError) => void;
  #troubled = false;

  constructor(retry: RetryPlan, diagnostics: Diagnostics, onGivenUp: (error: MqttError) => void) {
    this.#retry = retry;
    this.#diagnostics = diagnostics;
    this.#onGivenUp = onGivenUp;
  }

  follow(status: Status): void {
    if (status.state === 'connected') {
      const again = this.everConnected ? 'again ' : '';
      if (this.#troubled) {
        this.#diagnostics.note({ text: `connected ${again}to ${status.server}` });
      }
      this.everConnected = true;
      this.accepted.settle();
      this.#troubled = false;
    } else if (status.state === 'reconnecting') {
      this.#onReconnecting(status);
    } else if (status.state === 'closed' && status.reason !== undefined) {
      this.#onGivenUp(status.reason);
    }
  }

  #onReconnecting(status: Extract<Status, { state: 'reconnecting' }>): void {
    // The very first attempt has failed already when the first of these comes, and is counted.
    const retries = this.everConnected ? status.attempt : status.attempt - 1;
    if (retries > this.#retry.limit || !(this.everConnected || this.#retry.initial)) {
      this.#onGivenUp(status.reason);
      return;
    }
    this.#troubled = true;
    if (isTold(retries)) this.#diagnostics.note({ text: reconnectingText(status, retries) });
  }
}

/** Attempts 1, 2, 4, 8 and so on: a server that is down for a day fills no log. */
function isTold(attempt: number): boolean {
  return (attempt & (attempt - 1)) === 0;
}

function reconnectingText(
  status: Extract<Status, { state: 'reconnecting' }>,
  attempt: number,
): string {
  const when = status.delayMs < 950 ? '' : ` in ${Math.round(status.delayMs / 1000)} s`;
  return `${status.reason.message}; trying again${when} (attempt ${attempt})`;
}
