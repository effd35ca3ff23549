/** What becomes of the messages that were sent and not acknowledged, when the next connection stands. */
import { ReasonCode } from '@mqtt-kit/packet';
import type { AcceptedMessage } from './accepted-message.ts';
import type { PublishOutcomes } from './publish-outcomes.ts';
import type { PublishSender } from './publish-sender.ts';
import type { Now } from './request.ts';
import type { Shared } from './shared.ts';

/** The server has the session still: sends again what it may not have. */
export function resume(shared: Shared, sender: PublishSender, now: Now): void {
  const { session } = shared;
  const connection = shared.connection!;
  connection.resendFrom = session.inFlight.first;
  const releases: AcceptedMessage[] = [];
  for (let message = session.inFlight.first; message !== undefined; message = message.next) {
    if (message.state !== 'released') continue;
    sender.takePlace(message, connection);
    releases.push(message);
  }
  // PUBREL packets keep the order of their PUBREC packets among themselves, and the places of their messages among
  // the others. [MQTT-4.6.0-4] They wait for no window. [MQTT-4.9.0-3]
  releases.sort((one, other) => one.releaseOrder - other.releaseOrder);
  let released = 0;
  let publishing = true;
  for (
    let message = session.inFlight.first;
    message !== undefined && released < releases.length;
  ) {
    const next: AcceptedMessage | undefined = message.next;
    if (message.state === 'released') {
      sender.sendRelease(releases[released]!.packetIdentifier, ReasonCode.success, connection);
      released += 1;
    } else if (publishing) {
      publishing = sender.mayEncode(connection) && sender.windowIsOpen(connection, message);
      if (publishing) sender.sendAgain(message, connection, now);
    }
    message = next;
  }
}

/**
 * The server has a new session. What it acknowledged by PUBREC counts as delivered; what was sent goes out again as
 * new messages, or is rejected by policy at QoS 2, where sending again may deliver twice. [MQTT-3.2.2-5]
 */
export function sessionLost(
  shared: Shared,
  outcomes: PublishOutcomes,
): { resent: number; assumedDelivered: number; rejected: number } {
  const { session, options } = shared;
  const counts = { resent: 0, assumedDelivered: 0, rejected: 0 };
  for (let message = session.inFlight.first; message !== undefined; ) {
    const next: AcceptedMessage | undefined = message.next;
    if (message.state === 'released') {
      counts.assumedDelivered += 1;
      outcomes.assumeDelivered(message);
    } else if (
      message.qos === 2 &&
      message.state === 'sent' &&
      options.lostSessionQos2 === 'reject'
    ) {
      counts.rejected += 1;
      outcomes.fail(
        message,
        'sessionLost',
        'the server forgot the session, the message may have been delivered',
      );
    } else {
      counts.resent += 1;
      message.state = 'lost';
      message.resentAsNew = true;
      session.identifiers.release(message.packetIdentifier);
      message.packetIdentifier = 0;
    }
    message = next;
  }
  shared.connection!.resendFrom = session.inFlight.first;
  return counts;
}
