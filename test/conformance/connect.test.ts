import type { ConnectOptions, MqttClient, TransportTarget } from '@mqtt-kit/core';
import { MqttError } from '@mqtt-kit/core';
import { connack, publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { errors, reconnecting, rejection, Stage, statuses, utf8, watch } from './support/stage.ts';

describe('connect', () => {
  it('connects to localhost:1883 with the defaults and reports the CONNACK', async () => {
    const targets: TransportTarget[] = [];
    const stage = new Stage({
      link: {
        connect: (_attempt, target) => {
          targets.push(target);
          return { outcome: 'accept' };
        },
      },
      connack: () => ({ receiveMaximum: 7, maximumQos: 1 }),
    });
    const client = await stage.connect({ version: 'auto', keepAliveSeconds: 60 });
    expect(targets.map(({ scheme, hostname, port }) => [scheme, hostname, port])).toEqual([
      ['mqtt', 'localhost', 1883],
    ]);
    const [connect] = stage.sent('connect');
    expect(connect).toMatchObject({
      version: '5.0',
      cleanStart: true,
      keepAliveSeconds: 60,
      username: undefined,
      password: undefined,
      will: undefined,
    });
    expect(connect?.properties).toMatchObject({
      receiveMaximum: 1_000,
      maximumPacketSize: 16_777_216,
      topicAliasMaximum: 16,
    });
    expect(client.status).toMatchObject({
      state: 'connected',
      sessionPresent: false,
      version: '5.0',
    });
    expect(client.connected).toBe(true);
    expect(client.server).toMatchObject({ receiveMaximum: 7, maximumQos: 1, keepAliveSeconds: 60 });
  });

  it('sends CONNECT first, and by the default options nothing that a 3.1.1 server could trip over', async () => {
    const stage = new Stage();
    await stage.connect({ version: '3.1.1', clientId: 'kitchen' });
    await stage.settle();
    // [MQTT3-3.1.0-1] [MQTT3-3.1.3-3]
    expect([...stage.server().receivedBytes]).toEqual([
      0x10,
      19,
      0,
      4,
      0x4d,
      0x51,
      0x54,
      0x54,
      4,
      2,
      0,
      0,
      0,
      7,
      ...utf8('kitchen'),
    ]);
  });

  it('makes up a client id that every server must take, another one for each client', async () => {
    const stage = new Stage();
    const clients = await Promise.all(Array.from({ length: 20 }, () => stage.connect()));
    const ids = stage.sentAtAll('connect').map((connect) => connect.clientId);
    expect(new Set(ids).size).toBe(20);
    // [MQTT-3.1.3-5]: 1 to 23 of these characters are never refused.
    for (const id of ids) expect(id).toMatch(/^[0-9a-zA-Z]{1,23}$/);
    expect(clients.map((client) => client.clientId)).toEqual(ids);
  });

  it('keeps a made up client id over reconnections', async () => {
    const stage = new Stage();
    await stage.connect();
    await stage.breakConnection();
    const [first, second] = stage.sentAtAll('connect');
    expect(second?.clientId).toBe(first?.clientId);
  });

  it('[MQTT-3.1.3-3] sends a given client id unchanged', async () => {
    const stage = new Stage();
    for (const clientId of ['a', 'sensor/7 Küche', '\ufeffx', 'x'.repeat(200)]) {
      const client = await stage.connect({ clientId });
      expect(client.clientId).toBe(clientId);
      expect(stage.sentAtAll('connect').at(-1)?.clientId).toBe(clientId);
    }
  });

  it('takes an empty client id with a clean start, and the one the server assigns from then on', async () => {
    const stage = new Stage({ connack: () => ({ assignedClientIdentifier: 'given-by-server' }) });
    const client = await stage.connect({ clientId: '' });
    expect(stage.sent('connect')[0]?.clientId).toBe('');
    expect(client.clientId).toBe('given-by-server');
    await stage.breakConnection();
    expect(stage.sent('connect', 2)[0]?.clientId).toBe('given-by-server');
  });

  it.each([{ cleanStart: false }, { cleanStart: false, clientId: '' }])(
    'refuses a persistent session without a client id before anything is opened: %j',
    async (options) => {
      const stage = new Stage();
      for (const version of ['5.0', '3.1.1'] as const) {
        const error = await rejection(stage.connect({ ...options, version }));
        expect(error.code).toBe('invalidArgument');
        expect(error.message).toContain('clientId');
      }
      expect(stage.link.attempts).toBe(0);
    },
  );

  it('starts clean by default, and keeps the session when asked to', async () => {
    const stage = new Stage();
    await stage.connect();
    await stage.connect({ clientId: 'kept', cleanStart: false });
    await stage.connect({ version: '3.1.1', clientId: 'kept', cleanStart: false });
    const [clean, kept, keptOld] = stage.sentAtAll('connect');
    expect(clean?.cleanStart).toBe(true);
    expect(clean?.properties.sessionExpiryInterval ?? 0).toBe(0);
    expect(kept?.cleanStart).toBe(false);
    expect(kept?.properties.sessionExpiryInterval).toBe(7 * 86_400);
    expect(keptOld?.cleanStart).toBe(false);
  });

  it('sends user name and password from the options', async () => {
    const stage = new Stage();
    await stage.connect({ username: 'üser', password: 'pässword' });
    await stage.connect({ username: 'only' });
    await stage.connect({ username: 'bytes', password: Uint8Array.of(0, 255) });
    const [both, only, raw] = stage.sentAtAll('connect');
    expect(both).toMatchObject({ username: 'üser', password: utf8('pässword') });
    expect(only).toMatchObject({ username: 'only', password: undefined });
    expect(raw?.password).toEqual(Uint8Array.of(0, 255));
  });

  it('[MQTT3-3.1.2-22] refuses a password without a user name under 3.1.1 and sends it under 5.0', async () => {
    const stage = new Stage();
    const error = await rejection(stage.connect({ version: '3.1.1', password: 'p' }));
    expect(error.code).toBe('invalidArgument');
    expect(stage.link.attempts).toBe(0);
    await stage.connect({ password: 'p' });
    expect(stage.sent('connect')[0]).toMatchObject({ username: undefined, password: utf8('p') });
  });

  it.each([
    ['mqtt://user:pass@localhost', 'user', 'pass'],
    ['mqtt://us%65r:p%40ss%2Fw%3Ard@localhost', 'user', 'p@ss/w:rd'],
    ['mqtt://user:a:b:c@localhost', 'user', 'a:b:c'],
    ['mqtt://user:@localhost', 'user', ''],
    ['mqtt://user@localhost', 'user', undefined],
    ['mqtt://%C3%BCser:%F0%9F%98%80@localhost', 'üser', '😀'],
  ])('takes user name and password from %s', async (url, username, password) => {
    const stage = new Stage();
    await stage.connect({}, url);
    const [connect] = stage.sent('connect');
    expect(connect?.username).toBe(username);
    // WHATWG URLs cannot tell an empty password from none.
    const sent =
      connect?.password === undefined ? undefined : new TextDecoder().decode(connect.password);
    if (password === '') expect(sent ?? '').toBe('');
    else expect(sent).toBe(password);
  });

  it.each(['http://localhost', 'mqtt5://localhost', 'localhost:1883', 'tcp://localhost', ''])(
    'refuses the URL %j at once and names the schemes it knows',
    async (url) => {
      const stage = new Stage();
      const error = await rejection(stage.connect({}, url));
      expect(error.code).toBe('invalidArgument');
      expect(`${error.message} ${error.hint}`).toMatch(/mqtt:/);
      expect(stage.link.attempts).toBe(0);
    },
  );

  it('does not use a client certificate on a plain connection in silence', async () => {
    const schemes: string[] = [];
    const stage = new Stage({
      link: {
        connect: (_attempt, target) => {
          schemes.push(target.scheme);
          return { outcome: 'accept' };
        },
      },
    });
    const watched = watch(stage.connect({ tls: { cert: 'CERT', key: 'KEY' } }));
    await stage.settle();
    if (watched.resolved) expect(schemes).toEqual(['mqtts']);
    else {
      expect(watched.code).toBe('invalidArgument');
      expect((watched.error as MqttError).message).toMatch(/tls|mqtts/i);
      expect(schemes).toEqual([]);
    }
  });

  it('rejects with the reason code, its name and the Reason String of a refusing CONNACK', async () => {
    const stage = new Stage();
    stage.hold.add('connect');
    const connecting = watch(stage.connect());
    const connection = await stage.broker.accept();
    await connection.expect('connect');
    connection.send(connack({ reasonCode: 0x87, properties: { reasonString: 'not on Sundays' } }));
    await connecting.done;
    expect(connecting.code).toBe('notAuthorized');
    const error = connecting.error as MqttError;
    expect(error.reasonCode).toBe(0x87);
    expect(error.reasonString).toBe('not on Sundays');
    expect(error.message).toMatch(/not authorized/i);
    await stage.settle();
    expect(stage.link.openEnds).toBe(0);
  });

  it('[MQTT3-3.2.2-5] maps the return codes of 3.1.1 to the reason codes of 5.0', async () => {
    for (const [returnCode, reasonCode] of [
      [1, 0x84],
      [2, 0x85],
      [3, 0x88],
      [4, 0x86],
      [5, 0x87],
    ] as const) {
      const stage = new Stage();
      stage.hold.add('connect');
      const connecting = watch(stage.connect({ version: '3.1.1' }));
      const connection = await stage.broker.accept();
      await connection.expect('connect');
      connection.sendRaw(Uint8Array.of(0x20, 2, 0, returnCode));
      await connecting.done;
      expect((connecting.error as MqttError).reasonCode).toBe(reasonCode);
    }
  });

  it.each([0x80, 0x83, 0x88, 0x89, 0x97, 0x9f])(
    'tries again after the transient refusal 0x%s',
    async (reasonCode) => {
      const stage = new Stage({
        refuse: (number) => (number === 2 || number === 3 ? reasonCode : 0),
      });
      const client = await stage.connect();
      const seen = statuses(client);
      stage.link.current.cut();
      await stage.clock.advanceUntil(() => stage.broker.connections.length === 4);
      await stage.settle();
      expect(client.connected).toBe(true);
      expect(reconnecting(seen).map((status) => status.reason.reasonCode)).toEqual([
        undefined,
        reasonCode,
        reasonCode,
      ]);
    },
  );

  it.each([0x84, 0x85, 0x86, 0x87, 0x8a])(
    'gives up after the permanent refusal 0x%s',
    async (reasonCode) => {
      const stage = new Stage({ refuse: (number) => (number === 1 ? 0 : reasonCode) });
      const client = await stage.connect();
      stage.link.current.cut();
      await stage.advance(3_600_000);
      expect(stage.broker.connections).toHaveLength(2);
      expect(client.status).toMatchObject({ state: 'closed', reason: { reasonCode } });
    },
  );

  it('keeps trying a first connection when asked to, through transient refusals alone', async () => {
    const stage = new Stage({ refuse: (number) => (number < 4 ? 0x89 : 0) });
    const options: ConnectOptions = { reconnect: { initial: true } };
    const patient = watch(stage.connect(options));
    await stage.clock.advanceUntil(() => patient.settled);
    expect(patient.resolved).toBe(true);
    expect(stage.broker.connections).toHaveLength(4);

    const other = new Stage({ refuse: () => 0x86 });
    const fatal = watch(other.connect(options));
    await other.advance(3_600_000);
    expect(fatal.code).toBe('notAuthorized');
    expect(other.broker.connections).toHaveLength(1);
  });

  it('gives up after as many attempts as it may make', async () => {
    const stage = new Stage({ refuse: (number) => (number === 1 ? 0 : 0x89) });
    const client = await stage.connect({ reconnect: { maxAttempts: 3 } });
    // Now the connection counts as a good one: attempts in a row begin with its loss.
    await stage.advance(11_000);
    stage.link.current.cut();
    await stage.advance(3_600_000);
    expect(stage.broker.connections).toHaveLength(4);
    expect(client.status).toMatchObject({ state: 'closed', reason: { reasonCode: 0x89 } });
  });

  it('rejects when no CONNACK comes within the time limit, and closes the connection', async () => {
    const stage = new Stage();
    stage.hold.add('connect');
    const connecting = watch(stage.connect({ connectTimeoutMs: 5_000 }));
    await stage.advance(4_999);
    expect(connecting.settled).toBe(false);
    expect(stage.link.openEnds).toBe(2);
    await stage.advance(1);
    expect(connecting.code).toBe('connectTimeout');
    await stage.settle();
    expect(stage.link.openEnds).toBe(0);
    expect(stage.clock.scheduled).toBe(0);
    // No DISCONNECT before CONNACK.
    expect(stage.server().received).toHaveLength(1);
  });

  it('counts opening and CONNACK against one time limit', async () => {
    const stage = new Stage({ link: { connect: { outcome: 'accept', delayMs: 6_000 } } });
    stage.hold.add('connect');
    const connecting = watch(stage.connect());
    await stage.advance(9_999);
    expect(connecting.settled).toBe(false);
    await stage.advance(1);
    expect(connecting.code).toBe('connectTimeout');
  });

  it('lets the CONNACK timer rest after success', async () => {
    const stage = new Stage();
    const client = await stage.connect({ connectTimeoutMs: 5_000 });
    await stage.settle();
    expect(stage.clock.scheduled).toBeLessThanOrEqual(1);
    await stage.advance(3_600_000);
    expect(client.connected).toBe(true);
    expect(stage.link.attempts).toBe(1);
  });

  it.each(['hostNotFound', 'connectionRefused'] as const)(
    'rejects with %s, and a client that connects in the background can be closed',
    async (code) => {
      const error = new MqttError(code, 'no way to nowhere.invalid:1883');
      const stage = new Stage({ link: { connect: { outcome: 'refuse', error } } });
      expect(await rejection(stage.connect())).toMatchObject({ code });
      expect(stage.link.attempts).toBe(1);
      const client = await stage.connect({ waitForConnection: false });
      const seen = statuses(client);
      await stage.advance(500);
      await client.close();
      expect(seen.at(-1)).toEqual({ state: 'closed', reason: undefined });
      expect(stage.clock.scheduled).toBe(0);
    },
  );

  it('really tries again after a refused port when asked to keep trying', async () => {
    const stage = new Stage({
      link: { connect: (attempt) => ({ outcome: attempt < 4 ? 'refuse' : 'accept' }) },
    });
    const connecting = watch(stage.connect({ reconnect: { initial: true } }));
    await stage.clock.advanceUntil(() => connecting.settled);
    expect(connecting.resolved).toBe(true);
    expect(stage.link.attempts).toBe(4);
  });

  it('[MQTT-3.2.0-1] takes anything but CONNACK as first packet for a breach', async () => {
    const stage = new Stage();
    stage.hold.add('connect');
    const connecting = watch(stage.connect());
    const connection = await stage.broker.accept();
    await connection.expect('connect');
    connection.send(publish('t', 'x'));
    await connection.expectClosed();
    await connecting.done;
    expect(connecting.code).toBe('protocolError');
  });

  it('[MQTT-3.2.0-2] takes a second CONNACK for a breach', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const seen = statuses(client);
    stage.server().send(connack());
    await stage.settle();
    expect(stage.sent('disconnect')).toMatchObject([{ reasonCode: 0x82 }]);
    expect(reconnecting(seen)[0]?.reason.code).toBe('protocolError');
  });

  it('makes an independent client of each call, also of two at the same time', async () => {
    const stage = new Stage();
    const [one, two] = await Promise.all([stage.connect(), stage.connect()]);
    expect(one).not.toBe(two);
    expect(stage.broker.connections).toHaveLength(2);
    await one?.close();
    await stage.settle();
    expect(one?.connected).toBe(false);
    expect(two?.connected).toBe(true);
  });

  it('never writes into the options it is given', async () => {
    const stage = new Stage();
    const options = deeplyFrozen({
      clientId: 'frozen',
      will: { topic: 'w', payload: 'gone', userProperties: [['a', 'b']] },
      reconnect: { minDelayMs: 1 },
      queue: { maxMessages: 5 },
      userProperties: [['k', 'v']],
    } satisfies ConnectOptions);
    const client = await stage.connect(options);
    const filters = Object.freeze(['a', 'b/+']);
    const subscribing = deeplyFrozen({ qos: 1, userProperties: [['x', 'y']] } as const);
    await client.subscribe(filters, subscribing, () => {});
    const publishing = deeplyFrozen({ qos: 1, userProperties: [['x', 'y']] } as const);
    await client.publish('t', deeplyFrozen({ on: true }), publishing);
    await client.unsubscribe(filters, deeplyFrozen({ userProperties: [['x', 'y']] } as const));
    await stage.breakConnection();
    expect(client.connected).toBe(true);
    await client.close(deeplyFrozen({ timeoutMs: 0, reasonCode: 4 }));
  });

  it('keeps two clients of one process apart', async () => {
    const stage = new Stage();
    const one = await stage.connect({ clientId: 'one' });
    const two = await stage.connect({ clientId: 'two' });
    const got: string[] = [];
    await one.subscribe('t', (message) => got.push(`one ${message.text()}`));
    await two.subscribe('t', (message) => got.push(`two ${message.text()}`));
    stage.server(1).send(publish('t', '1'));
    stage.server(2).send(publish('t', '2'));
    await stage.settle();
    expect(got.sort()).toEqual(['one 1', 'two 2']);
    // Half a packet for one, then a whole one for the other.
    stage.server(1).sendRaw('30 05 00 01');
    stage.server(2).send(publish('t', '3'));
    stage.server(1).sendRaw('74 00 34');
    await stage.settle();
    expect(got.slice(2).sort()).toEqual(['one 4', 'two 3']);
    const lost = errors(two);
    stage.link.connections[0]?.cut();
    await stage.settle();
    expect([one.connected, two.connected, lost.length]).toEqual([false, true, 0]);
  });

  it('ends an attempt when its signal aborts, wherever it stands', async () => {
    const aborted = AbortSignal.abort();
    const early = new Stage();
    expect(await rejection(early.connect({ signal: aborted }))).toMatchObject({ code: 'aborted' });
    expect(early.link.attempts).toBe(0);

    const opening = new Stage({ link: { connect: { outcome: 'hang' } } });
    await expectAborts(opening);

    const waiting = new Stage();
    waiting.hold.add('connect');
    await expectAborts(waiting);

    const between = new Stage({ link: { connect: { outcome: 'refuse' } } });
    await expectAborts(between, { reconnect: { initial: true } });
  });

  it('is not ended by its signal once it is connected', async () => {
    const stage = new Stage();
    const controller = new AbortController();
    const client = await stage.connect({ signal: controller.signal });
    controller.abort();
    await stage.advance(60_000);
    expect(client.connected).toBe(true);
  });

  it('names an unknown option and the one that was meant', async () => {
    const stage = new Stage();
    const error = await rejection(
      stage.connect({ cleanSesion: true, clientID: 'x' } as ConnectOptions),
    );
    expect(error.code).toBe('invalidArgument');
    expect(`${error.message} ${error.hint}`).toMatch(/cleanSesion|clientID/);
    expect(`${error.message} ${error.hint}`).toMatch(/cleanStart|clientId/);
    expect(stage.link.attempts).toBe(0);
  });

  it('[MQTT-3.1.2-9] sends a will with all of its properties', async () => {
    const stage = new Stage();
    await stage.connect({
      will: {
        topic: 'house/status',
        payload: 'offline',
        qos: 2,
        retain: true,
        delaySeconds: 30,
        payloadFormatIndicator: 1,
        messageExpirySeconds: 60,
        contentType: 'text/plain',
        responseTopic: 'answers',
        correlationData: Uint8Array.of(1, 2),
        userProperties: [
          ['b', '1'],
          ['a', '2'],
          ['b', '3'],
        ],
      },
    });
    expect(stage.sent('connect')[0]?.will).toEqual({
      topic: 'house/status',
      payload: utf8('offline'),
      qos: 2,
      retain: true,
      properties: {
        willDelayInterval: 30,
        payloadFormatIndicator: 1,
        messageExpiryInterval: 60,
        contentType: 'text/plain',
        responseTopic: 'answers',
        correlationData: Uint8Array.of(1, 2),
        userProperties: [
          ['b', '1'],
          ['a', '2'],
          ['b', '3'],
        ],
      },
    });
  });
});

async function expectAborts(stage: Stage, options: ConnectOptions = {}): Promise<void> {
  const controller = new AbortController();
  const connecting = watch<MqttClient>(stage.connect({ ...options, signal: controller.signal }));
  await stage.advance(50);
  expect(connecting.settled).toBe(false);
  controller.abort();
  await connecting.done;
  expect(connecting.code).toBe('aborted');
  await stage.settle();
  expect(stage.link.openEnds).toBe(0);
  expect(stage.clock.scheduled).toBe(0);
}

function deeplyFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) deeplyFrozen(inner);
    Object.freeze(value);
  }
  return value;
}
