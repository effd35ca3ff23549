import { suspicionOfBreak, suspicionOfClose, suspicionOfPoison } from './poison-watch.ts';
import type { PublishOutcomes } from './publish-outcomes.ts';
import type { Now } from './request.ts';
import type { Shared } from './shared.ts';

/** The connection ended, perhaps for what was sent last. See `poison-watch.ts`. */
export function judgeEnd(
  shared: Shared,
  outcomes: PublishOutcomes,
  by: 'server' | 'network',
  now: Now,
): void {
  const connection = shared.connection!;
  const { session } = shared;
  const { poisonWatch, unacknowledged, requests, writable, number } = connection;
  // What is still on its way into the network is being read by the server, or was cut off there.
  if (writable && !poisonWatch.wroteJustNow(now.monotonicMs)) return;
  let first = session.inFlight.first;
  while (first !== undefined && (first.state !== 'sent' || first.connection !== number)) {
    first = first.next;
  }
  if (first === undefined) return;
  const orderly = by === 'server' && writable;
  const weight = orderly ? suspicionOfClose : suspicionOfBreak;
  session.abruptness += weight;
  const alone = unacknowledged === 1 && requests.size === 0 && poisonWatch.onlyAnswerable;
  if (!alone) return;
  if (session.suspect !== first) {
    session.suspect = first;
    session.strikes = 0;
    session.suspicion = 0;
  }
  session.strikes += 1;
  session.suspicion += weight;
  if (session.suspicion < suspicionOfPoison) return;
  session.abruptness = 0;
  session.suspect = undefined;
  const what = orderly ? 'the server closed the connection' : 'the connection broke';
  const text =
    `${what} ${session.strikes} times in a row right after the message ` +
    `of ${first.payload.length} bytes to "${first.topic}": it is not sent again`;
  outcomes.fail(first, 'publishRefused', text);
}
