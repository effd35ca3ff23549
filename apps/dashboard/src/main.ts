/**
 * A house over MQTT: what rooms send, what is switched in them, and whether their sensors live.
 *
 * The server is the one that the page came from, at the path /mqtt, or what `?server=` names.
 */
import { connect } from 'mqtt-kit';
import { indexedDbStore } from 'mqtt-kit/store-indexeddb';
import { ConnectionLine, showNotice } from './connection-line.ts';
import { MessageLog } from './message-log.ts';
import { Rooms } from './rooms.ts';

const server =
  new URLSearchParams(location.search).get('server') ??
  `${location.origin.replace(/^http/, 'ws')}/mqtt`;

/** The same at each visit: the session is found again by it. */
function clientId(): string {
  const known = localStorage.getItem('clientId');
  if (known !== null) return known;
  const made = `dashboard-${Math.random().toString(36).slice(2, 10)}`;
  localStorage.setItem('clientId', made);
  return made;
}

async function start(): Promise<void> {
  const client = await connect(server, {
    clientId: clientId(),
    // What was switched while the network was off is kept over a reload. A second tab has a session of its own.
    store: indexedDbStore('dashboard', {
      onConflict: 'suffix',
      fallback: 'memory',
      onStatus: (status) => {
        if (status.state === 'memory') {
          showNotice(`Changes do not outlive a reload here: ${status.reason.message}.`);
        }
      },
    }),
    waitForConnection: false,
  });
  const line = new ConnectionLine(client);
  const rooms = new Rooms((room, on) => {
    const published = client.publish(`house/${room}/light/set`, on ? 'on' : 'off', { qos: 1 });
    line.showQueued();
    return published.finally(() => line.showQueued());
  });
  const log = new MessageLog(client);
  await Promise.all([
    client.subscribe('house/+room/temperature', (message) =>
      rooms.onTemperature(message.params.room, Number(message.text())),
    ),
    client.subscribe('house/+room/humidity', (message) =>
      rooms.onHumidity(message.params.room, Number(message.text())),
    ),
    client.subscribe('house/+room/light', { qos: 1 }, (message) =>
      rooms.onLight(message.params.room, message.text() === 'on'),
    ),
    // The last will of a sensor says "offline" when it is gone without a word.
    client.subscribe('house/+room/status', { qos: 1 }, (message) =>
      rooms.onStatus(message.params.room, message.text() === 'online'),
    ),
    log.start(),
  ]);
}

start().catch((error: Error) => showNotice(error.message));
