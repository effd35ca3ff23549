/**
 * A strict server for simulations, for both versions: sessions with QoS 0, 1 and 2 in both directions, no retained
 * messages. It decodes with a decoder of its own, answers as the specification demands, and reports every packet that
 * a correct client would not have sent. It has no clock and no chance of its own: whoever drives it decides what each
 * connection allows, when answers leave, and when it forgets.
 */
import { ModelConnection } from './model-broker-connection.ts';
import type {
  ClientPacket,
  ConnectFromClient,
  ModelVersion,
  PublishFromClient,
} from './model-broker-packets.ts';
import { ModelSession } from './model-broker-session.ts';
import type { ServerStream } from './server-stream.ts';

/** What one connection gets. */
export interface ModelConnectionPlan {
  /** 0: accepted. Any other value is the code of CONNACK, and the connection ends. */
  readonly refusal: number;
  /** Most unanswered QoS 1 and 2 messages of the client; told under 5.0. */
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly maximumQos: 0 | 1 | 2;
  readonly retainAvailable: boolean;
  readonly topicAliasMaximum: number;
  /** Told in CONNACK; `undefined`: the client's own holds. */
  readonly serverKeepAlive: number | undefined;
  /** Whether topics to the client go by alias where it allows them. */
  readonly useAliases: boolean;
  /** Whether answers wait for `answer`. */
  readonly delayAnswers: boolean;
  /** Most unanswered messages to a client that cannot say so. */
  readonly window: number;
}

export interface ModelBrokerHooks {
  /** Asked at each CONNECT. */
  plan(connect: ConnectFromClient): ModelConnectionPlan;
  /** The client did what no client may do. The connection is reset. */
  onBreach(what: string): void;
  /** The broker owns a message now. Its topic is absolute. */
  onOwned(message: PublishFromClient, topic: string, session: ModelSession): void;
  /** The client has acknowledged a message: the broker will not send it again. */
  onTaken(payload: Uint8Array, qos: 1 | 2, session: ModelSession): void;
  /** Reason code of the next PUBACK, PUBREC or SUBACK entry; 0: taken. */
  reasonFor(
    kind: 'puback' | 'pubrec' | 'suback',
    version: ModelVersion,
    packet: ClientPacket,
  ): number;
  /** Whether the server closes the connection at a message in place of taking it. Default: never. */
  closesAt?(message: PublishFromClient): boolean;
  /** Something happened that statistics count. */
  count(what: string): void;
}

export class ModelBroker {
  readonly hooks: ModelBrokerHooks;
  readonly sessions: Map<string, ModelSession> = new Map();
  /** Every connection that is not over, in order. */
  readonly connections: Set<ModelConnection> = new Set();
  #lastEpoch = 0;
  #lastConnection = 0;

  constructor(hooks: ModelBrokerHooks) {
    this.hooks = hooks;
  }

  /** Takes a connection: a `ServerStreamListener`. */
  readonly accept = (stream: ServerStream): ModelConnection => {
    this.#lastConnection += 1;
    const connection = new ModelConnection(this, stream, this.#lastConnection);
    this.connections.add(connection);
    return connection;
  };

  /** The connection of a client that has its CONNACK. */
  connectionOf(clientId: string): ModelConnection | undefined {
    for (const connection of this.connections) {
      if (connection.isConnected && connection.clientId === clientId) return connection;
    }
    return undefined;
  }

  /** The session of a client that connects: the old one where both sides keep it. */
  sessionFor(connect: ConnectFromClient): { session: ModelSession; present: boolean } {
    const { clientId, cleanStart } = connect;
    const kept = this.sessions.get(clientId);
    if (kept !== undefined && !cleanStart) return { session: kept, present: true };
    this.#lastEpoch += 1;
    const session = new ModelSession(clientId, this.#lastEpoch);
    this.sessions.set(clientId, session);
    return { session, present: false };
  }

  /**
   * Somebody publishes to a client. At QoS 1 and 2 it is kept for a session with a subscription.
   * @returns the QoS at which the client gets it, or `undefined` when it gets nothing
   */
  publish(
    clientId: string,
    topic: string,
    payload: Uint8Array,
    qos: 0 | 1 | 2,
  ): 0 | 1 | 2 | undefined {
    const session = this.sessions.get(clientId);
    const subscription = session?.match(topic);
    if (session === undefined || subscription === undefined) return undefined;
    const granted = Math.min(qos, subscription.qos) as 0 | 1 | 2;
    const connection = this.connectionOf(clientId);
    if (granted === 0) {
      if (connection === undefined) return undefined;
      connection.publishUnkept(topic, payload);
      return 0;
    }
    session.add(topic, payload, granted);
    connection?.pump();
    return granted;
  }

  /** Somebody removes a session, and the connection with it. */
  forget(clientId: string): void {
    this.connectionOf(clientId)?.reset();
    this.sessions.delete(clientId);
  }

  /** The server process ends and starts again. */
  restart(keepSessions: boolean): void {
    for (const connection of [...this.connections]) connection.reset();
    if (!keepSessions) this.sessions.clear();
  }
}
