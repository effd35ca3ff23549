/**
 * Plays one row of the hostile server's tables against a client and compares what came of it.
 */
import { createHash } from 'node:crypto';
import { type ConnectOptions, connect, type Message, type MqttClient, MqttError } from 'mqtt-kit';
import { expect } from 'vitest';
import { accepted, bytes, inHex, packet, publish, u16, type Version } from '../support/bytes.ts';
import {
  type ClientPacket,
  readAcknowledgement,
  readDisconnect,
  readPublish,
  readSubscribe,
} from '../support/client-packets.ts';
import { type RawConnection, RawServer, soon, turn } from '../support/raw-server.ts';
import type { ConnackRow } from './connack-table.ts';
import type { Delivered, Expected, Known, Outcome, Pending, Reply, Row } from './row.ts';

export type Manner = 'in one chunk' | 'one byte at a time';

/** What came of the pending request. */
interface Settled {
  readonly error?: unknown;
}

const fast: ConnectOptions = {
  keepAliveSeconds: 0,
  connectTimeoutMs: 3_000,
  reconnect: { minDelayMs: 1, maxDelayMs: 1 },
};

/** A client on a server of its own, with `#` subscribed. */
class Scene {
  readonly server: RawServer;
  readonly version: Version;
  readonly delivered: Message[] = [];
  readonly reasons: MqttError[] = [];
  readonly client: MqttClient;
  #watchers: (() => void)[] = [];

  constructor(server: RawServer, version: Version, client: MqttClient) {
    this.server = server;
    this.version = version;
    this.client = client;
    client.on('status', (status) => {
      if ('reason' in status && status.reason !== undefined) this.reasons.push(status.reason);
      this.#changed();
    });
    client.on('unmatched', (message) => this.#take(message));
  }

  static async open(
    server: RawServer,
    version: Version,
    options: ConnectOptions = {},
  ): Promise<Scene> {
    const client = await soon(
      'connect to resolve',
      connect(server.url, { clientId: 'me', version, ...fast, ...options }),
    );
    return new Scene(server, version, client);
  }

  async subscribe(stuck: boolean): Promise<void> {
    const handler = (message: Message): unknown => {
      this.#take(message);
      return stuck && message.qos > 0 ? new Promise(() => {}) : undefined;
    };
    await soon('SUBACK', this.client.subscribe('#', { qos: 2, concurrency: 100 }, handler));
  }

  /** Resolves when a message with this topic has come. */
  async got(topic: string): Promise<void> {
    await this.#until(`a message of topic ${topic}`, () =>
      this.delivered.some((message) => message.topic === topic),
    );
  }

  async reason(): Promise<MqttError> {
    await this.#until('the reason of the end', () => this.reasons.length > 0);
    return this.reasons[0]!;
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const held = new Promise<void>((resolve) => {
      const watch = (): void => {
        if (condition()) resolve();
        else this.#watchers.push(watch);
      };
      watch();
    });
    await soon(what, held);
  }

  #take(message: Message): void {
    this.delivered.push(message);
    this.#changed();
  }

  #changed(): void {
    for (const watch of this.#watchers.splice(0)) watch();
  }
}

export async function playRow(version: Version, row: Row, manner: Manner): Promise<void> {
  const server = new RawServer(version);
  await server.listen();
  let scene: Scene | undefined;
  try {
    if (row.connack !== undefined) {
      server.connacks.push(...[1, 2, 3].map(() => accepted(version, ...row.connack!)));
    }
    scene = await Scene.open(server, version, row.options);
    await scene.subscribe(row.stuck ?? false);
    const connection = await server.connection(1);
    const { known, settled } = await prepare(scene, connection, row.pending);
    const mark = connection.packets.length;
    await sendBefore(connection, row, mark);
    await send(connection, version, row, known, manner);
    await checkRow({ scene, connection, row, known, settled, mark });
    await soon('close to settle', scene.client.close({ timeoutMs: 0 }));
    if (settled !== undefined) await soon(`the pending ${row.pending} to settle`, settled);
  } catch (error) {
    throw explained(error, server, scene);
  } finally {
    await scene?.client.close({ timeoutMs: 0 }).catch(() => {});
    await server.close();
  }
}

/** A failure with what the client said and how far the server got. */
function explained(error: unknown, server: RawServer, scene: Scene | undefined): unknown {
  if (!(error instanceof Error)) return error;
  const reasons = scene?.reasons.map(({ code, message }) => `${code}: ${message}`) ?? [];
  const connections = server.connections.map(
    ({ packets, ended }) =>
      `[${packets.map(({ type }) => type).join(' ')}]${ended ? ' ended' : ''}`,
  );
  const lines = [`connections: ${connections.join(', ')}`, `reasons: ${reasons.join('; ')}`];
  error.message += `\n${lines.join('\n')}`;
  return error;
}

