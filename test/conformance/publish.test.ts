import { getEventListeners } from 'node:events';
import { puback, pubcomp, pubrec } from '@mqtt-kit/testkit';
import { connect, type PublishOptions, type SessionStore } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import { bytes, u16 } from './support/bytes.ts';
import { RawServer } from './support/raw-server.ts';
import { rejection, Stage, textOf, utf8, type Watched, watch } from './support/stage.ts';

describe('publish', () => {
  it('takes text, bytes of every kind, JSON and nothing, and topics that are not ASCII', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const backing = Uint8Array.of(9, 1, 2, 3, 9);
    const payloads = [
      'grüße 😀',
      '',
      Uint8Array.of(0, 255),
      new Uint8Array(0),
      Buffer.from('buffer'),
      backing.subarray(1, 4),
      backing.buffer.slice(1, 4),
      new DataView(backing.buffer, 1, 3),
      { on: true },
      [1, 'two'],
    ];
    for (const payload of payloads) await client.publish('straße/Ω', payload, { qos: 1 });
    expect(stage.sent('publish').map(({ topic, payload }) => [topic, [...payload]])).toEqual(
      [
        utf8('grüße 😀'),
        [],
        [0, 255],
        [],
        utf8('buffer'),
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
        utf8('{"on":true}'),
        utf8('[1,"two"]'),
      ].map((bytes) => ['straße/Ω', [...bytes]]),
    );
  });

  it.each([
    '',
    '+',
    '#',
    'a/+',
    'a/#',
    'a+b',
    'a#',
    'nul\0',
    'x'.repeat(65_536),
    '\udfff',
    'é'.repeat(32_768),
  ])(
    '[MQTT-3.3.2-2] [MQTT-4.7.3-1] refuses the topic %j before anything is sent',
    async (topic) => {
      const stage = new Stage();
      const client = await stage.connect();
      for (const qos of [0, 1, 2] as const) {
        expect(await rejection(client.publish(topic, 'x', { qos }))).toMatchObject({
          code: 'invalidArgument',
        });
      }
      await stage.settle();
      expect(stage.server().received).toHaveLength(1);
      expect(client.connected).toBe(true);
    },
  );

  it('takes the longest topic there is', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.publish('é'.repeat(32_767), 'x', { qos: 1 });
    expect(stage.sent('publish')[0]?.topic).toHaveLength(32_767);
  });

  it('refuses what is no payload, no QoS, no property', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const wrong: [unknown, unknown][] = [
      [undefined, {}],
      [null, {}],
      [42, {}],
      [10n, {}],
      [() => {}, {}],
      ['\ud800', {}],
      ['x', { qos: 3 }],
      ['x', { qos: -1 }],
      ['x', { qos: '1' }],
      ['x', { retain: 'yes' }],
      ['x', { messageExpirySeconds: -1 }],
      ['x', { messageExpirySeconds: 2 ** 32 }],
      ['x', { payloadFormatIndicator: 2 }],
      ['x', { responseTopic: 'a/+' }],
      ['x', { responseTopic: '' }],
      ['x', { contentType: '\0' }],
      ['x', { userProperties: [['k', 1]] }],
      ['x', { userProperties: [['k']] }],
      ['x', { correlationData: 'text' }],
      ['x', { correlationData: new Uint8Array(65_536) }],
      ['x', { contentType: 'x'.repeat(65_536) }],
    ];
    for (const [payload, options] of wrong) {
      const error = await rejection(
        client.publish('t', payload as string, options as PublishOptions),
      );
      expect([error.code, payload, options]).toEqual(['invalidArgument', payload, options]);
    }
    await stage.settle();
    expect(stage.server().received).toHaveLength(1);
    await client.publish('t', 'x', { qos: 1 });
  });

  it('settles at QoS 0 when it was written, at QoS 1 with PUBACK, at QoS 2 with PUBCOMP', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    for (const type of ['publish', 'pubrel'] as const) stage.hold.add(type);
    const none = watch(client.publish('t', '0'));
    const once = watch(client.publish('t', '1', { qos: 1 }));
    const exactly = watch(client.publish('t', '2', { qos: 2 }));
    expect([none.settled, once.settled, exactly.settled]).toEqual([false, false, false]);
    await stage.settle();
    expect([none.settled, once.settled, exactly.settled]).toEqual([true, false, false]);
    expect(none.value?.reasonCode).toBeUndefined();
    const [, first, second] = stage.sent('publish').map((packet) => packet.packetIdentifier ?? 0);
    stage.server().send(puback(first!), pubrec(second!));
    await stage.settle();
    expect([once.resolved, exactly.settled]).toEqual([true, false]);
    expect(stage.sent('pubrel')).toMatchObject([{ packetIdentifier: second, reasonCode: 0 }]);
    stage.server().send(pubcomp(second!));
    await stage.settle();
    expect(exactly.value).toMatchObject({ reasonCode: 0, attempts: 1 });
  });

  it('resolves with success and "no matching subscribers", rejects with every other code', async () => {
    for (const qos of [1, 2] as const) {
      const stage = new Stage();
      const client = await stage.connect();
      stage.hold.add('publish');
      for (const reasonCode of [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
        const published = watch(client.publish('t', 'x', { qos }));
        await stage.settle();
        const { packetIdentifier = 0 } = stage.sent('publish').at(-1)!;
        const answer = qos === 1 ? puback : pubrec;
        stage.server().send(answer(packetIdentifier, reasonCode, { reasonString: 'why' }));
        await stage.settle();
        expect(published.settled).toBe(true);
        if (reasonCode < 0x80) {
          expect(published.resolved).toBe(true);
          if (qos === 1) expect(published.value?.reasonCode).toBe(reasonCode);
        } else {
          expect(published.error).toMatchObject({
            code: 'publishRefused',
            reasonCode,
            reasonString: 'why',
          });
        }
      }
      expect(client.connected).toBe(true);
    }
  });

  it('[MQTT-4.3.3-4] sends no PUBREL after a PUBREC that refuses, and the exchange is over', async () => {
    const stage = new Stage({ connack: () => ({ receiveMaximum: 1 }) });
    const client = await stage.connect();
    stage.hold.add('publish');
    const refused = watch(client.publish('t', '1', { qos: 2 }));
    const next = watch(client.publish('t', '2', { qos: 2 }));
    await stage.settle();
    expect(stage.sent('publish')).toHaveLength(1);
    stage.hold.delete('publish');
    stage.server().send(pubrec(stage.sent('publish')[0]?.packetIdentifier ?? 0, 0x97));
    await stage.settle();
    expect(refused.code).toBe('publishRefused');
    // The send quota has been given back.
    expect(next.resolved).toBe(true);
    expect(stage.sent('pubrel')).toHaveLength(1);
    expect(stage.sent('pubrel')[0]?.packetIdentifier).toBe(
      stage.sent('publish')[1]?.packetIdentifier,
    );
  });

  it('puts retain and all properties on the wire', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.publish('t', 'x', {
      qos: 1,
      retain: true,
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
    const { properties, ...packet } = stage.sent('publish')[0]!;
    const { topicAlias: _assigned, ...own } = properties;
    expect(packet).toMatchObject({ topic: 't', qos: 1, retain: true, dup: false });
    expect(own).toEqual({
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
    });
  });

  it('refuses 5.0 properties under 3.1.1 before anything is sent', async () => {
    const stage = new Stage();
    const client = await stage.connect({ version: '3.1.1' });
    const published = watch(client.publish('t', 'x', { contentType: 'text/plain' }));
    await stage.settle();
    if (!published.resolved) expect(published.code).toMatch(/invalidArgument|serverLimit/);
    expect(client.connected).toBe(true);
  });

  it('[MQTT-4.6.0-1] keeps the order of each QoS under load, in the queue and over a reconnection', async () => {
    const stage = new Stage({
      sessionPresent: (number) => number > 1,
      connack: () => ({ receiveMaximum: 10 }),
    });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const all: Watched<unknown>[] = [];
    const put = (from: number, to: number): void => {
      for (let index = from; index < to; index += 1) {
        const qos = (index % 3) as 0 | 1 | 2;
        all.push(watch(client.publish('t', `${index}`, { qos })));
      }
    };
    stage.hold.add('publish');
    put(0, 300);
    await stage.settle();
    stage.link.current.cut();
    await stage.settle();
    put(300, 600);
    stage.hold.delete('publish');
    await stage.clock.advanceUntil(() => client.connected);
    put(600, 900);
    await stage.settle();
    const indices = (qos: number): number[] =>
      stage
        .sentAtAll('publish')
        .filter((packet) => packet.qos === qos && !packet.dup)
        .map((packet) => Number(textOf(packet.payload)));
    for (const qos of [0, 1, 2]) {
      const seen = indices(qos);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      // QoS 0 may be lost with its connection, but no message of the others is.
      if (qos > 0) expect(seen).toHaveLength(300);
      expect(new Set(seen).size).toBe(seen.length);
    }
    expect(all.every((watched) => watched.settled)).toBe(true);
    const kept = all.filter((_, index) => index % 3 > 0);
    expect(kept.every((watched) => watched.resolved)).toBe(true);
  });

  it('[MQTT-4.6.0-1] lets no new message overtake stored ones', async () => {
    const stage = new Stage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    stage.hold.add('publish');
    watch(client.publish('t', 'in flight 1', { qos: 1 }));
    watch(client.publish('t', 'in flight 2', { qos: 2 }));
    await stage.settle();
    stage.link.current.cut();
    await stage.settle();
    watch(client.publish('t', 'queued 1', { qos: 1 }));
    watch(client.publish('t', 'queued 2', { qos: 2 }));
    client.on('status', ({ state }) => {
      if (state === 'connected') watch(client.publish('t', 'new', { qos: 1 }));
    });
    await stage.clock.advanceUntil(() => stage.broker.connections.length === 2);
    await stage.settle();
    expect(stage.sent('publish', 2).map((packet) => [textOf(packet.payload), packet.dup])).toEqual([
      ['in flight 1', true],
      ['in flight 2', true],
      ['queued 1', false],
      ['queued 2', false],
      ['new', false],
    ]);
  });

  it('is not blocked by one stored message that is never acknowledged', async () => {
    const stage = new Stage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    stage.hold.add('publish');
    const stuck = watch(client.publish('t', 'stuck', { qos: 1 }));
    await stage.settle();
    await stage.breakConnection();
    expect(stage.sent('publish', 2)).toHaveLength(1);
    stage.hold.delete('publish');
    for (let index = 0; index < 5; index += 1) {
      const published = watch(client.publish('t', `${index}`, { qos: 1 }));
      await stage.settle();
      expect(published.resolved).toBe(true);
    }
    expect(stuck.settled).toBe(false);
  });

  it('[MQTT-4.4.0-1] sends an unacknowledged QoS 1 message again with DUP and the same identifier', async () => {
    for (const version of ['5.0', '3.1.1'] as const) {
      const stage = new Stage({ sessionPresent: (number) => number > 1 });
      const client = await stage.connect({ version, clientId: 'me', cleanStart: false });
      stage.hold.add('publish');
      const published = watch(
        client.publish('t', 'x', {
          qos: 1,
          retain: true,
          ...(version === '5.0' && { userProperties: [['k', 'v']] as const }),
        }),
      );
      await stage.settle();
      stage.hold.delete('publish');
      await stage.breakConnection();
      const [first] = stage.sent('publish');
      const [second] = stage.sent('publish', 2);
      expect(first?.dup).toBe(false);
      expect(second).toMatchObject({
        topic: 't',
        dup: true,
        qos: 1,
        retain: true,
        packetIdentifier: first?.packetIdentifier,
      });
      expect(second?.properties.userProperties).toEqual(first?.properties.userProperties);
      expect(published.value).toMatchObject({ attempts: 2 });
    }
  });

  it('[MQTT-4.4.0-1] sends nothing again while its connection stands', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.hold.add('publish');
    watch(client.publish('t', 'x', { qos: 1 }));
    watch(client.publish('t', 'x', { qos: 2 }));
    await stage.advance(86_400_000);
    expect(stage.sent('publish')).toHaveLength(2);
    expect(stage.link.attempts).toBe(1);
  });

  it('[MQTT-4.3.3-6] sends PUBLISH again before PUBREC, and PUBREL alone after it', async () => {
    for (const version of ['5.0', '3.1.1'] as const) {
      const stage = new Stage({ sessionPresent: (number) => number > 1 });
      const client = await stage.connect({ version, clientId: 'me', cleanStart: false });
      for (const type of ['publish', 'pubrel'] as const) stage.hold.add(type);
      const before = watch(client.publish('t', 'before', { qos: 2 }));
      const after = watch(client.publish('t', 'after', { qos: 2 }));
      await stage.settle();
      const [one, two] = stage.sent('publish').map((packet) => packet.packetIdentifier ?? 0);
      stage.server().send(pubrec(two!));
      await stage.settle();
      expect(stage.sent('pubrel')).toHaveLength(1);
      stage.hold.clear();
      await stage.breakConnection();
      expect(stage.sent('publish', 2)).toMatchObject([{ packetIdentifier: one, dup: true }]);
      expect(
        stage
          .sent('pubrel', 2)
          .map((packet) => packet.packetIdentifier)
          .sort(),
      ).toEqual([one!, two!].sort());
      expect([before.resolved, after.resolved]).toEqual([true, true]);
    }
  });

  it('[MQTT-3.2.2-5] sends no PUBREL to a server without the session: the message is new, or taken as delivered', async () => {
    const stage = new Stage();
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const lost: unknown[] = [];
    client.on('sessionLost', (what) => lost.push(what));
    for (const type of ['publish', 'pubrel'] as const) stage.hold.add(type);
    const once = watch(client.publish('t', 'once', { qos: 1 }));
    const sent = watch(client.publish('t', 'sent', { qos: 2 }));
    const released = watch(client.publish('t', 'released', { qos: 2 }));
    await stage.settle();
    stage.server().send(pubrec(stage.sent('publish')[2]?.packetIdentifier ?? 0));
    await stage.settle();
    stage.hold.clear();
    await stage.breakConnection();
    expect(stage.sent('publish', 2).map((packet) => [textOf(packet.payload), packet.dup])).toEqual([
      ['once', false],
      ['sent', false],
    ]);
    // The only PUBREL is that of the new exchange.
    expect(stage.sent('pubrel', 2).map((packet) => packet.packetIdentifier)).toEqual([
      stage.sent('publish', 2)[1]?.packetIdentifier,
    ]);
    expect([once.resolved, sent.resolved, released.settled]).toEqual([true, true, true]);
    expect(lost).toEqual([{ resent: 2, assumedDelivered: 1, rejected: 0, resubscribed: 0 }]);
  });

  it('withdraws an aborted message before the wire, and completes its exchange after it', async () => {
    const stage = new Stage({
      sessionPresent: (number) => number > 1,
      connack: () => ({ receiveMaximum: 1 }),
    });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    stage.hold.add('publish');
    const controllers = [new AbortController(), new AbortController()];
    const sent = watch(client.publish('t', 'sent', { qos: 1, signal: controllers[0]!.signal }));
    const unsent = watch(client.publish('t', 'unsent', { qos: 1, signal: controllers[1]!.signal }));
    await stage.settle();
    for (const controller of controllers) controller.abort();
    await stage.settle();
    expect([sent.code, unsent.code]).toEqual(['outcomeUnknown', 'aborted']);
    stage.hold.delete('publish');
    await stage.breakConnection();
    // [MQTT-4.4.0-1]: what was sent is sent again, and its identifier is free only then.
    expect(stage.sent('publish', 2).map((packet) => [textOf(packet.payload), packet.dup])).toEqual([
      ['sent', true],
    ]);
    const next = watch(client.publish('t', 'next', { qos: 1 }));
    await stage.settle();
    expect(next.resolved).toBe(true);
    expect(stage.sentAtAll('publish').map((packet) => textOf(packet.payload))).not.toContain(
      'unsent',
    );
  });

  it('settles by its own time limit and signal, with a connection and without', async () => {
    const stage = new Stage({
      link: { connect: (attempt) => ({ outcome: attempt === 1 ? 'accept' : 'refuse' }) },
    });
    const client = await stage.connect();
    stage.hold.add('publish');
    expect(
      await rejection(client.publish('t', 'x', { signal: AbortSignal.abort() })),
    ).toMatchObject({ code: 'aborted' });
    const sent = watch(client.publish('t', 'x', { qos: 1, timeoutMs: 1_000 }));
    await stage.advance(999);
    expect(sent.settled).toBe(false);
    await stage.advance(1);
    // It went out and nothing came back: nobody can know.
    expect(sent.code).toBe('outcomeUnknown');
    stage.link.current.cut();
    await stage.settle();
    const controller = new AbortController();
    const late = watch(client.publish('t', 'late', { qos: 1, timeoutMs: 1_000 }));
    const none = watch(client.publish('t', 'none', { qos: 0, timeoutMs: 1_000 }));
    const aborted = watch(client.publish('t', 'aborted', { qos: 2, signal: controller.signal }));
    controller.abort();
    await stage.advance(1_000);
    expect([late.code, none.code, aborted.code]).toEqual(['timeout', 'timeout', 'aborted']);
    expect(client.queued.messages).toBe(0);
  });

  it('[MQTT-3.3.4-7] never has more unacknowledged than the Receive Maximum of the server', async () => {
    const maximum = [3, 2];
    const stage = new Stage({
      sessionPresent: (number) => number > 1,
      connack: (number) => ({ receiveMaximum: maximum[number - 1] ?? 1 }),
    });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    for (const type of ['publish', 'pubrel'] as const) stage.hold.add(type);
    const all = Array.from({ length: 6 }, (_, index) =>
      watch(client.publish('t', `${index}`, { qos: index % 2 === 0 ? 1 : 2 })),
    );
    const unbound = watch(client.publish('t', 'unbound'));
    await stage.settle();
    // [MQTT-3.3.4-8]: QoS 0 does not wait.
    expect(unbound.resolved).toBe(true);
    const sent = (number: number): string[] =>
      stage
        .sent('publish', number)
        .filter((packet) => packet.qos > 0)
        .map((packet) => textOf(packet.payload));
    expect(sent(1)).toEqual(['0', '1', '2']);
    const [, second, third] = stage.sent('publish').filter((packet) => packet.qos > 0);
    // PUBREC below 0x80 gives nothing back, PUBACK and PUBCOMP do.
    stage.server().send(pubrec(second?.packetIdentifier ?? 0));
    await stage.settle();
    expect(sent(1)).toHaveLength(3);
    stage.server().send(puback(third?.packetIdentifier ?? 0));
    await stage.settle();
    expect(sent(1)).toEqual(['0', '1', '2', '3']);
    stage.server().send(pubcomp(second?.packetIdentifier ?? 0));
    await stage.settle();
    expect(sent(1)).toEqual(['0', '1', '2', '3', '4']);
    // The next connection allows less: what is sent again counts too.
    await stage.breakConnection();
    expect(sent(2)).toEqual(['0', '3']);
    stage.hold.clear();
    for (const packet of stage.sent('publish', 2)) {
      const identifier = packet.packetIdentifier ?? 0;
      stage.server(2).send(packet.qos === 1 ? puback(identifier) : pubrec(identifier));
    }
    await stage.settle();
    expect(all.every((watched) => watched.resolved)).toBe(true);
  });

  it('[MQTT-3.2.2-15] never sends a packet above the Maximum Packet Size of the server', async () => {
    const stage = new Stage({ connack: () => ({ maximumPacketSize: 100 }) });
    const client = await stage.connect();
    for (const qos of [0, 1, 2] as const) {
      expect(await rejection(client.publish('t', new Uint8Array(100), { qos }))).toMatchObject({
        code: 'serverLimit',
      });
    }
    expect(
      await rejection(client.publish('t', 'x', { userProperties: [['k', 'v'.repeat(100)]] })),
    ).toMatchObject({ code: 'serverLimit' });
    expect(client.connected).toBe(true);
    await client.publish('t', new Uint8Array(80), { qos: 1 });
    // Also what was queued before the limit was known.
    await stage.breakConnection();
    stage.link.connect = (attempt) => ({ outcome: attempt < 4 ? 'refuse' : 'accept' });
    stage.link.current.cut();
    await stage.settle();
    const large = watch(client.publish('t', new Uint8Array(200), { qos: 1 }));
    const small = watch(client.publish('t', 'small', { qos: 1 }));
    await stage.clock.advanceUntil(() => small.settled);
    expect([large.code, small.resolved]).toEqual(['serverLimit', true]);
    for (const connection of stage.broker.connections) {
      for (const packet of connection.received.slice(1)) {
        expect(connection.encode(packet).length).toBeLessThanOrEqual(100);
      }
    }
  });

  it('[MQTT-3.2.2-11] [MQTT-3.2.2-14] keeps to the Maximum QoS and Retain Available of the server', async () => {
    const stage = new Stage({ connack: () => ({ maximumQos: 1, retainAvailable: 0 }) });
    const client = await stage.connect();
    expect(await rejection(client.publish('t', 'x', { qos: 2 }))).toMatchObject({
      code: 'serverLimit',
    });
    expect(await rejection(client.publish('t', 'x', { retain: true }))).toMatchObject({
      code: 'serverLimit',
    });
    await client.publish('t', 'x', { qos: 1 });
    expect(stage.sent('publish')).toHaveLength(1);
    expect(client.connected).toBe(true);
  });

  it('keeps to limits that the next connection brings, for messages queued before', async () => {
    const stage = new Stage({ connack: (number) => (number === 1 ? {} : { maximumQos: 0 }) });
    const client = await stage.connect();
    stage.link.current.cut();
    await stage.settle();
    const once = watch(client.publish('t', 'once', { qos: 1 }));
    const none = watch(client.publish('t', 'none'));
    await stage.clock.advanceUntil(() => client.connected);
    await stage.settle();
    expect(once.code).toBe('serverLimit');
    expect(none.resolved).toBe(true);
    expect(client.connected).toBe(true);
  });

  it('[MQTT-2.2.1-3] uses every identifier once, never 0, and holds the rest back at 65,535', async () => {
    const stage = new Stage();
    const client = await stage.connect({ queue: { maxMessages: 100_000, inFlight: 65_535 } });
    stage.hold.add('publish');
    const all = Array.from({ length: 65_540 }, () => watch(client.publish('t', '', { qos: 1 })));
    await stage.settle();
    const identifiers = stage.sent('publish').map((packet) => packet.packetIdentifier ?? 0);
    expect(identifiers).toHaveLength(65_535);
    expect(new Set(identifiers).size).toBe(65_535);
    expect(Math.min(...identifiers.slice(0, 1_000))).toBeGreaterThan(0);
    expect(identifiers.includes(0)).toBe(false);
    expect(all.filter((watched) => watched.settled)).toHaveLength(0);
    stage.server().send(puback(identifiers[77]!));
    await stage.settle();
    expect(stage.sent('publish').at(-1)?.packetIdentifier).toBe(identifiers[77]);
    stage.hold.delete('publish');
    const acknowledgements = identifiers.map((identifier) => [0x40, 2, u16(identifier)]);
    stage.server().sendRaw(bytes(acknowledgements));
    await stage.settle();
    expect(all.every((watched) => watched.resolved)).toBe(true);
  });

  it('rejects when the store cannot keep the message', async () => {
    const stage = new Stage();
    const failing: SessionStore = {
      durable: true,
      load: () => [],
      commit: (operations) => {
        if (operations.some(({ type }) => type === 'out')) throw new Error('no space left');
      },
      clear: () => {},
      close: () => {},
    };
    const client = await stage.connect({ clientId: 'me', cleanStart: false, store: failing });
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    await stage.settle();
    expect(published.code).toBe('storeFailed');
    // Nothing is sent that is not stored.
    expect(stage.sentAtAll('publish')).toHaveLength(0);
  });

  it('adds no listeners for a burst of 50,000 messages at QoS 0', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on('warning', note);
    const server = new RawServer('5.0');
    await server.listen();
    const client = await connect(server.url, {
      version: '5.0',
      queue: { maxMessages: 100_000 },
      topicAliases: false,
    });
    try {
      const { signal } = new AbortController();
      const most = { listeners: 0 };
      const all: Promise<unknown>[] = [];
      for (let index = 0; index < 50_000; index += 1) {
        all.push(client.publish('t', `${index}`));
        if (index % 1_000 === 0) all.push(client.publish('t', 'x', { signal }));
      }
      most.listeners = getEventListeners(signal, 'abort').length;
      await Promise.all(all);
      const connection = server.connections[0]!;
      await connection.until('50,050 messages', () => connection.packets.length >= 50_051);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      expect(most.listeners).toBeLessThanOrEqual(50);
    } finally {
      await client.close();
      await server.close();
      process.off('warning', note);
    }
    expect(warnings).toEqual([]);
  });
});

