import {
  type ConnectOptions,
  connectWith,
  type Environment,
  type MqttClient,
  memoryStore,
  systemClock,
} from '@mqtt-kit/core';
import { openSocket } from '@mqtt-kit/transport-tcp';
import { openWebSocket } from '@mqtt-kit/transport-websocket';

export * from './public-api.ts';

/** Node, Bun and Deno: sockets of every kind. */
const environment: Environment = {
  transports: {
    mqtt: openSocket,
    mqtts: openSocket,
    'mqtt+unix': openSocket,
    ws: openWebSocket,
    wss: openWebSocket,
  },
  missingTransports: {},
  clock: systemClock,
  defaultStore: memoryStore,
  warn: (error) => process.emitWarning(error),
};

/**
 * Connects to an MQTT server, and stays connected: after a loss the client comes back by itself, subscribes again and
 * sends what was left.
 *
 * ```ts
 * const client = await connect('mqtt://localhost');
 * await client.subscribe('house/+room/temperature', (message) => {
 *   console.log(message.params.room, message.text());
 * });
 * await client.publish('house/attic/temperature', '19.5', { qos: 1 });
 * await client.close();
 * ```
 *
 * `url` names the server: `mqtt://host:1883`, `mqtts://host:8883` (TLS), `ws://host/path` and `wss://host/path`
 * (WebSocket), `mqtt+unix:///path` (a socket file). A user name and password may stand in it, percent-encoded. Browsers
 * have `ws://` and `wss://` alone.
 *
 * Resolves when the server has accepted the client, 10 s at most (`connectTimeoutMs`). Rejects with an `MqttError`
 * when the first attempt fails: `invalidArgument` for an option that cannot be, before anything is sent; `hostNotFound`,
 * `connectionRefused`, `tlsFailed`, `webSocketFailed`, `connectTimeout` when there is no connection; `notAuthorized` or
 * `serverRefused` when the server does not want it; `aborted` when `signal` aborts. With `reconnect: { initial: true }`
 * it keeps trying, with `waitForConnection: false` it resolves at once and connects in the background.
 */
export function connect(url: string | URL, options?: ConnectOptions): Promise<MqttClient> {
  return connectWith(environment, url, options);
}
