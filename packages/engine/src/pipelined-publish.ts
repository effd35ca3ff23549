/** QoS 0 messages that leave behind CONNECT, before anybody knows whether the server takes the connection. */
import type { AcceptedMessage } from './accepted-message.ts';
import type { Connection } from './connection.ts';
import type { PublishOutcomes } from './publish-outcomes.ts';
import { invalidPacketMessage, type PublishSender, waitedProperties } from './publish-sender.ts';
import { messageOf } from './queued-message.ts';
import type { Now } from './request.ts';
import type { Shared } from './shared.ts';

export class PipelinedPublish {
  readonly #shared: Shared;
  readonly #sender: PublishSender;
  readonly #outcomes: PublishOutcomes;

  constructor(shared: Shared, sender: PublishSender, outcomes: PublishOutcomes) {
    this.#shared = shared;
    this.#sender = sender;
    this.#outcomes = outcomes;
  }

  /** CONNACK came: what left behind CONNECT is sent for good, unless it is more than the server turns out to take. */
  settle(connection: Connection): void {
    for (const message of connection.pipelined) {
      const problem = this.#sender.encoding.limitProblem(message, connection);
      if (problem === undefined) this.#outcomes.sentBefore(message);
      else this.#outcomes.fail(message, 'serverLimit', problem);
    }
    connection.pipelined = [];
  }

  /**
   * What left behind CONNECT waits again when the server said that it did not take the connection; when it said nothing,
   * the next attempt shows. QoS 0 messages that wait have to go where they may not wait without a connection.
   */
  connectionEnded(connection: Connection, refused: boolean, now: Now): void {
    const { session, options } = this.#shared;
    if (connection.connackReceived) this.settle(connection);
    if (refused || !options.queue.queueQos0) this.#putBack(connection.pipelined, now);
    else session.undecided = connection.pipelined;
    connection.pipelined = [];
    if (options.queue.queueQos0) return;
    const { queue } = session;
    for (let queued = queue.next(false); queued; queued = queue.next(false)) {
      this.#outcomes.fail(
        queue.take(queued),
        'connectionLost',
        'the connection ended, and QoS 0 is not queued',
      );
    }
  }

  /**
   * An attempt begins. That it fell back to an older version shows that the server had not understood the last one, and
   * what left behind its CONNECT goes out again. Else that may have arrived, and at QoS 0 nothing arrives twice.
   */
  decide(fellBack: boolean, now: Now): void {
    const { session } = this.#shared;
    const { undecided } = session;
    session.undecided = [];
    if (fellBack) {
      this.#putBack(undecided, now);
      return;
    }
    for (const message of undecided) {
      const text = `the connection ended before the server accepted it: the message to "${message.topic}" may have arrived or not`;
      this.#outcomes.fail(message, 'connectionLost', text);
    }
  }

  /** Sends what waits and may go before CONNACK. */
  send(now: Now): void {
    const connection = this.#shared.connection!;
    const { queue } = this.#shared.session;
    while (this.#sender.mayEncode(connection)) {
      const queued = queue.next(false);
      // What CONNACK may forbid waits for it, and so does what came later.
      if (queued === undefined) return;
      const message = messageOf(queued);
      if (this.#sender.encoding.limitProblem(message, connection) !== undefined) return;
      const properties = waitedProperties(message, now);
      queue.take(queued);
      if (properties === undefined) {
        this.#outcomes.expire(message);
        continue;
      }
      try {
        this.#sender.encoding.encode(message, 0, false, properties, connection);
        connection.pipelined.push(message);
      } catch (error) {
        this.#outcomes.fail(message, 'invalidArgument', invalidPacketMessage(error));
      }
    }
  }

  #putBack(messages: readonly AcceptedMessage[], now: Now): void {
    for (const message of messages.toReversed()) this.#shared.session.queue.putBack(message, now);
  }
}
