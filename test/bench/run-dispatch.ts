/**
 * Finding the subscriptions that a topic name concerns, alone: run-dispatch.ts <milliseconds of CPU for each row>
 *
 * Half of the filters have a wildcard. `cached`: a hundred names that come again and again; `uncached`: each name is
 * new. Prints one line of JSON: microseconds by row.
 */
import { SubscriptionTree } from '../../packages/core/src/subscription-tree.ts';

const forMs = Number(process.argv[2]);

function filterOf(n: number): string {
  const room = n >> 1;
  return n % 2 === 0 ? `house/${room % 100}/${room}/temperature` : `house/+/${room}/#`;
}

function nameOf(n: number, filters: number): string {
  const room = (n % filters) >> 1;
  return `house/${room % 100}/${room}/temperature`;
}

/** CPU time of one call, in µs. */
function microsecondsOf(call: (n: number) => void): number {
  let calls = 0;
  const begin = process.cpuUsage();
  let spentUs = 0;
  while (spentUs < forMs * 1000) {
    for (let turn = 0; turn < 1000; turn += 1) call(calls++);
    const { user, system } = process.cpuUsage(begin);
    spentUs = user + system;
  }
  return spentUs / calls;
}

const rows: Record<string, { cpuUs: number }> = {};
for (const filters of [1, 10, 100, 1000, 10_000]) {
  const tree = new SubscriptionTree<number>();
  for (let n = 0; n < filters; n += 1) tree.add(filterOf(n), n);
  const names = Array.from({ length: 100 }, (_, n) => nameOf(n, filters));
  let found = 0;
  const cached = (n: number): void => {
    found += tree.match(names[n % 100] as string).length;
  };
  // Made before: what is measured is the search. More than the tree remembers, so each is as good as new.
  const fresh = Array.from({ length: 50_000 }, (_, n) => `${nameOf(n, filters)}/${n}`);
  const uncached = (n: number): void => {
    found += tree.match(fresh[n % 50_000] as string).length;
  };
  const label = `${filters.toLocaleString('en')} filter${filters === 1 ? '' : 's'}`;
  microsecondsOf(cached);
  rows[`${label}, cached`] = { cpuUs: microsecondsOf(cached) };
  microsecondsOf(uncached);
  rows[`${label}, uncached`] = { cpuUs: microsecondsOf(uncached) };
  if (found === 0) throw new Error('nothing was found');
}
console.log(JSON.stringify(rows));