describe('the queue', () => {
  it('keeps QoS 0 without a connection, or refuses it, or keeps the newest of each topic', async () => {
    const offline = async (queue: Parameters<Stage['connect']>[0]) => {
      const stage = new Stage({
        link: { connect: (attempt) => ({ outcome: attempt === 2 ? 'refuse' : 'accept' }) },
      });
      const client = await stage.connect(queue);
      stage.link.current.cut();
      await stage.settle();
      return { stage, client };
    };
    const kept = await offline({});
    const result = watch(kept.client.publish('t', 'kept'));
    await kept.stage.settle();
    expect(result.settled).toBe(false);
    await kept.stage.clock.advanceUntil(() => result.settled);
    await kept.stage.settle();
    expect(result.resolved).toBe(true);
    expect(kept.stage.sent('publish', 2)).toHaveLength(1);

    const refused = await offline({ queue: { queueQos0: false } });
    expect(await rejection(refused.client.publish('t', 'refused'))).toMatchObject({
      code: 'connectionLost',
    });

    const newest = await offline({ queue: { maxMessages: 2, overflow: 'latestPerTopic' } });
    const results = ['a 1', 'b 1', 'a 2', 'a 3'].map((text) =>
      watch(newest.client.publish(text.slice(0, 1), text)),
    );
    await newest.stage.clock.advanceUntil(() => results.every((watched) => watched.settled));
    await newest.stage.settle();
    const sent = newest.stage.sent('publish', 2).map((packet) => textOf(packet.payload));
    expect(sent.sort()).toEqual(['a 3', 'b 1']);
    expect(results.map((watched) => watched.code)).toEqual([
      'queueFull',
      undefined,
      'queueFull',
      undefined,
    ]);
  });

  it('drains 100,000 messages without a deep stack', async () => {
    const stage = new Stage({
      link: { connect: (attempt) => ({ outcome: attempt === 2 ? 'refuse' : 'accept' }) },
    });
    const client = await stage.connect({ queue: { maxMessages: 200_000 }, topicAliases: false });
    stage.link.current.cut();
    await stage.settle();
    let settled = 0;
    let failed = 0;
    for (let index = 0; index < 100_000; index += 1) {
      client.publish('t', `${index}`, { qos: index % 2 === 0 ? 0 : 1 }).then(
        () => {
          settled += 1;
        },
        () => {
          failed += 1;
        },
      );
    }
    expect(client.queued.messages).toBe(100_000);
    await stage.clock.advanceUntil(() => settled + failed === 100_000);
    await stage.settle();
    expect(failed).toBe(0);
    const sent = stage.sent('publish', 2).map((packet) => Number(textOf(packet.payload)));
    for (const parity of [0, 1]) {
      const one = sent.filter((index) => index % 2 === parity);
      expect(one).toEqual(Array.from({ length: 50_000 }, (_, index) => 2 * index + parity));
    }
    expect(client.queued).toEqual({ messages: 0, bytes: 0 });
  }, 60_000);

  it('is bounded by number, bytes and age, with the policy that was chosen', async () => {
    const offline = async (queue: NonNullable<Parameters<Stage['connect']>[0]>['queue']) => {
      const stage = new Stage({ link: { connect: { outcome: 'refuse' } } });
      const client = await stage.connect({ waitForConnection: false, ...(queue && { queue }) });
      const put = (text: string): Watched<unknown> => watch(client.publish('t', text, { qos: 1 }));
      return { stage, client, put };
    };
    const number = await offline({ maxMessages: 2 });
    const three = ['1', '2', '3'].map(number.put);
    await number.stage.settle();
    expect(three.map((watched) => watched.code)).toEqual([undefined, undefined, 'queueFull']);
    expect(number.client.queued.messages).toBe(2);

    const bytes = await offline({ maxBytes: 1_000 });
    const fits = bytes.put('x'.repeat(600));
    const over = bytes.put('x'.repeat(600));
    const small = bytes.put('x');
    await bytes.stage.settle();
    expect([fits.settled, over.code, small.settled]).toEqual([false, 'queueFull', false]);

    const oldest = await offline({ maxMessages: 2, overflow: 'dropOldest' });
    const dropped = ['1', '2', '3'].map(oldest.put);
    await oldest.stage.settle();
    expect(dropped.map((watched) => watched.code)).toEqual(['queueFull', undefined, undefined]);
    oldest.stage.link.connect = { outcome: 'accept' };
    await oldest.stage.clock.advanceUntil(() => dropped.every((watched) => watched.settled));
    expect(oldest.stage.sent('publish').map((packet) => textOf(packet.payload))).toEqual([
      '2',
      '3',
    ]);

    const waiting = await offline({ maxMessages: 2, overflow: 'wait' });
    const patient = ['1', '2', '3', '4', '5'].map(waiting.put);
    await waiting.stage.settle();
    expect(patient.map((watched) => watched.settled)).toEqual(Array(5).fill(false));
    expect(waiting.client.queued.messages).toBeLessThanOrEqual(2);
    waiting.stage.link.connect = { outcome: 'accept' };
    await waiting.stage.clock.advanceUntil(() => patient.every((watched) => watched.settled));
    expect(patient.every((watched) => watched.resolved)).toBe(true);
    expect(waiting.stage.sent('publish').map((packet) => textOf(packet.payload))).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
    ]);

    const age = await offline({ maxAgeMs: 60_000 });
    const old = age.put('old');
    await age.stage.advance(30_000);
    const young = age.put('young');
    await age.stage.advance(30_001);
    expect([old.code, young.settled]).toEqual(['expired', false]);
  });

  it('lowers the message expiry by the time in it, and drops and reports what expired', async () => {
    const stage = new Stage();
    stage.link.connect = (attempt) => ({ outcome: attempt === 1 ? 'accept' : 'refuse' });
    const client = await stage.connect();
    stage.link.current.cut();
    await stage.settle();
    const short = watch(client.publish('t', 'short', { qos: 1, messageExpirySeconds: 10 }));
    const long = watch(client.publish('t', 'long', { qos: 1, messageExpirySeconds: 100 }));
    const never = watch(client.publish('t', 'never', { qos: 1 }));
    await stage.advance(11_000);
    expect([short.code, long.settled, never.settled]).toEqual(['expired', false, false]);
    stage.link.connect = { outcome: 'accept' };
    await stage.clock.advanceUntil(() => long.settled && never.settled, 60_000);
    const waitedSeconds = (stage.clock.now().monotonicMs - 1_000) / 1_000;
    const sent = stage.sent('publish', 2);
    expect(sent.map((packet) => textOf(packet.payload))).toEqual(['long', 'never']);
    const left = sent[0]?.properties.messageExpiryInterval ?? 0;
    expect(Math.abs(100 - waitedSeconds - left)).toBeLessThanOrEqual(1);
    expect(sent[1]?.properties.messageExpiryInterval).toBeUndefined();
  });

  it('[MQTT-4.3.3-7] applies no expiry to what was sent', async () => {
    const stage = new Stage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    stage.hold.add('publish');
    const published = watch(client.publish('t', 'x', { qos: 2, messageExpirySeconds: 5 }));
    await stage.advance(10_000);
    expect(published.settled).toBe(false);
    stage.hold.delete('publish');
    await stage.breakConnection();
    await stage.settle();
    expect(stage.sent('publish', 2)).toMatchObject([{ dup: true }]);
    expect(published.resolved).toBe(true);
  });

  it('tells when a message is stored', async () => {
    const stage = new Stage({ link: { connect: { outcome: 'refuse' } } });
    const client = await stage.connect({ waitForConnection: false });
    const publishing = client.publish('t', 'x', { qos: 1 });
    const published = watch(publishing);
    const stored = watch(publishing.stored);
    await stage.settle();
    expect([stored.resolved, published.settled]).toEqual([true, false]);
  });
});
