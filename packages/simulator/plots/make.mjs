/**
 * A picture of each signal, for the README: what an expression gives over a while.
 *
 *   node packages/simulator/plots/make.mjs          writes the pictures anew, beside this file
 *
 * The packages must have been built. The pictures repeat byte for byte, as the signals do.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Name of the picture, expression, and how long it shows.
 *
 * @type {readonly (readonly [name: string, expression: string, duration: string])[]}
 */
export const plots = [
  ['constant', 'constant(21)', '1h'],
  ['counter', 'counter(every=5m, modulo=8)', '2h'],
  ['ramp', 'ramp(18, 22, 30m)', '1h'],
  ['sine', 'sine(50, 10, 20m)', '1h'],
  ['saw', 'saw(0, 1, 20m)', '1h'],
  ['square', 'square(0, 1, 20m, duty=0.3)', '1h'],
  ['steps', 'steps(16, 6h, 21, 3h, 18, 8h, 22, 7h)', '2d'],
  ['day-curve', 'dayCurve(14, 6, peak="15:00")', '3d'],
  ['duty-cycle', 'dutyCycle(20m, 0.3)', '1h'],
  ['drift', 'drift(0.1) + noise(0.02)', '1d'],
  ['noise', 'noise(0.5, mean=20)', '10m'],
  ['walk', 'walk(20, 0.2, 15..30)', '2h'],
  ['mean-reverting', 'meanReverting(50, 4, 10m)', '6h'],
  ['states', 'states("idle", 20m, "running", 40m, "fault", 5m)', '6h'],
  ['pick', 'pick("low", "medium", "high", every=5m)', '2h'],
  ['per-device', 'perDevice(18..24)', '1h'],
  ['battery', 'battery(10d, replaceAt=10)', '25d'],
  ['follow', 'follow(steps(17, 2h, 21, 2h), 20m)', '8h'],
  ['integral', 'integral(dayCurve(1, 0.8))', '3d'],
  ['round', 'walk(20, 0.2, 15..30).round(0)', '2h'],
  ['quantize', 'sine(50, 10, 20m).quantize(2.5)', '1h'],
  ['hold', 'walk(20, 0.2, 15..30).hold(5m)', '2h'],
  ['clamp', 'sine(50, 10, 20m).clamp(44..56)', '1h'],
  ['replay', 'recording(text).column("celsius")', '2h'],
  ['geo-path', 'geoPath(points, { speedKmh: 60 })', '1h'],
  ['sum', 'dayCurve(14, 6) + meanReverting(0, 0.8, 1h) + noise(0.1)', '3d'],
  ['fault-stuck', 'walk(20, 0.2, 15..30)', '2h'],
  ['fault-spike', 'walk(20, 0.2, 15..30)', '2h'],
  ['fault-drift', 'meanReverting(-18, 0.4, 20m)', '12h'],
  ['fault-dropout', 'walk(20, 0.2, 15..30)', '2h'],
  ['fault-offline', 'walk(20, 0.2, 15..30)', '2h'],
  ['fault-duplicate', 'counter()', '24m'],
  ['fault-out-of-order', 'counter()', '24m'],
  ['fault-clock-skew', 'minutes by which clock() is wrong', '2h'],
];

/** One reading in a minute, in the order in which they come. */
const byArrival = ['fault-duplicate', 'fault-out-of-order'];

/** @type {Readonly<Record<string, readonly import('mqtt-kit/simulator').Fault[]>>} */
const faults = {
  'fault-stuck': [{ fault: 'stuck', every: '40m', for: '15m' }],
  'fault-spike': [{ fault: 'spike', every: '25m', size: 6 }],
  'fault-drift': [{ fault: 'drift', every: '3h', for: '40m', perHour: 12, recovery: '30m' }],
  'fault-dropout': [{ fault: 'dropout', every: '40m', for: '15m' }],
  'fault-offline': [{ fault: 'offline', every: '40m', for: '15m' }],
  'fault-duplicate': [{ fault: 'duplicate', every: '5m' }],
  'fault-out-of-order': [{ fault: 'outOfOrder', every: '5m' }],
  'fault-clock-skew': [{ fault: 'clockSkew', every: '40m', for: '15m', by: '-5m' }],
};

/** Of a fridge whose door was open. */
const recordedText = `time,celsius
${[5, 5.2, 5.1, 4.9, 7.5, 9.8, 11, 9.2, 7.7, 6.4, 5.6, 5.1, 5]
  .map((celsius, index) => `${1_767_225_600 + index * 600},${celsius}`)
  .join('\n')}
`;

/** A block of streets; the picture shows the longitude over time. */
const corners = /** @type {const} */ ([
  [52.5, 13.4],
  [52.5, 13.55],
  [52.55, 13.55],
  [52.55, 13.4],
]);

