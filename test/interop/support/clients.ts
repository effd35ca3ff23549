import { type ConnectOptions, connect, type MqttClient, type Status } from 'mqtt-kit';
import { certificates } from '../../setup/certificates.ts';
import { until } from '../../setup/until.ts';

/** Connects, trusting the test authority. */
export function open(url: string, options: ConnectOptions = {}): Promise<MqttClient> {
  const encrypted = /^(mqtts|wss):/.test(url);
  const tls = encrypted ? { tls: { ca: certificates().authority.text } } : {};
  return connect(url, { ...tls, ...options });
}

let topics = 0;

/** A topic that no other test uses, on any broker. */
export function freshTopic(): string {
  return `interop/${process.pid}/${++topics}`;
}

/** Waits until a client's status is as asked, and returns it. */
export async function statusOf<S extends Status['state']>(
  client: MqttClient,
  state: S,
  limitMs?: number,
): Promise<Extract<Status, { state: S }>> {
  await until(() => client.status.state === state, `the client is ${state}`, limitMs).catch(
    (error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(client.status)}`);
    },
  );
  return client.status as Extract<Status, { state: S }>;
}