async function prepare(
  scene: Scene,
  connection: RawConnection,
  pending: Pending | undefined,
): Promise<{ known: Known; settled: Promise<Settled> | undefined }> {
  const { client, version } = scene;
  const subscribed = connection.packets.find((sent) => sent.type === 8)!;
  const identifier = readSubscribe(version, subscribed).props.find(({ id }) => id === 0x0b);
  const subscription = identifier?.value as number | undefined;
  if (pending === 'unsubscribe') {
    await soon(
      'SUBACK',
      client.subscribe('pending/filter', { qos: 1 }, () => {}),
    );
  }
  connection.answering = false;
  if (pending === undefined) return { known: { id: 0, subscription }, settled: undefined };
  const mark = connection.packets.length;
  const settled = request(client, pending).then(
    () => ({}),
    (error: unknown) => ({ error }),
  );
  const type = { publish1: 3, publish2: 3, released: 3, subscribe: 8, unsubscribe: 10 }[pending];
  await connection.until(`the pending ${pending}`, () =>
    connection.packets.slice(mark).some((sent) => sent.type === type),
  );
  const sent = connection.packets.slice(mark).find((other) => other.type === type)!;
  const id = type === 3 ? readPublish(version, sent).id! : sent.body[0]! * 256 + sent.body[1]!;
  if (pending === 'released') {
    connection.write(packet(0x50, u16(id)));
    await connection.packet('PUBREL', (other) => other.type === 6);
  }
  return { known: { id, subscription }, settled };
}

function request(client: MqttClient, pending: Pending): Promise<unknown> {
  switch (pending) {
    case 'publish1':
      return client.publish('out', 'x', { qos: 1 });
    case 'publish2':
    case 'released':
      return client.publish('out', 'x', { qos: 2 });
    case 'subscribe':
      return client.subscribe('pending/filter', { qos: 1 }, () => {});
    case 'unsubscribe':
      return client.unsubscribe('pending/filter');
  }
}

async function sendBefore(connection: RawConnection, row: Row, mark: number): Promise<void> {
  let expected = mark;
  for (const { send: part, replies } of row.before ?? []) {
    expected += replies;
    const wanted = expected;
    connection.write(part);
    await connection.until(`${replies} replies`, () => connection.packets.length >= wanted);
  }
}

async function send(
  connection: RawConnection,
  version: Version,
  row: Row,
  known: Known,
  manner: Manner,
): Promise<void> {
  const attack = typeof row.send === 'function' ? row.send(known) : row.send;
  const all = row.alone === true ? attack : bytes(attack, publish(version, { topic: 'behind' }));
  if (manner === 'one byte at a time') await connection.writeByteByByte(all);
  else connection.write(all);
}

interface Played {
  readonly scene: Scene;
  readonly connection: RawConnection;
  readonly row: Row;
  readonly known: Known;
  readonly settled: Promise<Settled> | undefined;
  /** Packets of the client before the attack. */
  readonly mark: number;
}

async function checkRow(played: Played): Promise<void> {
  const { row, connection } = played;
  const { expected } = row;
  switch (expected.kind) {
    case 'breach':
      return checkBreach(played, expected);
    case 'open':
      return checkOpen(played, expected);
    case 'disconnected':
      return checkDisconnected(played, expected.reasonCode);
    case 'either': {
      await Promise.race([connection.end(), played.scene.got('behind')]);
      await turn();
      if (!connection.ended) {
        return checkOpen(played, {
          kind: 'open',
          delivered: expected.delivered ?? [],
          replies: expected.replies ?? [],
        });
      }
      return checkBreach(played, { kind: 'breach', reasons: expected.reasons });
    }
  }
}

/** DISCONNECT with a reason under 5.0 and nothing under 3.1.1; then the client closes, comes back and works. */
async function checkBreach(
  { scene, connection, mark, known }: Played,
  expected: Extract<Expected, { kind: 'breach' }>,
): Promise<void> {
  const { version, server } = scene;
  await connection.end();
  const optional = expected.optionalReplies ?? [];
  const after = connection.packets.slice(mark).filter((sent) => !isReply(sent, optional));
  expect(connection.rest.length, 'bytes of an incomplete packet').toBe(0);
  if (version === '5.0') {
    expect(after.map(describe), 'packets after the breach').toHaveLength(1);
    expect(after[0]!.firstByte, `first byte of ${describe(after[0]!)}`).toBe(0xe0);
    expect(expected.reasons, 'reason codes that fit').toContain(
      readDisconnect(after[0]!).reasonCode,
    );
  } else {
    expect(after.map(describe), 'packets after the breach').toEqual([]);
  }
  const reason = await scene.reason();
  expect(['malformedPacket', 'protocolError'], `code of "${reason.message}"`).toContain(
    reason.code,
  );
  await checkWorks(scene, await server.connection(2));
  expect(shownMessages(scene.delivered)).toEqual(
    shownExpected([...(expected.delivered ?? []), { topic: 'after' }], known),
  );
}