const width = 360;
const height = 120;
const margin = 34;
const points = 480;
const hourMs = 3_600_000;

/** The pictures by their names. @returns {Promise<Map<string, string>>} */
export async function makePlots() {
  const { fleet, geoPath, recording } = await import('mqtt-kit/simulator');
  const recorded = recording(recordedText);
  const drive = geoPath(corners, { speedKmh: 60 });
  /** @type {import('mqtt-kit/simulator').FleetDefinition['signals']} */
  const special = {
    replay: recorded.column('celsius'),
    'geo-path': drive.map(({ longitude }) => longitude),
    'fault-clock-skew': (_fields, _device, { clockMs, epochMs }) => (clockMs - epochMs) / 60_000,
  };
  return new Map(
    plots.map(([name, expression, duration]) => {
      const lengthMs = durationMs(duration);
      const arrival = byArrival.includes(name);
      const everyMs = arrival ? 60_000 : lengthMs / points;
      const plotted = fleet({
        seed: 4,
        id: 'device',
        every: everyMs,
        stagger: false,
        signals: { value: special[name] ?? expression },
        publish: { plot: ['value'] },
        faults: faults[name] ?? [],
      });
      const series = [...plotted.messages({ start: 0, for: lengthMs + 1 })]
        .map(({ timeMs, payload }, index) => ({
          timeMs: arrival ? index * everyMs : timeMs,
          value: JSON.parse(String(payload)).value,
        }))
        .filter(({ timeMs }) => timeMs <= lengthMs);
      return [`${name}.svg`, picture(expression, series, lengthMs, everyMs)];
    }),
  );
}

/** @param {string} text */
function durationMs(text) {
  const unit = { m: 60_000, h: hourMs, d: 24 * hourMs }[text.at(-1) ?? ''] ?? 0;
  return Number.parseInt(text, 10) * unit;
}

/**
 * @param {string} title
 * @param {readonly { timeMs: number, value: number | string | boolean }[]} series
 * @param {number} lengthMs
 * @param {number} everyMs
 */
function picture(title, series, lengthMs, everyMs) {
  const names = [
    ...new Set(series.map(({ value }) => value).filter((value) => typeof value !== 'number')),
  ].sort((a, b) => Number(a === true) - Number(b === true));
  const numbers = series.map(({ value }) =>
    typeof value === 'number' ? value : names.indexOf(value),
  );
  let low = Math.min(...numbers);
  let high = Math.max(...numbers);
  if (low === high) [low, high] = [low - 1, high + 1];
  const x = (/** @type {number} */ ms) => fixed(margin + ((width - margin - 4) * ms) / lengthMs);
  const y = (/** @type {number} */ value) =>
    fixed(8 + ((height - 28) * (high - value)) / (high - low));
  let path = '';
  let beforeMs = Number.NEGATIVE_INFINITY;
  for (const [index, { timeMs }] of series.entries()) {
    // A gap in the data is one in the line.
    const move = timeMs - beforeMs > 1.5 * everyMs ? 'M' : 'L';
    path += `${move}${x(timeMs)} ${y(numbers[index] ?? 0)}`;
    beforeMs = timeMs;
  }
  const labels =
    names.length > 0
      ? names.map((name, at) => [String(name), at])
      : [
          [shown(low), low],
          [shown(high), high],
        ];
  const marks = labels
    .map(
      ([text, at]) =>
        `<text x="${margin - 4}" y="${Number(y(Number(at))) + 3}" text-anchor="end">${text}</text>`,
    )
    .join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="9" fill="#777">
<title>${title.replaceAll('"', '&quot;')}</title>
<rect x="${margin}" y="4" width="${width - margin - 4}" height="${height - 20}" fill="none" stroke="#bbb" stroke-width="0.5"/>
<path d="${path}" fill="none" stroke="#0a7ea4" stroke-width="1.2" stroke-linejoin="round"/>
${marks}<text x="${margin}" y="${height - 5}">0</text><text x="${width - 4}" y="${height - 5}" text-anchor="end">${timeText(lengthMs)}</text>
</svg>
`;
}

/** @param {number} value */
function shown(value) {
  return String(Number(value.toPrecision(3)));
}

/** @param {number} ms */
function timeText(ms) {
  if (ms >= 48 * hourMs) return `${ms / 24 / hourMs} days`;
  return ms >= hourMs ? `${ms / hourMs} h` : `${ms / 60_000} min`;
}

/** @param {number} value */
function fixed(value) {
  return value.toFixed(1).replace(/\.0$/, '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, svg] of await makePlots()) {
    writeFileSync(new URL(name, import.meta.url), svg);
  }
}
