// A small house of simulated sensors, each a client of its own.
//
//   node apps/examples/house-sensors.js mqtt://localhost
//
// Every room sends house/<room>/temperature and house/<room>/humidity once a second. house/<room>/status is "online"
// while the sensor lives; when it dies without a word, the server publishes its last will there: "offline".
import { fleet, meanReverting, noise, sine } from 'mqtt-kit/simulator';

const url = process.argv[2] ?? 'mqtt://localhost';

const house = fleet({
  name: 'house',
  devices: [
    { id: 'kitchen', warmth: 21.5, damp: 45 },
    { id: 'bedroom', warmth: 18.5, damp: 50 },
    { id: 'bathroom', warmth: 23, damp: 60 },
  ],
  every: '1s',
  jitter: 0.1,
  signals: {
    // A day that passes in five minutes. Warm air is drier.
    sun: sine({ amplitude: 1, period: '5m' }),
    temperature: meanReverting({ mean: 0, deviation: 0.3, relaxation: '20s' })
      .plus(noise(0.05))
      .plus(({ sun }, { attributes }) => Number(attributes['warmth']) + 2 * sun),
    humidity: noise(0.8).plus(({ sun }, { attributes }) => Number(attributes['damp']) - 8 * sun),
  },
  publish: {
    'house/{id}/temperature': ({ temperature }) => Number(temperature).toFixed(1),
    'house/{id}/humidity': ({ humidity }) => Number(humidity).toFixed(0),
  },
  presence: { topic: 'house/{id}/status' },
});

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

/** @param {Error & { hint?: string | undefined }} error */
function report(error) {
  console.error(error.hint ? `${error.message}\n${error.hint}` : error.message);
}

try {
  console.log(`${house.devices.length} sensors send to ${url}. Ctrl-C ends them.`);
  await house.run(url, { signal: stop.signal, onError: report });
} catch (error) {
  report(/** @type {Error} */ (error));
  process.exit(1);
}
