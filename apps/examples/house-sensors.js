// A small house of simulated sensors, each a client of its own.
//
//   node apps/examples/house-sensors.js mqtt://localhost
//
// Every room sends house/<room>/temperature and house/<room>/humidity once a second. house/<room>/status is "online"
// while the sensor lives; when it dies without a word, the server publishes its last will there: "offline".
import { once } from 'node:events';
import { connect } from 'mqtt-kit';

const url = process.argv[2] ?? 'mqtt://localhost';
const rooms = [
  { name: 'kitchen', temperature: 21.5, humidity: 45 },
  { name: 'bedroom', temperature: 18.5, humidity: 50 },
  { name: 'bathroom', temperature: 23.0, humidity: 60 },
];

/** Connects one sensor and lets it send. @param {typeof rooms[number]} room */
async function startSensor(room) {
  const topic = `house/${room.name}`;
  const sensor = await connect(url, {
    will: { topic: `${topic}/status`, payload: 'offline', qos: 1, retain: true },
  });
  const sayStatus = (/** @type {string} */ status) =>
    sensor.publish(`${topic}/status`, status, { qos: 1, retain: true, timeoutMs: 5000 });
  // The will may have been published in the meantime, so every new connection says again that we are here.
  sensor.on('status', ({ state }) => {
    if (state === 'connected') sayStatus('online').catch(report);
  });
  await sayStatus('online');

  const sendReadings = () => {
    const { temperature, humidity } = reading(room, Date.now() / 1000);
    sensor.publish(`${topic}/temperature`, temperature.toFixed(1)).catch(report);
    sensor.publish(`${topic}/humidity`, humidity.toFixed(0)).catch(report);
  };
  sendReadings();
  const timer = setInterval(sendReadings, 1000);

  return async function stop() {
    clearInterval(timer);
    await sayStatus('offline').catch(report);
    await sensor.close();
  };
}

/** A day that passes in five minutes, with a little noise. Warm air is drier. @param {typeof rooms[number]} room */
function reading(room, seconds = 0) {
  const sun = Math.sin((seconds / 300) * 2 * Math.PI);
  const noise = Math.random() - 0.5;
  return {
    temperature: room.temperature + 2 * sun + 0.3 * noise,
    humidity: room.humidity - 8 * sun + 2 * noise,
  };
}

/** @param {Error & { hint?: string | undefined }} error */
function report(error) {
  console.error(error.hint ? `${error.message}\n${error.hint}` : error.message);
}

try {
  const stops = await Promise.all(rooms.map(startSensor));
  console.log(`${rooms.length} sensors send to ${url}. Ctrl-C ends them.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await Promise.all(stops.map((stop) => stop()));
} catch (error) {
  report(/** @type {Error} */ (error));
  process.exit(1);
}