/** A connection after a breach: subscribed again, and messages arrive. */
async function checkWorks(scene: Scene, connection: RawConnection): Promise<void> {
  await connection.packet('SUBSCRIBE after the breach', (sent) => sent.type === 8);
  connection.write(publish(scene.version, { topic: 'after' }));
  await scene.got('after');
}

async function checkOpen(
  { scene, connection, row, mark, known, settled }: Played,
  expected: Extract<Expected, { kind: 'open' }>,
): Promise<void> {
  await scene.got('behind');
  const replies = expected.replies.map(
    ([type, id, code]): Reply => [type, id === -1 ? known.id : id, code],
  );
  await connection.until(
    `${replies.length} replies`,
    () => connection.packets.length - mark >= replies.length,
  );
  if (expected.outcome !== undefined) await checkOutcome(expected.outcome, settled!);
  else if (row.pending !== undefined && row.expected.kind === 'either')
    await checkUnsettled(settled!);
  expect(shownMessages(scene.delivered)).toEqual(
    shownExpected([...expected.delivered, { topic: 'behind' }], known),
  );
  expect(scene.client.connected, 'connected').toBe(true);
  await scene.client.close({ timeoutMs: 0 });
  await connection.end();
  const sent = connection.packets.slice(mark);
  expect(sent.slice(0, -1).map(describe), 'replies').toEqual(replies.map(describeReply));
  expect(describe(sent.at(-1)!), 'the last packet').toBe('DISCONNECT 0');
}

async function checkDisconnected(
  { scene, connection, mark }: Played,
  reasonCode: number,
): Promise<void> {
  await connection.end();
  expect(connection.packets.slice(mark).map(describe), 'packets after DISCONNECT').toEqual([]);
  const reason = await scene.reason();
  expect(reason).toBeInstanceOf(MqttError);
  if (reasonCode !== 0) expect(reason.reasonCode).toBe(reasonCode);
  expect(shownMessages(scene.delivered)).not.toContainEqual(
    expect.objectContaining({ topic: 'behind' }),
  );
}

async function checkOutcome(outcome: Outcome, settled: Promise<Settled>): Promise<void> {
  const { error } = await soon('the outcome of the request', settled);
  if ('resolves' in outcome) {
    expect(error, 'the request should resolve').toBeUndefined();
    return;
  }
  expect(error).toBeInstanceOf(MqttError);
  expect(outcome.rejects).toContain((error as MqttError).code);
  if (outcome.reasonCode !== undefined) {
    expect((error as MqttError).reasonCode).toBe(outcome.reasonCode);
  }
}

async function checkUnsettled(settled: Promise<Settled>): Promise<void> {
  const open = Symbol('open');
  const now = await Promise.race([settled, turn().then(() => open)]);
  expect(now, 'a request whose acknowledgement did not come').toBe(open);
}

/** Plays a row that stands in place of CONNACK: at a first attempt, and at a reconnection. */
export async function playConnackRow(
  version: Version,
  row: ConnackRow,
  manner: Manner,
): Promise<void> {
  await playFirstAttempt(version, row, manner);
  await playReconnection(version, row, manner);
}

async function playFirstAttempt(version: Version, row: ConnackRow, manner: Manner): Promise<void> {
  const server = new RawServer(version);
  await server.listen();
  try {
    server.connacks.push(new Uint8Array(0));
    const opening = connect(server.url, { clientId: 'me', version, ...fast, ...row.options }).then(
      (client) => ({ client, error: undefined }),
      (error: unknown) => ({ client: undefined, error }),
    );
    const connection = await server.connection(1);
    await connection.packet('CONNECT', (sent) => sent.type === 1);
    await answer(connection, row, version, manner);
    const { client, error } = await soon('connect to settle', opening);
    const { kind } = row.expected;
    if (client !== undefined) {
      expect(['accepted', 'either']).toContain(kind);
      await client.close({ timeoutMs: 0 });
    } else {
      await connection.end();
      checkRefusal(connection, row, error);
    }
  } finally {
    await server.close();
  }
}

function checkRefusal(connection: RawConnection, row: ConnackRow, error: unknown): void {
  const after = connection.packets.slice(1).map(describe);
  // A CONNACK that accepts and breaks a rule all the same may be answered.
  const said =
    row.expected.kind === 'either' ? after.filter((one) => one !== 'DISCONNECT 130') : after;
  expect(said, 'packets after CONNECT').toEqual([]);
  expect(error).toBeInstanceOf(MqttError);
  const { code, reasonCode, message } = error as MqttError;
  if (row.expected.kind === 'breach') {
    expect(['malformedPacket', 'protocolError'], `code of "${message}"`).toContain(code);
  } else if (row.expected.kind === 'refused') {
    expect(['notAuthorized', 'serverRefused'], `code of "${message}"`).toContain(code);
    expect(reasonCode).toBe(row.expected.reasonCode);
  } else {
    expect(row.expected.kind, `"${message}"`).toBe('either');
  }
}

