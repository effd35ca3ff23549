/** When a message came: whole seconds since 1970 and what is left of them. */
export interface ReceivedAt {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The time now, as finely as the platform tells it. */
export function receivedNow(): ReceivedAt {
  // By another name: `performance.now()` counts from another moment in the bundle, see monotonic-time.ts.
  const clock = performance;
  const ms = clock.timeOrigin + clock.now();
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanoseconds: Math.floor((ms - seconds * 1000) * 1000) * 1000 };
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September',
  'October', 'November', 'December',
]; // biome-ignore format: a list of names

/**
 * Local time by the letters of strftime in the C locale, each with or without its `%`: `strftime('FT%T%z', at)`.
 * `N` is nanoseconds. Anything else is left as it is.
 */
export function strftime(format: string, at: ReceivedAt): string {
  if (!format.includes('%')) return letter(format, at);
  return `%${format}`.replace(/%([a-zA-Z%])/g, (_whole, one: string) => letter(one, at));
}

function letter(one: string, at: ReceivedAt): string {
  const date = new Date(at.seconds * 1000);
  const part = Object.hasOwn(letters, one) ? letters[one] : undefined;
  return part === undefined ? `%${one}` : part(date, at);
}

const two = (value: number): string => `${value}`.padStart(2, '0');
const blank = (value: number): string => `${value}`.padStart(2, ' ');
const hour12 = (date: Date): number => date.getHours() % 12 || 12;

type Letter = (date: Date, at: ReceivedAt) => string;

const letters: Readonly<Record<string, Letter>> = {
  '%': () => '%',
  a: (date) => days[date.getDay()]!.slice(0, 3),
  A: (date) => days[date.getDay()]!,
  b: (date) => months[date.getMonth()]!.slice(0, 3),
  B: (date) => months[date.getMonth()]!,
  c: (date, at) => many('a b e T Y', date, at, ' '),
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  d: (date) => two(date.getDate()),
  D: (date, at) => many('m d y', date, at, '/'),
  e: (date) => blank(date.getDate()),
  F: (date, at) => many('Y m d', date, at, '-'),
  g: (date) => two(isoWeek(date).year % 100),
  G: (date) => `${isoWeek(date).year}`,
  h: (date) => months[date.getMonth()]!.slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(hour12(date)),
  j: (date) => `${dayOfYear(date) + 1}`.padStart(3, '0'),
  k: (date) => blank(date.getHours()),
  l: (date) => blank(hour12(date)),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  n: () => '\n',
  N: (_date, at) => `${at.nanoseconds}`.padStart(9, '0'),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  r: (date, at) => `${many('I M S', date, at, ':')} ${letters['p']!(date, at)}`,
  R: (date, at) => many('H M', date, at, ':'),
  s: (_date, at) => `${at.seconds}`,
  S: (date) => two(date.getSeconds()),
  t: () => '\t',
  T: (date, at) => many('H M S', date, at, ':'),
  u: (date) => `${date.getDay() || 7}`,
  U: (date) => two(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7)),
  V: (date) => two(isoWeek(date).week),
  w: (date) => `${date.getDay()}`,
  W: (date) => two(Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7)),
  x: (date, at) => many('m d y', date, at, '/'),
  X: (date, at) => many('H M S', date, at, ':'),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => `${date.getFullYear()}`,
  z: (date) => offset(-date.getTimezoneOffset()),
  Z: (date) => zoneName(date),
};

function many(names: string, date: Date, at: ReceivedAt, between: string): string {
  return names
    .split(' ')
    .map((name) => letters[name]!(date, at))
    .join(between);
}

function dayOfYear(date: Date): number {
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000);
}

/** The week that its Thursday is in. (ISO 8601) */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(
    date.getFullYear(),
    date.getMonth(),
    date.getDate() + 3 - ((date.getDay() + 6) % 7),
  );
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}

function offset(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

/** As the locale knows it that has a name for it; else the offset. */
function zoneName(date: Date): string {
  for (const locale of ['en-US', 'en-GB', 'en-AU']) {
    const parts = new Intl.DateTimeFormat(locale, { timeZoneName: 'short' }).formatToParts(date);
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
    if (!/^(?:GMT|UTC)[+-]/.test(name)) return name;
  }
  return letters['z']!(date, { seconds: 0, nanoseconds: 0 });
}
