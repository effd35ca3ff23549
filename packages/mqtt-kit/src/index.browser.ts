import {
  type ConnectOptions,
  connectWith,
  type Environment,
  type MqttClient,
  memoryStore,
} from '@mqtt-kit/core';
import { openWebSocket } from '@mqtt-kit/transport-websocket';

import { pageClock } from './page-clock.browser.ts';
import { watchPage } from './watch-page.browser.ts';

export * from './public-api.ts';

const noSockets =
  'This platform opens WebSockets alone: use ws:// or wss://, and the WebSocket port of the server.';

/** Pages, workers and edge runtimes: the platform's WebSocket. */
const environment: Environment = {
  transports: { ws: openWebSocket, wss: openWebSocket },
  missingTransports: { mqtt: noSockets, mqtts: noSockets, 'mqtt+unix': noSockets },
  clock: pageClock,
  defaultStore: memoryStore,
  watch: watchPage,
  // As an uncaught error in an event listener of the platform: told in the console, and nothing stops.
  warn: (error) => globalThis.reportError?.(error),
};

/**
 * Connects to an MQTT server over WebSocket: `ws://` or `wss://`. Everything else is as in Node; `mqtt://` and its kin
 * reject with `invalidArgument`, since a page cannot open a socket.
 */
export function connect(url: string | URL, options?: ConnectOptions): Promise<MqttClient> {
  return connectWith(environment, url, options);
}
