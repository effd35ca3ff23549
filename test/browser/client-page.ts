/** The program of the page, and of workers, in which tests write what a dashboard would do. */
import { type ConnectOptions, connect, type MqttClient, MqttError, type QoS } from 'mqtt-kit';
import { type IndexedDbStoreOptions, indexedDbStore } from 'mqtt-kit/store-indexeddb';

/** Subscribes and publishes at one QoS. Resolves with what came back, and what the server said of it. */
async function roundTrip(url: string, qos: QoS, options: ConnectOptions = {}): Promise<string> {
  const client = await connect(url, options);
  const topic = `browser/${client.clientId}`;
  const messages = await client.subscribe(topic, { qos });
  const { reasonCode } = await client.publish(topic, '19.5 °C', { qos });
  const { value: message } = await messages[Symbol.asyncIterator]().next();
  const { unsent, unacknowledged } = await client.close({ timeoutMs: 5_000 });
  return `${message.text()} at QoS ${message.qos}, reason code ${reasonCode}, left ${unsent + unacknowledged}`;
}

interface Dashboard {
  readonly client: MqttClient;
  /** What `status` told: state, and the message of its reason. */
  readonly statuses: string[];
  /** Texts of what was published and has been acknowledged. */
  readonly acknowledged: string[];
  send(text: string, qos: 1 | 2): Promise<void>;
}

/** A page that keeps its queue: resolves when the client is there, connected or not. */
async function dashboard(
  url: string,
  clientId: string,
  storeOptions: IndexedDbStoreOptions = {},
  options: ConnectOptions = {},
): Promise<Dashboard> {
  const client = await connect(url, {
    clientId,
    store: indexedDbStore('dashboard', storeOptions),
    waitForConnection: false,
    ...options,
  });
  const statuses: string[] = [];
  const acknowledged: string[] = [];
  client.on('status', (status) => {
    const reason = 'reason' in status ? status.reason?.message : undefined;
    statuses.push(reason === undefined ? status.state : `${status.state}: ${reason}`);
  });
  return {
    client,
    statuses,
    acknowledged,
    send(text, qos) {
      const sent = client.publish('browser/queue', text, { qos });
      sent.then(
        () => acknowledged.push(text),
        () => {},
      );
      return sent.stored;
    },
  };
}

/** How `connect` fails. */
async function failure(
  url: string,
  options: ConnectOptions = {},
): Promise<{ code: string; message: string; hint: string | undefined }> {
  try {
    await (await connect(url, options)).close();
  } catch (error) {
    if (error instanceof MqttError) {
      return { code: error.code, message: error.message, hint: error.hint };
    }
    throw error;
  }
  throw new Error('connect resolved');
}

export const clientPage = { connect, roundTrip, dashboard, failure };
export type ClientPage = typeof clientPage;
Object.assign(globalThis, { clientPage });
