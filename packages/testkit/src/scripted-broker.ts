/**
 * A server that says what a test tells it to, and writes down all that a client says.
 *
 *     const broker = new ScriptedBroker({ link });
 *     const connection = await broker.accept();
 *     await connection.expect('connect', { clientId: 'kitchen' });
 *     connection.send(connack());
 *     connection.sendRaw('30 03 00 01 61');
 *     await connection.expectClosed();
 *
 * The script plays on the virtual link and on a socket alike. With `automatic` the broker answers by itself as an
 * obliging server would, apart from what its hooks say; the script may join in at any time.
 */
import type { ProtocolVersion } from '@mqtt-kit/packet';
import type { AutomaticAnswers } from './automatic-answers.ts';
import { ScriptedConnection } from './scripted-connection.ts';
import type { ServerStreamListener } from './server-stream.ts';
import type { VirtualLink } from './virtual-link.ts';
import { Arrivals } from './waiting.ts';

export interface ScriptedBrokerOptions {
  /** Listens on this link at once. */
  readonly link?: VirtualLink;
  /** Answers by itself; an object says how. Default false: it only speaks as told. */
  readonly automatic?: boolean | AutomaticAnswers;
  /** The version to write in until a CONNECT says which one is spoken. Default 5.0. */
  readonly version?: ProtocolVersion;
  /** Largest packet read. Default: what the protocol can carry. */
  readonly maximumPacketSize?: number;
  /** Real time after which something expected counts as missing. Default 2,000. */
  readonly limitMs?: number;
}

export class ScriptedBroker {
  /** Every connection so far, in order, accepted by the script or not. */
  readonly connections: ScriptedConnection[] = [];
  readonly options: ScriptedBrokerOptions;
  readonly #arrivals = new Arrivals<ScriptedConnection>();

  constructor(options: ScriptedBrokerOptions = {}) {
    this.options = options;
    options.link?.listen(this.attach);
  }

  /** Takes over the server's end of a connection: hand it to whatever listens. */
  readonly attach: ServerStreamListener = (stream) => {
    const number = this.connections.length + 1;
    const connection = new ScriptedConnection(stream, number, this.options);
    this.connections.push(connection);
    this.#arrivals.add(connection);
    return connection.handlers;
  };

  /** The next connection, in the order they were made. Rejects when none comes within the limit. */
  accept(limitMs: number = this.options.limitMs ?? 2_000): Promise<ScriptedConnection> {
    return this.#arrivals.next(
      limitMs,
      () =>
        new Error(
          `expected connection ${this.connections.length + 1} within ${limitMs} ms, none was made`,
        ),
    );
  }

  /** The newest connection. Throws when there is none. */
  get current(): ScriptedConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('no client has connected');
    return connection;
  }
}
