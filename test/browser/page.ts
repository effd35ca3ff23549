/** The program of the test page: what somebody's dashboard would do, in functions that the test calls. */
import { type ConnectOptions, connect, MqttError } from 'mqtt-kit';

export interface Reading {
  readonly room: string;
  readonly text: string;
  readonly reasonCode: number | undefined;
  readonly version: string;
}

/** Subscribes, publishes at QoS 1, and shows what came back. */
async function roundTrip(url: string, options: ConnectOptions): Promise<Reading> {
  const client = await connect(url, options);
  const { status } = client;
  const version = status.state === 'connected' ? status.version : status.state;
  let tell = (_reading: { room: string; text: string }): void => {};
  const received = new Promise<{ room: string; text: string }>((resolve) => {
    tell = resolve;
  });
  await client.subscribe('browser/+room/temperature', { qos: 1 }, (message) =>
    tell({ room: message.params.room, text: message.text() }),
  );
  const { reasonCode } = await client.publish('browser/attic/temperature', '19.5 °C', { qos: 1 });
  const reading = await received;
  const { unsent, unacknowledged } = await client.close({ timeoutMs: 5_000 });
  if (unsent + unacknowledged > 0) throw new Error('the message was not acknowledged');
  show(`${reading.room}: ${reading.text}`);
  return { ...reading, reasonCode, version };
}

/** How `connect` fails. */
async function failure(
  url: string,
  options: ConnectOptions,
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

function show(text: string): void {
  const line = document.createElement('li');
  line.textContent = text;
  document.querySelector('#readings')?.append(line);
}

export type Page = { readonly roundTrip: typeof roundTrip; readonly failure: typeof failure };
Object.assign(globalThis, { mqttPage: { roundTrip, failure } satisfies Page });
