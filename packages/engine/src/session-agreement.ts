import type { OutgoingPublish } from './outgoing-publish.ts';
import { resume, sessionLost } from './publish-resumption.ts';
import type { Now } from './request.ts';
import type { Shared } from './shared.ts';

/** CONNACK said whether the server has the session: both sides go on from the same state. */
export function agreeOnSession(
  shared: Shared,
  outgoing: OutgoingPublish,
  present: boolean,
  foreign: boolean,
  now: Now,
): void {
  const connection = shared.connection!;
  const { session } = shared;
  if (!present || foreign) loseSession(shared, outgoing, foreign);
  const standing = foreign ? 'adopted' : present ? session.standing : 'established';
  const { clientId, sessionExpirySeconds } = connection.negotiated;
  const changed = standing !== session.standing || session.clientId !== clientId;
  session.standing = standing;
  session.clientId = clientId;
  session.expirySeconds = sessionExpirySeconds;
  if (changed) recordSession(shared);
  if (present && !foreign) resume(shared, outgoing.sender, now);
}

export function recordSession(shared: Shared): void {
  const { session, output } = shared;
  const operation = session.operation();
  if (output.recording && operation !== undefined) output.record(operation);
}

/** The session that we know is not the server's. [MQTT-3.2.2-5] [MQTT-3.1.2-4] */
function loseSession(shared: Shared, outgoing: OutgoingPublish, foreign: boolean): void {
  const connection = shared.connection!;
  const { session, output } = shared;
  session.forgetDeliveries();
  if (!session.hasState()) return;
  const counts = sessionLost(shared, outgoing.outcomes);
  session.incoming.clear();
  session.identifiers.reset();
  for (const packetIdentifier of connection.requests.keys()) {
    session.identifiers.reserve(packetIdentifier);
  }
  session.standing = 'requested';
  session.storeEpoch += 1;
  if (output.recording) {
    const expected = connection.sessionExpected ? 'sessionLost' : 'newSession';
    const cause = foreign ? 'foreignSession' : expected;
    output.record({ type: 'reset', storeEpoch: session.storeEpoch, cause });
  }
  if (connection.sessionExpected) output.emit({ type: 'sessionLost', ...counts });
}
