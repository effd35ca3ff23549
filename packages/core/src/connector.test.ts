import { connack, disconnect, publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage, watch } from './client-stage.test-support.ts';
import { connectWith } from './connect.ts';
import { MqttError } from './errors.ts';
import type { ConnectAttempt } from './options.ts';

/** CONNECT of every connection so far. */
function connects(stage: ClientStage) {
  return stage.broker.connections.flatMap((connection) => stage.sent('connect', connection));
}

describe('connecting', () => {
  it('tells where it stands', async () => {
    const stage = new ClientStage({ refuse: (number) => (number === 2 ? 0x88 : 0) });
    const client = await stage.connect({}, 'mqtt://user:secret@h/');
    expect(client.status).toEqual({
      state: 'connected',
      sessionPresent: false,
      server: 'mqtt://h:1883',
      version: '5.0',
    });
    stage.link.current.cut();
    await stage.clock.advanceUntil(() => stage.broker.connections.length === 3);
    await stage.clock.settle();
    expect(stage.statuses).toMatchObject([
      { state: 'reconnecting', attempt: 1, reason: { code: 'connectionLost' } },
      { state: 'connecting', attempt: 1 },
      { state: 'reconnecting', attempt: 2, reason: { code: 'serverRefused', reasonCode: 0x88 } },
      { state: 'connecting', attempt: 2 },
      { state: 'connected' },
    ]);
    expect(Object.isFrozen(client.status)).toBe(true);
    expect(stage.errors.map(({ code }) => code)).toEqual(['connectionLost']);
    expect(JSON.stringify([client, stage.statuses, stage.errors])).not.toContain('secret');
  });

  it('asks for credentials and will at each attempt', async () => {
    const stage = new ClientStage();
    const attempts: ConnectAttempt[] = [];
    let count = 0;
    await stage.connect({
      credentials: async (attempt) => {
        attempts.push(attempt);
        count += 1;
        return { username: 'u', password: `token ${count}` };
      },
      will: () => ({ topic: 'status', payload: `${count}`, delaySeconds: 5 }),
    });
    await stage.reconnect();
    const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
    expect(
      connects(stage).map(({ password, will }) => [text(password), text(will?.payload)]),
    ).toEqual([
      ['token 1', '1'],
      ['token 2', '2'],
    ]);
    expect(attempts).toEqual([
      { attempt: 1, server: 'mqtt://h:1883' },
      { attempt: 1, server: 'mqtt://h:1883' },
    ]);
  });

  it('reports what these functions throw, and counts it as a failed attempt', async () => {
    const stage = new ClientStage();
    const failing = watch(
      stage.connect({ credentials: () => Promise.reject(new Error('no token')) }),
    );
    await stage.clock.settle();
    expect(failing.error).toMatchObject({
      code: 'notAuthorized',
      message: 'credentials for this attempt failed: no token',
    });
    expect(stage.link.attempts).toBe(0);
    let broken = false;
    const client = await stage.connect({
      will: () => {
        if (broken) throw new Error('no will');
        return undefined;
      },
    });
    broken = true;
    stage.link.current.cut();
    await stage.clock.advance(1_000);
    expect(client.status.state).toBe('reconnecting');
    expect(stage.errors.map(({ message }) => message)).toContain(
      'will for this attempt failed: no will',
    );
    broken = false;
    await stage.clock.advanceUntil(() => client.connected);
  });

  it('refuses what such a function gives when it cannot be', async () => {
    const stage = new ClientStage();
    for (const [options, message] of [
      [{ credentials: () => ({ user: 'x' }) }, 'Did you mean username?'],
      [{ credentials: () => ({ username: 5 }) }, 'username must be a string'],
      [{ will: () => ({ topic: 'a/#' }) }, 'will.topic "a/#"'],
      [{ will: () => 5 }, 'will must be an object'],
    ] as const) {
      await expect(stage.connect(options as never)).rejects.toMatchObject({
        code: 'invalidArgument',
        message: expect.stringContaining(message),
      });
    }
  });

  it('has one deadline over everything, credentials included', async () => {
    const stage = new ClientStage();
    const never = watch(
      stage.connect({ credentials: () => new Promise(() => {}), connectTimeoutMs: 500 }),
    );
    await stage.clock.advance(500);
    expect(never.error).toMatchObject({
      code: 'connectTimeout',
      message: 'credentials and will were not there within 500 ms',
    });
    stage.link.connect = { outcome: 'hang' };
    const hanging = watch(stage.connect({ connectTimeoutMs: 500 }));
    await stage.clock.advance(500);
    expect(hanging.error?.message).toBe('no connection to mqtt://h:1883 was made within 500 ms');
    stage.link.connect = { outcome: 'accept' };
    stage.held.add('connect');
    const silent = watch(stage.connect({ connectTimeoutMs: 500 }));
    await stage.clock.advance(500);
    expect(silent.error?.message).toBe('mqtt://h:1883 did not answer CONNECT within 500 ms');
    await stage.clock.settle();
    expect(stage.link.openEnds).toBe(0);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('takes a late answer of credentials for what it is', async () => {
    const stage = new ClientStage();
    let answer: ((value: { username: string }) => void) | undefined;
    const late = watch(
      stage.connect({
        connectTimeoutMs: 500,
        credentials: () => new Promise((resolve) => (answer = resolve)),
      }),
    );
    await stage.clock.advance(500);
    answer?.({ username: 'u' });
    await stage.clock.settle();
    expect(late.code).toBe('connectTimeout');
    expect(stage.link.attempts).toBe(0);
  });

  it('ends when its signal aborts, and then has no further say', async () => {
    const stage = new ClientStage({ link: { connect: { outcome: 'hang' } } });
    const abort = new AbortController();
    const connecting = watch(stage.connect({ signal: abort.signal }));
    await stage.clock.settle();
    abort.abort(new Error('never mind'));
    await stage.clock.settle();
    expect(connecting.error).toMatchObject({ code: 'aborted', cause: { message: 'never mind' } });
    expect(stage.clock.scheduled).toBe(0);
    stage.link.connect = { outcome: 'accept' };
    const early = watch(stage.connect({ signal: abort.signal }));
    await stage.clock.settle();
    expect(early.code).toBe('aborted');
    const other = new AbortController();
    const client = await stage.connect({ signal: other.signal });
    other.abort();
    expect(client.connected).toBe(true);
  });

  it('goes on in the background when told not to wait', async () => {
    const stage = new ClientStage({ link: { connect: { outcome: 'refuse' } } });
    const client = await stage.connect({ waitForConnection: false });
    expect(client.connected).toBe(false);
    const sent = watch(client.publish('t', 'x', { qos: 1 }));
    const subscribed = watch(client.subscribe('a', () => {}));
    await stage.clock.advance(5_000);
    expect([client.status.state, sent.state, subscribed.state]).toEqual([
      'reconnecting',
      'pending',
      'pending',
    ]);
    stage.link.connect = { outcome: 'accept' };
    await stage.clock.advanceUntil(() => client.connected);
    await stage.clock.settle();
    expect([sent.state, subscribed.state]).toEqual(['resolved', 'resolved']);
  });

  it('says when it has given up in the background', async () => {
    const stage = new ClientStage({ refuse: () => 0x87 });
    const client = await stage.connect({ waitForConnection: false });
    const sent = watch(client.publish('t', 'x', { qos: 1 }));
    await stage.clock.settle();
    expect(client.status).toMatchObject({ state: 'closed', reason: { code: 'notAuthorized' } });
    expect(stage.errors.map(({ code }) => code)).toEqual(['notAuthorized']);
    expect(sent.error).toMatchObject({ code: 'clientClosed', cause: { code: 'notAuthorized' } });
    await expect(client.publish('t', 'x')).rejects.toMatchObject({ code: 'clientClosed' });
    expect(await client.close()).toEqual({ unsent: 1, unacknowledged: 0 });
  });
});

describe('servers', () => {
  const servers = ['mqtt://b', 'mqtt://c:1884'];

  it('are tried in turn, each once before anybody waits', async () => {
    const tried: string[] = [];
    const stage = new ClientStage({
      link: {
        connect: (_attempt, { hostname }) => {
          tried.push(hostname);
          return { outcome: hostname === 'c' ? 'accept' : 'refuse' };
        },
      },
    });
    const client = await stage.connect({ servers }, 'mqtt://a');
    expect(tried).toEqual(['a', 'b', 'c']);
    expect(stage.clock.now().monotonicMs).toBe(1_000);
    expect(client.status).toMatchObject({ server: 'mqtt://c:1884' });
    await stage.reconnect();
    expect(tried).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('are all tried before connect rejects, unless a refusal is final', async () => {
    const stage = new ClientStage({ link: { connect: { outcome: 'refuse' } } });
    await expect(stage.connect({ servers }, 'mqtt://a')).rejects.toMatchObject({
      code: 'connectionRefused',
    });
    expect(stage.link.attempts).toBe(3);
    const other = new ClientStage({ refuse: () => 0x86 });
    await expect(other.connect({ servers }, 'mqtt://a')).rejects.toMatchObject({
      code: 'notAuthorized',
    });
    expect(other.link.attempts).toBe(1);
  });

  it('have the credentials of their own URLs', async () => {
    const stage = new ClientStage({ refuse: (number) => (number === 1 ? 0x88 : 0) });
    await stage.connect({ servers: ['mqtt://two:2@b'] }, 'mqtt://one:1@a');
    expect(connects(stage).map(({ username }) => username)).toEqual(['one', 'two']);
  });
});

describe('reasons to stop', () => {
  it.each([
    [0x8e, 'sessionTakenOver'],
    [0x87, 'notAuthorized'],
    [0x9d, 'serverRefused'],
  ])('DISCONNECT with reason code %i', async (reasonCode, code) => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const iterator = await client.subscribe('a');
    const next = watch(iterator[Symbol.asyncIterator]().next());
    stage.server.send(disconnect(reasonCode, { serverReference: 'other' }));
    stage.server.end();
    await stage.clock.advance(3_600_000);
    expect(stage.broker.connections).toHaveLength(1);
    expect(client.status).toMatchObject({ state: 'closed', reason: { code, reasonCode } });
    expect(next.code).toBe(code);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('the loss of the connection, when reconnection is off', async () => {
    const stage = new ClientStage();
    const client = await stage.connect({ reconnect: false });
    stage.link.current.cut();
    await stage.clock.settle();
    expect(client.status).toMatchObject({ state: 'closed', reason: { code: 'connectionLost' } });
    expect(stage.clock.scheduled).toBe(0);
  });
});

describe('versions', () => {
  it('falls back within the attempt, and stays with what was taken', async () => {
    const stage = new ClientStage({ refuse: (number) => (number === 1 ? 0x84 : 0) });
    const client = await stage.connect({ version: 'auto' });
    expect(connects(stage).map(({ version }) => version)).toEqual(['5.0', '3.1.1']);
    expect(client.status).toMatchObject({ version: '3.1.1' });
    await stage.reconnect();
    expect(connects(stage).map(({ version }) => version)).toEqual(['5.0', '3.1.1', '3.1.1']);
    await expect(client.publish('t', 'x', { contentType: 'x' })).rejects.toThrow(
      'contentType needs MQTT 5.0; the server speaks 3.1.1 only',
    );
    await expect(client.subscribe('a', { noLocal: true })).rejects.toThrow(
      'noLocal needs MQTT 5.0',
    );
  });

  it('falls back when the server closes without a word, and never when something would be lost', async () => {
    const closing = (stage: ClientStage) => {
      stage.held.add('connect');
      void stage.broker.accept().then(async (connection) => {
        await connection.expect('connect');
        stage.held.clear();
        connection.end();
      });
    };
    const stage = new ClientStage();
    closing(stage);
    const client = await stage.connect({ version: 'auto' });
    expect(client.status).toMatchObject({ version: '3.1.1' });

    const other = new ClientStage();
    closing(other);
    await expect(
      other.connect({ version: 'auto', userProperties: [['a', 'b']] }),
    ).rejects.toMatchObject({ code: 'connectionLost' });
    expect(other.broker.connections).toHaveLength(1);

    const password = new ClientStage();
    closing(password);
    await expect(password.connect({ version: 'auto', password: 'x' })).rejects.toMatchObject({
      code: 'connectionLost',
    });
  });

  it('does not fall back once a message with properties was accepted', async () => {
    const stage = new ClientStage({ refuse: () => 0x84 });
    const client = await connectWith(stage.environment, 'mqtt://h', { waitForConnection: false });
    const published = watch(client.publish('t', 'x', { qos: 1, contentType: 'text/plain' }));
    await stage.clock.settle();
    expect(connects(stage).map(({ version }) => version)).toEqual(['5.0']);
    expect(client.status).toMatchObject({ state: 'closed', reason: { reasonCode: 0x84 } });
    expect(published.code).toBe('clientClosed');
  });
});

describe('a session that is unknown here', () => {
  const kept = { clientId: 'me', cleanStart: false };

  it.each(['3.1.1', '5.0'] as const)(
    'is thrown away by a connection in between, and nothing is sent on that: %s',
    async (version) => {
      const stage = new ClientStage({ sessionPresent: (number) => number === 1 });
      const client = await connectWith(stage.environment, 'mqtt://h', {
        ...kept,
        version,
        keepAliveSeconds: 0,
        waitForConnection: false,
        will: { topic: 'gone' },
      });
      let discarded = 0;
      client.on('sessionDiscarded', () => {
        discarded += 1;
      });
      const published = watch(client.publish('t', 'x', { qos: 1 }));
      await stage.clock.settle();
      expect(connects(stage).map(({ cleanStart, will }) => [cleanStart, will?.topic])).toEqual([
        [false, 'gone'],
        [true, undefined],
        [false, 'gone'],
      ]);
      const [, between, last] = stage.broker.connections;
      expect(between!.received.map(({ type }) => type)).toEqual([1, 14]);
      expect(stage.sent('publish', last)).toHaveLength(1);
      expect(published.state).toBe('resolved');
      expect(discarded).toBe(1);
      expect(client.connected).toBe(true);
      await client.close({ timeoutMs: 0 });
    },
  );

  it('ends under 5.0 with the connection that throws it away', async () => {
    const stage = new ClientStage({ sessionPresent: (number) => number === 1 });
    await stage.connect(kept);
    const expiries = connects(stage).map(({ properties }) => properties.sessionExpiryInterval);
    expect(expiries).toEqual([604_800, 0, 604_800]);
  });

  it('is thrown away by a clean start where the server authenticates by more than CONNECT', async () => {
    const stage = new ClientStage({
      sessionPresent: (number) => number === 1,
      connack: { authenticationMethod: 'PLAIN' },
    });
    const authentication = { method: 'PLAIN', respond: () => new Uint8Array(1) };
    await stage.connect({ ...kept, authentication });
    expect(connects(stage).map(({ cleanStart }) => cleanStart)).toEqual([false, true]);
    await stage.reconnect();
    expect(connects(stage)[2]?.cleanStart).toBe(false);
  });

  it('ends the attempt when it cannot be thrown away', async () => {
    const stage = new ClientStage({ sessionPresent: (number) => number !== 2 });
    await expect(stage.connect({ ...kept, version: '3.1.1' })).rejects.toMatchObject({
      code: 'sessionLost',
    });
    await stage.clock.settle();
    expect(stage.link.openEnds).toBe(0);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('is an error, or taken over, when told so', async () => {
    const stage = new ClientStage({ sessionPresent: () => true });
    await expect(stage.connect({ ...kept, foreignSession: 'error' })).rejects.toMatchObject({
      code: 'sessionLost',
    });
    expect(stage.broker.connections).toHaveLength(1);
    const client = await stage.connect({ ...kept, foreignSession: 'adopt' });
    expect(client.status).toMatchObject({ sessionPresent: true });
  });

  it('gives its messages to handlers that come within five seconds', async () => {
    const stage = new ClientStage({ sessionPresent: () => true });
    const client = await stage.connect({ ...kept, foreignSession: 'adopt' });
    const unmatched: string[] = [];
    client.on('unmatched', (message) => unmatched.push(message.topic));
    await stage.receive(
      ['a', '1', { qos: 1, packetIdentifier: 1 }],
      ['b', '2', { qos: 1, packetIdentifier: 2 }],
      ['a', '3', { qos: 1, packetIdentifier: 3 }],
    );
    expect(stage.sent('puback')).toEqual([]);
    await stage.clock.advance(4_999);
    const got: string[] = [];
    await client.subscribe('a', { qos: 1 }, (message) => got.push(message.text()));
    expect(got).toEqual(['1', '3']);
    await stage.clock.advance(1);
    expect(unmatched).toEqual(['b']);
    await stage.clock.settle();
    expect(stage.sent('puback').map(({ packetIdentifier }) => packetIdentifier)).toEqual([1, 2, 3]);
  });
});

describe('clean start', () => {
  it('is the option’s at first, and the session’s later, under 5.0', async () => {
    const stage = new ClientStage();
    await stage.connect({ clientId: 'me', sessionExpirySeconds: 60 });
    await stage.reconnect();
    expect(connects(stage).map(({ cleanStart }) => cleanStart)).toEqual([true, false]);
    const plain = new ClientStage();
    await plain.connect();
    await plain.reconnect();
    expect(connects(plain).map(({ cleanStart }) => cleanStart)).toEqual([true, true]);
  });

  it('goes by what the server says about the session', async () => {
    const stage = new ClientStage({ connack: { sessionExpiryInterval: 0 } });
    await stage.connect({ clientId: 'me', sessionExpirySeconds: 60 });
    await stage.reconnect();
    expect(connects(stage)[1]?.cleanStart).toBe(true);
  });

  it('keeps the identifier that the server assigned', async () => {
    const stage = new ClientStage({ connack: { assignedClientIdentifier: 'given' } });
    const client = await stage.connect({ clientId: '' });
    expect(client.clientId).toBe('given');
    stage.held.add('connect');
    stage.link.current.cut();
    await stage.clock.advanceUntil(() => stage.broker.connections.length === 2);
    await stage.clock.settle();
    stage.server.send(connack());
    await stage.clock.settle();
    expect(connects(stage).map(({ clientId }) => clientId)).toEqual(['', 'given']);
  });
});

describe('the wait between attempts', () => {
  it('is not begun anew by a CONNACK alone, and is by progress', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const waits = async (count: number, progress: boolean) => {
      const delays: number[] = [];
      for (let index = 0; index < count; index++) {
        if (progress) await client.publish('t', 'x', { qos: 1 });
        await stage.clock.advance(1_500);
        stage.link.current.cut();
        await stage.clock.settle();
        const { status } = client;
        if (status.state === 'reconnecting') delays.push(status.delayMs);
        await stage.clock.advanceUntil(() => client.connected);
      }
      return delays;
    };
    const growing = await waits(8, false);
    expect(Math.max(...growing)).toBeGreaterThan(1_000);
    const short = await waits(8, true);
    expect(Math.max(...short)).toBeLessThan(100);
  });

  it.each(['reconnecting', 'connecting', 'connected'] as const)(
    'may be ended by a listener that hears of "%s"',
    async (state) => {
      const stage = new ClientStage();
      const client = await stage.connect();
      client.on('status', (status) => {
        if (status.state === state) void client.close({ timeoutMs: 0 });
      });
      stage.link.current.cut();
      await stage.clock.advance(60_000);
      expect(client.status).toEqual({ state: 'closed', reason: undefined });
      expect(stage.link.openEnds).toBe(0);
      expect(stage.clock.scheduled).toBe(0);
      expect(stage.link.attempts).toBe(state === 'connected' ? 2 : 1);
    },
  );

  it('ends with the client', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.link.current.cut();
    await stage.clock.settle();
    expect(client.status.state).toBe('reconnecting');
    expect(await client.close()).toEqual({ unsent: 0, unacknowledged: 0 });
    await stage.clock.advance(3_600_000);
    expect(stage.broker.connections).toHaveLength(1);
    expect(stage.clock.scheduled).toBe(0);
    expect(client.status).toEqual({ state: 'closed', reason: undefined });
  });
});

describe('enhanced authentication', () => {
  const challenge = {
    type: 15,
    reasonCode: 0x18,
    properties: { authenticationMethod: 'm', authenticationData: Uint8Array.of(1) },
  } as const;
  const accepted = { authenticationMethod: 'm' };

  function authentication(respond: (data: Uint8Array | undefined) => Uint8Array | undefined) {
    return { authentication: { method: 'm', start: () => Uint8Array.of(0), respond } };
  }

  it('answers challenges before CONNACK and afterwards', async () => {
    const stage = new ClientStage();
    stage.held.add('connect');
    const connecting = watch(
      stage.connect(authentication((data) => Uint8Array.of((data?.[0] ?? 0) + 1))),
    );
    await stage.clock.settle();
    expect(connects(stage)[0]?.properties).toMatchObject({
      authenticationMethod: 'm',
      authenticationData: Uint8Array.of(0),
    });
    stage.server.send(challenge);
    await stage.clock.settle();
    expect(stage.sent('auth')[0]?.properties.authenticationData).toEqual(Uint8Array.of(2));
    stage.server.send(connack({ properties: accepted }));
    await stage.clock.settle();
    const client = connecting.value!;
    const again = watch(client.reauthenticate());
    const twice = watch(client.reauthenticate());
    await stage.clock.settle();
    expect(twice.code).toBe('invalidArgument');
    expect(stage.sent('auth')[1]).toMatchObject({ reasonCode: 0x19 });
    stage.server.send({ type: 15, reasonCode: 0, properties: accepted });
    await stage.clock.settle();
    expect(again.state).toBe('resolved');
  });

  it('ends the attempt when the application has no answer', async () => {
    const stage = new ClientStage();
    stage.held.add('connect');
    const connecting = watch(
      stage.connect(
        authentication(() => {
          throw new Error('no key');
        }),
      ),
    );
    await stage.clock.settle();
    stage.server.send(challenge);
    await stage.clock.settle();
    expect(connecting.error).toMatchObject({
      code: 'notAuthorized',
      message: 'authentication.respond failed: no key',
    });
  });

  it('rejects a re-authentication with the connection, or without the option', async () => {
    const stage = new ClientStage({ connack: accepted });
    const client = await stage.connect(authentication(() => undefined));
    const again = watch(client.reauthenticate());
    await stage.clock.settle();
    stage.link.current.cut();
    await stage.clock.settle();
    expect(again.code).toBe('connectionLost');
    await expect(client.reauthenticate()).rejects.toMatchObject({ code: 'connectionLost' });
    const plain = new ClientStage();
    await expect((await plain.connect()).reauthenticate()).rejects.toThrow('needs the option');
  });
});

describe('events', () => {
  it('tell of packets when asked to, without secrets', async () => {
    const stage = new ClientStage();
    const client = await stage.connect({ trace: true, username: 'u', password: 'secret' });
    const seen: string[] = [];
    client.on('packet', (direction, packet) => seen.push(`${direction} ${packet.type}`));
    await client.publish('t', 'x', { qos: 1 });
    expect(seen).toEqual(['sent 3', 'received 4']);
  });

  it('are refused by names that do not exist', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    expect(() => client.on('message' as never, (() => {}) as never)).toThrow('event must be');
    expect(() => client.on('status', 5 as never)).toThrow('listener must be a function');
    expect(() => client.on('status', () => {}, { once: true } as never)).toThrow('unknown name');
  });

  it('tell of a session that the server forgot', async () => {
    const stage = new ClientStage({ sessionPresent: () => false });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const lost: unknown[] = [];
    client.on('sessionLost', (what) => lost.push(what));
    stage.held.add('publish');
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    await stage.clock.settle();
    stage.held.clear();
    await stage.reconnect();
    expect(lost).toEqual([{ resent: 1, assumedDelivered: 0, rejected: 0, resubscribed: 0 }]);
    expect(published.state).toBe('resolved');
  });
});

describe('handlers', () => {
  it('that fail reach the error event, are acknowledged, and stop nothing', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    await client.subscribe('a', { qos: 1 }, () => {
      throw new Error('oops');
    });
    await stage.receive(['a', '', { qos: 1, packetIdentifier: 9 }]);
    expect(stage.errors).toMatchObject([
      { code: 'handlerFailed', message: 'the handler of a message on "a" failed: oops' },
    ]);
    expect(stage.errors[0]).toBeInstanceOf(MqttError);
    expect(stage.sent('puback')).toHaveLength(1);
    expect(client.connected).toBe(true);
  });

  it('may close the client and wait for that', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const order: string[] = [];
    await client.subscribe('a', async () => {
      order.push('handler');
      await client.close();
      order.push('closed');
    });
    stage.server.send(publish('a', '1'), publish('a', '2'));
    await stage.clock.settle();
    expect(order).toEqual(['handler', 'closed']);
    expect(stage.clock.scheduled).toBe(0);
    expect(stage.link.openEnds).toBe(0);
  });
});
