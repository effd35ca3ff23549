import { MqttUsageError } from '@mqtt-kit/core';
import { checkMembers, shown } from './definition-error.ts';
import { angleOf, cosineOf } from './real-functions.ts';
import { type Moment, Signal } from './signal.ts';

/** Where a vehicle is. */
export interface GeoPosition {
  /** Degrees, to six decimal places (0.1 m). */
  readonly latitude: number;
  readonly longitude: number;
  /** Degrees from north, clockwise. */
  readonly heading: number;
  readonly speedKmh: number;
  readonly [name: string]: number;
}

/** What `geoPath` takes. */
export interface GeoPathOptions {
  readonly speedKmh: number;
  /** At the end: drive on to the first point (`'loop'`, default), turn round, or stay. */
  readonly end?: 'loop' | 'return' | 'stay';
  /** Starts somewhere along the way, for each device elsewhere. Default false. */
  readonly scatter?: boolean;
}

interface Leg {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly startKm: number;
  readonly lengthKm: number;
  readonly heading: number;
}

const kmPerDegree = 111.19493;
const radians = 0.017453292519943295;

/**
 * A drive along points of `[latitude, longitude]` in degrees, in straight lines at an even speed. Legs are short: the
 * earth is taken as flat along each, and none may cross the date line.
 */
export function geoPath(
  points: readonly (readonly [latitude: number, longitude: number])[],
  options: GeoPathOptions,
): Signal<GeoPosition> {
  checkMembers(options, ['speedKmh', 'end', 'scatter'], 'geoPath');
  const { speedKmh, end = 'loop', scatter = false } = options;
  if (!(typeof speedKmh === 'number' && speedKmh > 0)) {
    throw new MqttUsageError(
      `geoPath: speedKmh must be a number above 0; given was ${shown(speedKmh)}`,
    );
  }
  if (!['loop', 'return', 'stay'].includes(end)) {
    throw new MqttUsageError(
      `geoPath: end must be "loop", "return" or "stay"; given was ${shown(end)}`,
    );
  }
  if (points.length < 2) throw new MqttUsageError('geoPath takes at least two points');
  for (const point of points) {
    const [latitude = Number.NaN, longitude = Number.NaN] = Array.isArray(point) ? point : [];
    if (Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180) continue;
    throw new MqttUsageError(
      `geoPath takes points of [latitude, longitude] in degrees; given was ${shown(point)}`,
    );
  }
  const back =
    end === 'return' ? [...points].reverse().slice(1) : end === 'loop' ? [points[0]!] : [];
  const legs = legsOf([...points, ...back]);
  const last = legs.at(-1);
  if (last === undefined)
    throw new MqttUsageError('geoPath takes points that are not all the same');
  const totalKm = last.startKm + last.lengthKm;
  const position = ({ elapsedMs }: Moment, scatteredKm: number): GeoPosition => {
    const drivenKm = (elapsedMs * speedKmh) / 3_600_000 + scatteredKm;
    const arrived = end === 'stay' && drivenKm >= totalKm;
    const km = arrived ? totalKm : drivenKm - totalKm * Math.floor(drivenKm / totalKm);
    const leg = legs.findLast(({ startKm }) => startKm <= km) ?? last;
    const part = Math.min((km - leg.startKm) / leg.lengthKm, 1);
    return {
      latitude: between(leg.from[0], leg.to[0], part),
      longitude: between(leg.from[1], leg.to[1], part),
      heading: leg.heading,
      speedKmh: arrived ? 0 : speedKmh,
    };
  };
  if (!scatter) return new Signal(0, () => (moment) => position(moment, 0));
  return new Signal(1, (stream) => {
    const scatteredKm = totalKm * stream(0).uniform(0);
    return (moment) => position(moment, scatteredKm);
  });
}

function legsOf(points: readonly (readonly [number, number])[]): Leg[] {
  const legs: Leg[] = [];
  let startKm = 0;
  for (const [index, to] of points.entries()) {
    const from = points[index - 1];
    if (from === undefined) continue;
    const north = (to[0] - from[0]) * kmPerDegree;
    const east = (to[1] - from[1]) * kmPerDegree * cosineOf(((from[0] + to[0]) / 2) * radians);
    const lengthKm = Math.sqrt(north * north + east * east);
    if (lengthKm === 0) continue;
    const heading = Math.round(angleOf(east, north) / radians + 360) % 360;
    legs.push({ from, to, startKm, lengthKm, heading });
    startKm += lengthKm;
  }
  return legs;
}

function between(from: number, to: number, part: number): number {
  return Math.round((from + (to - from) * part) * 1e6) / 1e6;
}