async function playReconnection(version: Version, row: ConnackRow, manner: Manner): Promise<void> {
  if (row.expected.kind !== 'breach') return;
  const server = new RawServer(version);
  await server.listen();
  let scene: Scene | undefined;
  try {
    server.connacks[1] = new Uint8Array(0);
    scene = await Scene.open(server, version, row.options);
    await scene.subscribe(false);
    (await server.connection(1)).socket.destroy();
    const bad = await server.connection(2);
    bad.answering = false;
    await bad.packet('CONNECT', (sent) => sent.type === 1);
    await answer(bad, row, version, manner);
    await bad.end();
    // What may be sent together with CONNECT, and no word about the breach.
    expect(bad.packets.map((sent) => sent.type).filter((type) => type !== 8)).toEqual([1]);
    await checkWorks(scene, await server.connection(3));
    expect(scene.delivered.map((message) => message.topic)).toEqual(['after']);
    await soon('close to settle', scene.client.close({ timeoutMs: 0 }));
  } finally {
    await scene?.client.close({ timeoutMs: 0 }).catch(() => {});
    await server.close();
  }
}

async function answer(
  connection: RawConnection,
  row: ConnackRow,
  version: Version,
  manner: Manner,
): Promise<void> {
  const all = bytes(
    row.send,
    row.expected.kind === 'breach' ? publish(version, { topic: 'behind' }) : [],
  );
  if (manner === 'one byte at a time') await connection.writeByteByByte(all);
  else connection.write(all);
}

function isReply(sent: ClientPacket, replies: readonly Reply[]): boolean {
  return replies.some((reply) => describeReply(reply) === describe(sent));
}

function describeReply([type, id, code]: Reply): string {
  return `${acknowledgementName(type)} ${id} ${code}`;
}

function describe(sent: ClientPacket): string {
  if (sent.type >= 4 && sent.type <= 7) {
    const { id, reasonCode } = readAcknowledgement(sent);
    return `${acknowledgementName(sent.type)} ${id} ${reasonCode}`;
  }
  if (sent.firstByte === 0xe0) return `DISCONNECT ${readDisconnect(sent).reasonCode}`;
  return `[${inHex(Uint8Array.of(sent.firstByte))}] ${inHex(sent.body)}`;
}

function acknowledgementName(type: number): string {
  return ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'][type - 4] ?? `type ${type}`;
}

/** Messages in a form that a test report can show. */
function shownMessages(messages: readonly Message[]): unknown[] {
  return messages.map((message) => shown(message));
}

function shownExpected(messages: readonly Delivered[], known: Known): unknown[] {
  return messages.map(({ subscriptionIdentifiers = [], ...message }) =>
    shown({
      qos: 0,
      retain: false,
      dup: false,
      redelivered: false,
      packetIdentifier: undefined,
      payload: new Uint8Array(0),
      payloadFormatIndicator: undefined,
      messageExpirySeconds: undefined,
      contentType: undefined,
      responseTopic: undefined,
      correlationData: undefined,
      userProperties: [],
      ...message,
      // -1 stands for the client's own.
      subscriptionIdentifiers: subscriptionIdentifiers.flatMap((one) =>
        one !== -1 ? [one] : known.subscription === undefined ? [] : [known.subscription],
      ),
    }),
  );
}

function shown(
  message: Omit<Message, 'params' | 'text' | 'json' | 'deliveryId' | 'acknowledge'>,
): Record<string, unknown> {
  return {
    topic:
      message.topic.length > 100 ? digest(new TextEncoder().encode(message.topic)) : message.topic,
    payload: digest(message.payload),
    qos: message.qos,
    retain: message.retain,
    dup: message.dup,
    packetIdentifier: message.packetIdentifier,
    payloadFormatIndicator: message.payloadFormatIndicator,
    messageExpirySeconds: message.messageExpirySeconds,
    contentType: message.contentType,
    responseTopic: message.responseTopic,
    correlationData: message.correlationData && digest(message.correlationData),
    userProperties: message.userProperties.map(([name, value]) => [name, value]),
    subscriptionIdentifiers: [...message.subscriptionIdentifiers],
  };
}

function digest(data: Uint8Array): string {
  if (data.length <= 32) return inHex(data);
  return `${data.length} bytes ${createHash('sha1').update(data).digest('hex')}`;
}
