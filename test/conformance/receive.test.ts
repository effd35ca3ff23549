import type { Message, MqttError } from '@mqtt-kit/core';
import { publish, pubrel } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { bytes, publish as rawPublish } from './support/bytes.ts';
import { errors, Stage, texts, utf8, watch } from './support/stage.ts';

/** A promise that a test settles. */
function gate(): {
  readonly open: () => void;
  readonly fail: (error: Error) => void;
  readonly passed: Promise<void>;
} {
  let open: () => void = () => {};
  let fail: (error: Error) => void = () => {};
  const passed = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { open, fail, passed };
}

describe('a message', () => {
  it('comes with topic, bytes, flags and properties at every QoS', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: Message[] = [];
    await client.subscribe('a/+', { qos: 2 }, (message) => got.push(message));
    const properties = {
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
    } as const;
    stage
      .server()
      .send(
        publish('a/0', 'grüße', { properties }),
        publish('a/1', Uint8Array.of(0, 255), { qos: 1, packetIdentifier: 1, retain: true }),
        publish('a/2', '', { qos: 2, packetIdentifier: 2, dup: true }),
      );
    await stage.settle();
    expect(got).toHaveLength(3);
    expect(got[0]).toMatchObject({
      topic: 'a/0',
      payload: utf8('grüße'),
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: undefined,
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
    });
    expect(got[0]?.text()).toBe('grüße');
    expect(got[1]).toMatchObject({ qos: 1, retain: true, packetIdentifier: 1, userProperties: [] });
    expect([...(got[1]?.payload ?? [])]).toEqual([0, 255]);
    expect(got[2]).toMatchObject({ qos: 2, dup: true, packetIdentifier: 2 });
    expect(got[2]?.payload).toHaveLength(0);
    // [MQTT-3.3.4-1]
    expect(stage.server().received.slice(2)).toMatchObject([
      { type: 4, packetIdentifier: 1, reasonCode: 0 },
      { type: 5, packetIdentifier: 2, reasonCode: 0 },
      { type: 7, packetIdentifier: 2, reasonCode: 0 },
    ]);
  });

  it('gives its payload as text and as JSON', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: Message[] = [];
    await client.subscribe('a', (message) => got.push(message));
    stage.server().send(publish('a', '\ufeffx'), publish('a', '{"on":true}'), publish('a', '{'));
    await stage.settle();
    expect(got[0]?.text()).toBe('\ufeffx');
    expect(got[1]?.json()).toEqual({ on: true });
    expect(() => got[2]?.json()).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
  });

  it('[MQTT-4.3.2-4] of QoS 1 is acknowledged once', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.subscribe('a', { qos: 1 }, () => {});
    stage.server().send(publish('a', 'x', { qos: 1, packetIdentifier: 7 }));
    await stage.advance(60_000);
    expect(stage.sent('puback')).toMatchObject([{ packetIdentifier: 7, reasonCode: 0 }]);
  });

  it('[MQTT-4.6.0-2] [MQTT-4.6.0-3] is acknowledged when its handler is done, in the order of arrival', async () => {
    for (const qos of [1, 2] as const) {
      const stage = new Stage();
      const client = await stage.connect();
      const gates = [gate(), gate(), gate()];
      await client.subscribe(
        'a',
        { qos: 2, concurrency: 3 },
        (message) => gates[Number(message.text())]?.passed,
      );
      for (const index of [0, 1, 2]) {
        stage.server().send(publish('a', `${index}`, { qos, packetIdentifier: 10 + index }));
      }
      const answered = (): (number | undefined)[] =>
        stage.sent(qos === 1 ? 'puback' : 'pubrec').map((packet) => packet.packetIdentifier);
      await stage.settle();
      expect(answered()).toEqual([]);
      gates[2]?.open();
      gates[1]?.open();
      await stage.settle();
      expect(answered()).toEqual([]);
      gates[0]?.open();
      await stage.settle();
      expect(answered()).toEqual([10, 11, 12]);
    }
  });

  it('is handled one at a time and in order unless concurrency says more', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const gates = [gate(), gate(), gate()];
    const begun: string[] = [];
    await client.subscribe('a', { qos: 1 }, (message) => {
      begun.push(message.text());
      return gates[begun.length - 1]?.passed;
    });
    const beside: string[] = [];
    await client.subscribe('b', (message) => beside.push(message.text()));
    stage
      .server()
      .send(publish('a', '0'), publish('a', '1'), publish('b', 'beside'), publish('a', '2'));
    await stage.settle();
    expect([begun, beside]).toEqual([['0'], ['beside']]);
    gates[0]?.open();
    await stage.settle();
    expect(begun).toEqual(['0', '1']);
    gates[1]?.open();
    gates[2]?.open();
    await stage.settle();
    expect(begun).toEqual(['0', '1', '2']);
  });

  it('[MQTT-4.3.3-10] of QoS 2 sent again before PUBREL is delivered once, and each PUBREL is answered', async () => {
    for (const version of ['5.0', '3.1.1'] as const) {
      const stage = new Stage();
      const client = await stage.connect({ version });
      stage.hold.add('pubrec');
      const got: Message[] = [];
      await client.subscribe('a', { qos: 2 }, (message) => got.push(message));
      const send = (dup: boolean): void =>
        stage.server().send(publish('a', 'x', { qos: 2, packetIdentifier: 9, dup }));
      send(false);
      await stage.settle();
      send(true);
      send(true);
      await stage.settle();
      expect(got).toHaveLength(1);
      expect(stage.sent('pubrec')).toMatchObject(
        Array(3).fill({ packetIdentifier: 9, reasonCode: 0 }),
      );
      stage.server().send(pubrel(9));
      await stage.settle();
      stage.server().send(pubrel(9));
      await stage.settle();
      expect(stage.sent('pubcomp')).toMatchObject([
        { packetIdentifier: 9, reasonCode: 0 },
        { packetIdentifier: 9, reasonCode: version === '5.0' ? 0x92 : 0 },
      ]);
      // [MQTT-4.3.3-12]: now it is a new message.
      send(false);
      await stage.settle();
      expect(got).toHaveLength(2);
    }
  });

  it('[MQTT-4.1.0-1] of QoS 2 is delivered once over a reconnection with a session', async () => {
    const stage = new Stage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const got: Message[] = [];
    await client.subscribe('a', { qos: 2 }, (message) => got.push(message));
    stage.hold.add('pubrec');
    stage.server().send(publish('a', 'x', { qos: 2, packetIdentifier: 9 }));
    await stage.settle();
    await stage.breakConnection();
    stage.server(2).send(publish('a', 'x', { qos: 2, packetIdentifier: 9, dup: true }));
    await stage.settle();
    expect(got).toHaveLength(1);
    expect(stage.sent('pubrec', 2)).toMatchObject([{ packetIdentifier: 9 }]);
    stage.server(2).send(pubrel(9));
    await stage.settle();
    expect(stage.sent('pubcomp', 2)).toMatchObject([{ packetIdentifier: 9, reasonCode: 0 }]);
  });

  it('of QoS 2 is new when the server has lost the session', async () => {
    const stage = new Stage();
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const got: Message[] = [];
    await client.subscribe('a', { qos: 2 }, (message) => got.push(message));
    stage.hold.add('pubrec');
    stage.server().send(publish('a', 'old', { qos: 2, packetIdentifier: 9 }));
    await stage.settle();
    await stage.breakConnection();
    stage.server(2).send(publish('a', 'new', { qos: 2, packetIdentifier: 9 }));
    await stage.settle();
    expect(texts(got)).toEqual(['old', 'new']);
  });

  it('is acknowledged on the connection it came from alone', async () => {
    const stage = new Stage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const done = gate();
    await client.subscribe('a', { qos: 1, concurrency: 5 }, (message) =>
      message.dup ? undefined : done.passed,
    );
    stage.server().send(publish('a', 'x', { qos: 1, packetIdentifier: 9 }));
    await stage.settle();
    await stage.breakConnection();
    done.open();
    await stage.settle();
    // The server will send it again here: an acknowledgement before that would be one of nothing.
    expect(stage.sent('puback', 2)).toHaveLength(0);
    stage.server(2).send(publish('a', 'x', { qos: 1, packetIdentifier: 9, dup: true }));
    await stage.settle();
    expect(stage.sent('puback', 2)).toMatchObject([{ packetIdentifier: 9 }]);
  });

  it('[MQTT-4.5.0-2] is acknowledged when nobody wants it, and reported', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const unmatched: Message[] = [];
    client.on('unmatched', (message) => unmatched.push(message));
    stage
      .server()
      .send(
        publish('nobody', '1', { qos: 1, packetIdentifier: 1 }),
        publish('nobody', '2', { qos: 2, packetIdentifier: 2 }),
      );
    await stage.settle();
    expect(texts(unmatched)).toEqual(['1', '2']);
    expect(stage.sent('puback')).toMatchObject([{ packetIdentifier: 1 }]);
    expect(stage.sent('pubrec')).toMatchObject([{ packetIdentifier: 2 }]);
  });

  it('of a fresh resume waits for a handler that comes within five seconds', async () => {
    const stage = new Stage({ sessionPresent: () => true });
    const client = await stage.connect({
      clientId: 'me',
      cleanStart: false,
      foreignSession: 'adopt',
    });
    const unmatched: Message[] = [];
    client.on('unmatched', (message) => unmatched.push(message));
    stage
      .server()
      .send(
        publish('a', '1', { qos: 1, packetIdentifier: 1 }),
        publish('b', '2', { qos: 1, packetIdentifier: 2 }),
      );
    await stage.advance(4_000);
    expect(stage.sent('puback')).toHaveLength(0);
    const got: Message[] = [];
    await client.subscribe('a', { qos: 1 }, (message) => got.push(message));
    await stage.settle();
    expect(texts(got)).toEqual(['1']);
    expect(stage.sent('puback')).toMatchObject([{ packetIdentifier: 1 }]);
    await stage.advance(1_001);
    expect(texts(unmatched)).toEqual(['2']);
    expect(stage.sent('puback').map((packet) => packet.packetIdentifier)).toEqual([1, 2]);
  });

  it('is acknowledged when its handler fails, and the failure is told', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const reported = errors(client);
    await client.subscribe('throws', { qos: 1 }, () => {
      throw new Error('no');
    });
    await client.subscribe('rejects', { qos: 2 }, () => Promise.reject(new Error('never')));
    stage
      .server()
      .send(
        publish('throws', '', { qos: 1, packetIdentifier: 1 }),
        publish('rejects', '', { qos: 2, packetIdentifier: 2 }),
      );
    await stage.settle();
    expect(reported).toHaveLength(2);
    expect(reported.map((error) => (error.cause as Error).message).sort()).toEqual(['never', 'no']);
    expect(stage.sent('puback')).toMatchObject([{ packetIdentifier: 1, reasonCode: 0 }]);
    expect(stage.sent('pubrec')).toMatchObject([{ packetIdentifier: 2, reasonCode: 0 }]);
  });

  it('has the failure of its handler told to whoever runs the program, when nobody listens', async () => {
    const stage = new Stage();
    const warned: MqttError[] = [];
    const environment = { ...stage.environment(), warn: (error: MqttError) => warned.push(error) };
    const client = await stage.connect({}, 'mqtt://localhost', environment);
    await client.subscribe('throws', () => {
      throw new Error('no');
    });
    stage.server().send(publish('throws', ''));
    await stage.settle();
    expect(warned).toMatchObject([
      { code: 'handlerFailed', message: expect.stringContaining('no') },
    ]);
    errors(client);
    stage.server().send(publish('throws', ''));
    await stage.settle();
    expect(warned).toHaveLength(1);
  });

  it('comes although the handler of the one before threw', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    errors(client);
    const got: string[] = [];
    const other: string[] = [];
    await client.subscribe('a', { qos: 1 }, (message) => {
      got.push(message.text());
      throw new Error('no');
    });
    await client.subscribe('#', { qos: 1 }, (message) => other.push(message.text()));
    stage.server().send(publish('a', '1'), publish('a', '2', { qos: 1 }), publish('a', '3'));
    await stage.settle();
    expect(got).toEqual(['1', '2', '3']);
    expect(client.connected).toBe(true);
  });

  it('comes although nobody listens to errors, and an error listener may throw', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: string[] = [];
    await client.subscribe('a', (message) => {
      got.push(message.text());
      throw new Error('nobody hears this');
    });
    stage.server().send(publish('a', '1'), publish('a', '2'));
    await stage.settle();
    expect(got).toEqual(['1', '2']);
    expect(client.connected).toBe(true);
  });

  it('waits in the network when its handler is slow, and pings go on', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 30, inbox: { maxMessages: 20 } });
    const done = gate();
    let handled = 0;
    await client.subscribe('a', async () => {
      handled += 1;
      await done.passed;
    });
    for (let index = 0; index < 1_000; index += 1) stage.server().send(publish('a', `${index}`));
    await stage.settle();
    expect(handled).toBe(1);
    // CONNACK, SUBACK and some messages of 9 to 11 bytes, not a thousand of them.
    expect(stage.link.current.bytesToClient).toBeLessThan(2_000);
    await stage.advance(120_000);
    expect(stage.sent('pingreq').length).toBeGreaterThanOrEqual(3);
    expect(client.connected).toBe(true);
    done.open();
    await stage.clock.advanceUntil(() => handled === 1_000, 10_000);
    expect(handled).toBe(1_000);
  });

  it('of QoS 1 and 2 in number no more than the Receive Maximum waits for a slow handler', async () => {
    const stage = new Stage();
    const client = await stage.connect({ receiveMaximum: 5 });
    expect(stage.sent('connect')[0]?.properties.receiveMaximum).toBe(5);
    const done = gate();
    await client.subscribe('a', { qos: 1 }, () => done.passed);
    for (let index = 1; index <= 5; index += 1) {
      stage.server().send(publish('a', `${index}`, { qos: 1, packetIdentifier: index }));
    }
    await stage.settle();
    expect(client.connected).toBe(true);
    stage.server().send(publish('a', '6', { qos: 1, packetIdentifier: 6 }));
    await stage.settle();
    // [MQTT-3.3.4-9]
    expect(stage.sent('disconnect')).toMatchObject([{ reasonCode: 0x93 }]);
    done.open();
  });

  it('is one of 50,000 in one chunk', async () => {
    const stage = new Stage();
    const client = await stage.connect({ inbox: { maxMessages: 100_000 } });
    let count = 0;
    let inOrder = true;
    await client.subscribe('a', (message) => {
      inOrder &&= message.text() === `${count}`;
      count += 1;
    });
    stage
      .server()
      .sendRaw(
        bytes(
          Array.from({ length: 50_000 }, (_, index) =>
            rawPublish('5.0', { topic: 'a', payload: utf8(`${index}`) }),
          ),
        ),
      );
    await stage.settle();
    expect([count, inOrder]).toEqual([50_000, true]);
  });

  it('may be cut anywhere', async () => {
    const whole = rawPublish('5.0', {
      topic: 'topic/name',
      flags: 2,
      id: 258,
      props: ['01 01 26 00 01 61 00 01 62'],
      payload: utf8('payload'),
    });
    for (let cut = 1; cut < whole.length; cut += 1) {
      const stage = new Stage();
      const client = await stage.connect();
      const got: Message[] = [];
      await client.subscribe('#', { qos: 1 }, (message) => got.push(message));
      stage.server().sendRaw(whole.subarray(0, cut));
      await stage.settle();
      expect(got).toEqual([]);
      stage.server().sendRaw(whole.subarray(cut));
      await stage.settle();
      expect(got).toMatchObject([
        { topic: 'topic/name', qos: 1, packetIdentifier: 258, userProperties: [['a', 'b']] },
      ]);
      expect(texts(got)).toEqual(['payload']);
      await client.close({ timeoutMs: 0 });
    }
  });

  it('comes in any chunking', async () => {
    for (const chunking of [
      'bytes',
      { size: 2 },
      { size: 3 },
      { size: 7 },
      { randomUpTo: 5 },
    ] as const) {
      const stage = new Stage({ link: { chunking } });
      const client = await stage.connect();
      const got: Message[] = [];
      await client.subscribe('a', { qos: 2 }, (message) => got.push(message));
      for (let index = 0; index < 20; index += 1) {
        stage
          .server()
          .send(publish('a', 'x'.repeat(index * 10), { qos: 1, packetIdentifier: index + 1 }));
      }
      await stage.settle();
      expect(got.map((message) => message.payload.length)).toEqual(
        Array.from({ length: 20 }, (_, index) => index * 10),
      );
    }
  });

  it('that comes before SUBACK goes to the handler', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.hold.add('subscribe');
    const got: Message[] = [];
    const subscribing = watch(client.subscribe('a', (message) => got.push(message)));
    await stage.settle();
    stage.server().send(publish('a', 'early', { retain: true }));
    await stage.settle();
    expect(texts(got)).toEqual(['early']);
    expect(subscribing.settled).toBe(false);
  });

  it('that several filters match goes where its Subscription Identifiers say', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: string[] = [];
    const seen: (readonly number[])[] = [];
    const note = (name: string) => (message: Message) => {
      got.push(`${name} ${message.text()}`);
      seen.push(message.subscriptionIdentifiers);
    };
    await client.subscribe('a/#', note('#'));
    await client.subscribe('a/+', note('+'));
    const [one = 0, two = 0] = stage
      .sent('subscribe')
      .map((packet) => packet.properties.subscriptionIdentifiers?.[0] ?? 0);
    expect(one).not.toBe(two);
    // One copy for each filter.
    stage
      .server()
      .send(
        publish('a/b', '1', { properties: { subscriptionIdentifiers: [one] } }),
        publish('a/b', '1', { properties: { subscriptionIdentifiers: [two] } }),
      );
    await stage.settle();
    expect(got.splice(0)).toEqual(['# 1', '+ 1']);
    expect(seen.splice(0)).toEqual([[one], [two]]);
    // One copy for all.
    stage
      .server()
      .send(publish('a/b', '2', { properties: { subscriptionIdentifiers: [two, one] } }));
    await stage.settle();
    expect(got.splice(0).sort()).toEqual(['# 2', '+ 2']);
    // A server that has no identifiers.
    const old = new Stage();
    const other = await old.connect({ version: '3.1.1' });
    await other.subscribe('a/#', note('#'));
    await other.subscribe('a/+', note('+'));
    old.server().send(publish('a/b', '3'));
    await old.settle();
    expect(got.sort()).toEqual(['# 3', '+ 3']);
  });

  it('is never answered with a reason code that its acknowledgement may not carry', async () => {
    const allowed = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
    const stage = new Stage();
    const client = await stage.connect();
    errors(client);
    const failures: unknown[] = [
      new Error('plain'),
      Object.assign(new Error('with a code'), { reasonCode: 0x9e }),
      Object.assign(new Error('with a success'), { reasonCode: 0x01 }),
      0x42,
      undefined,
    ];
    let next = 0;
    await client.subscribe('a', { qos: 2 }, () => {
      const failure = failures[Math.floor(next / 2)];
      next += 1;
      throw failure;
    });
    for (let index = 0; index < failures.length; index += 1) {
      stage
        .server()
        .send(
          publish('a', '', { qos: 1, packetIdentifier: 2 * index + 1 }),
          publish('a', '', { qos: 2, packetIdentifier: 2 * index + 2 }),
        );
    }
    await stage.settle();
    expect(next).toBe(2 * failures.length);
    const codes = [...stage.sent('puback'), ...stage.sent('pubrec')].map(
      ({ reasonCode }) => reasonCode,
    );
    expect(codes).toHaveLength(2 * failures.length);
    for (const code of codes) expect(allowed).toContain(code);
  });

  it('comes to an iterator, and one that ends early unsubscribes', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const subscription = await client.subscribe('a', { qos: 1 });
    stage
      .server()
      .send(
        publish('a', '1', { qos: 1, packetIdentifier: 1 }),
        publish('a', '2', { qos: 1, packetIdentifier: 2 }),
        publish('a', '3', { qos: 1, packetIdentifier: 3 }),
      );
    const got: string[] = [];
    const reading = watch(
      (async () => {
        for await (const message of subscription) {
          got.push(message.text());
          if (got.length === 2) break;
        }
      })(),
    );
    await stage.settle();
    expect(reading.resolved).toBe(true);
    expect(got).toEqual(['1', '2']);
    expect(stage.sent('unsubscribe')).toHaveLength(1);
  });

  it('of QoS 0 past the bound of an iterator is dropped and counted', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const subscription = await client.subscribe('a', { bufferSize: 3 });
    for (let index = 0; index < 10; index += 1) stage.server().send(publish('a', `${index}`));
    await stage.settle();
    expect(subscription.dropped).toBe(7);
    const got: string[] = [];
    for await (const message of subscription) {
      got.push(message.text());
      if (got.length === 3) break;
    }
    expect(got).toEqual(['7', '8', '9']);
  });
});
