import { connect as connectSocket } from 'node:net';
import { type Packet, PacketDecoder, PacketEncoder, ReasonCode } from '@mqtt-kit/packet';
import { afterEach, describe, expect, it } from 'vitest';
import {
  bytesOf,
  connack,
  connectPacket,
  disconnect,
  pingreq,
  publish,
  pubrec,
  pubrel,
  subscribe,
  subscription,
  unsubscribe,
} from './packet-builders.ts';
import { ScriptedBroker, type ScriptedBrokerOptions } from './scripted-broker.ts';
import { listenTcp } from './scripted-broker-tcp.ts';
import { concatenate, fromHex } from './scripted-connection.ts';
import { VirtualClock } from './virtual-clock.ts';
import { VirtualLink } from './virtual-link.ts';

/** A client that writes what a test tells it to and reads with a decoder of its own. */
interface RawClient {
  readonly received: Packet[];
  readonly receivedBytes: Uint8Array;
  readonly closed: Promise<void>;
  write(bytes: Uint8Array): void;
  end(): void;
}

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

class Reader {
  readonly received: Packet[] = [];
  readonly chunks: Uint8Array[] = [];
  readonly #decoder = new PacketDecoder({
    version: '5.0',
    receiver: 'client',
    maximumPacketSize: 268_435_460,
  });
  read(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.#decoder.push(chunk);
    try {
      for (let packet = this.#decoder.next(); packet; packet = this.#decoder.next()) {
        this.received.push(packet);
      }
    } catch {
      // Bytes that are no packet of 5.0 are compared as bytes.
    }
  }
}

async function overLink(broker: ScriptedBroker): Promise<RawClient> {
  const link = new VirtualLink({ clock: new VirtualClock() });
  link.listen(broker.attach);
  const reader = new Reader();
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const target = {
    scheme: 'mqtt',
    hostname: 'virtual',
    port: 1883,
    path: '',
    tls: undefined,
    webSocket: undefined,
    maximumPacketSize: 1_000,
  };
  const transport = await link.open(
    target,
    { onData: (chunk) => reader.read(chunk), onDrain: () => {}, onClosed: () => close() },
    new AbortController().signal,
  );
  return {
    received: reader.received,
    get receivedBytes() {
      return concatenate(reader.chunks);
    },
    closed,
    write: (bytes) => void transport.write([bytes]),
    end: () => transport.close(),
  };
}

async function overTcp(broker: ScriptedBroker): Promise<RawClient> {
  const listener = await listenTcp(broker);
  cleanUps.push(() => listener.close());
  const reader = new Reader();
  const socket = connectSocket(listener.port, '127.0.0.1');
  socket.on('data', (chunk) => reader.read(chunk));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise((resolve) => socket.once('connect', resolve));
  return {
    received: reader.received,
    get receivedBytes() {
      return concatenate(reader.chunks);
    },
    closed,
    write: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
  };
}

function encode(...packets: Packet[]): Uint8Array {
  const encoder = new PacketEncoder('5.0');
  for (const packet of packets) encoder.encode(packet);
  return concatenate(encoder.take());
}

describe.each([
  ['over the virtual link', overLink],
  ['over TCP', overTcp],
])('ScriptedBroker %s', (_name, openClient) => {
  const setUp = async (options: ScriptedBrokerOptions = {}) => {
    const broker = new ScriptedBroker(options);
    const client = await openClient(broker);
    const connection = await broker.accept();
    return { broker, client, connection };
  };

  it('plays a script to its end', async () => {
    const { client, connection } = await setUp();
    client.write(encode(connectPacket({ clientId: 'kitchen' })));
    const connect = await connection.expect('connect', { clientId: 'kitchen' });
    expect(connect.version).toBe('5.0');
    connection.send(connack({ sessionPresent: true }), publish('a', 'b', { qos: 2 }));
    client.write(encode(pubrec(1), disconnect()));
    await connection.expect('pubrec', { packetIdentifier: 1 });
    await connection.expect('disconnect', { reasonCode: 0 });
    client.end();
    await expect(connection.expectClosed()).resolves.toBe('ended');
    expect(connection.isClosed).toBe(true);
    expect(client.received).toMatchObject([{ sessionPresent: true }, { topic: 'a', qos: 2 }]);
    expect(connection.received.length).toBe(3);
    expect(connection.sent.length).toBe(2);
  });

  it('says what was expected, what came, and all that came before', async () => {
    const { client, connection } = await setUp();
    client.write(encode(connectPacket({ clientId: 'x' }), pingreq()));
    await connection.expect('connect');
    const failure = await connection.expect('publish', { topic: 'a' }).catch((error) => error);
    expect(failure.message).toContain('expected PUBLISH topic="a", got PINGREQ');
    expect(failure.message).toMatch(/1\. CONNECT version="5\.0" clientId="x".*\n {2}2\. PINGREQ/);
  });

  it('compares the fields that a script names', async () => {
    const { client, connection } = await setUp();
    client.write(encode(connectPacket(), publish('t', 'one', { qos: 1, packetIdentifier: 9 })));
    await connection.expect('connect', { username: undefined });
    await expect(connection.expect('publish', { payload: 'two' })).rejects.toThrow(
      /expected PUBLISH payload="two", got PUBLISH topic="t" payload="one"/,
    );
  });

  it('says that nothing came', async () => {
    const { connection } = await setUp({ limitMs: 20 });
    await expect(connection.expect('connect')).rejects.toThrow(
      /expected CONNECT, got nothing within 20 ms[\s\S]*received so far: nothing/,
    );
  });

  it('shows bytes that are no packet, and keeps them', async () => {
    const { client, connection } = await setUp();
    client.write(encode(connectPacket()));
    await connection.expect('connect');
    client.write(fromHex('f5 00'));
    await expect(connection.expect('publish')).rejects.toThrow(/no packet[\s\S]*f5 00/);
    expect(connection.malformed?.reasonCode).toBeGreaterThanOrEqual(0x80);
    client.write(fromHex('c0 00'));
    client.end();
    await connection.closed;
    expect(connection.receivedBytes.slice(-4)).toEqual(fromHex('f500c000'));
  });

  it('fails when the client closes in place of a packet, or sends one in place of closing', async () => {
    const first = await setUp();
    first.client.end();
    await expect(first.connection.expect('connect')).rejects.toThrow(
      /got the end of the connection \(ended\)/,
    );
    const second = await setUp();
    second.client.write(encode(connectPacket()));
    await expect(second.connection.expectClosed()).rejects.toThrow(
      /expected the connection to close, got CONNECT/,
    );
  });

  it('tells packets that nobody asked for, and skips to one', async () => {
    const { client, connection } = await setUp();
    expect(() => connection.expectNothing()).not.toThrow();
    client.write(encode(connectPacket(), pingreq(), publish('a'), publish('b')));
    await connection.skipTo('publish', { topic: 'b' });
    expect(connection.unread).toEqual([]);
    client.write(encode(pingreq()));
    client.end();
    await connection.closed;
    expect(connection.unread).toEqual([pingreq()]);
    expect(() => connection.expectNothing()).toThrow(/expected nothing, got PINGREQ/);
  });

  it('sends any bytes, whole or in pieces', async () => {
    const { client, connection } = await setUp();
    connection.sendRaw('20 03', Uint8Array.of(0), '0000', ' d0 00');
    connection.end();
    await client.closed;
    expect(client.receivedBytes).toEqual(fromHex('200300 0000 d000'));
    expect(() => connection.sendRaw('2')).toThrow(/pairs of hexadecimal digits, got "2"/);
    expect(() => connection.sendRaw('xx')).toThrow(TypeError);
  });

  it('writes in the version that the CONNECT speaks', async () => {
    const { client, connection } = await setUp();
    const encoder = new PacketEncoder('3.1.1');
    encoder.encode(connectPacket({ version: '3.1.1' }));
    client.write(concatenate(encoder.take()));
    expect((await connection.handshake(connack())).version).toBe('3.1.1');
    expect(connection.version).toBe('3.1.1');
    connection.end();
    await client.closed;
    expect(client.receivedBytes).toEqual(fromHex('20 02 00 00'));
  });

  it('cuts connections in order or by a reset', async () => {
    const { client, connection } = await setUp();
    connection.reset();
    await client.closed;
    await expect(connection.closed).resolves.toBe('reset');
  });

  it('answers by itself as an obliging server does', async () => {
    const { client, connection } = await setUp({
      automatic: { connackProperties: { receiveMaximum: 5 } },
    });
    client.write(
      encode(
        connectPacket(),
        subscribe(1, [subscription('a', { qos: 1 }), subscription('b', { qos: 2 })]),
        unsubscribe(2, ['a', 'b']),
        publish('t', '', { qos: 0 }),
        publish('t', '', { qos: 1, packetIdentifier: 3 }),
        publish('t', '', { qos: 2, packetIdentifier: 4 }),
        pubrel(4),
        pubrec(5),
        pubrec(6, ReasonCode.unspecifiedError),
        pingreq(),
        disconnect(),
      ),
    );
    await client.closed;
    expect(connection.received.length).toBe(11);
    expect(client.received.map(summary)).toEqual([
      'CONNACK',
      'SUBACK 1: 1,2',
      'UNSUBACK 2: 0,0',
      'PUBACK 3',
      'PUBREC 4',
      'PUBCOMP 4',
      'PUBREL 5',
      'PINGRESP',
    ]);
    expect(client.received[0]?.type === 2 && client.received[0].properties.receiveMaximum).toBe(5);
  });

  it('lets a hook answer in place of itself', async () => {
    const { client, connection } = await setUp({
      automatic: {
        onPacket: (packet, { number }) => {
          if (packet.type !== 12) return false;
          connectionOf.push(number);
          return true;
        },
      },
    });
    const connectionOf: number[] = [];
    client.write(encode(connectPacket(), pingreq(), disconnect()));
    await client.closed;
    expect(client.received.map(summary)).toEqual(['CONNACK']);
    expect(connectionOf).toEqual([connection.number]);
  });

  it('stops reading when told so', async () => {
    const { client, connection } = await setUp();
    connection.pause();
    client.write(encode(connectPacket()));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(connection.received).toEqual([]);
    connection.resume();
    await connection.expect('connect');
  });
});

describe('ScriptedBroker', () => {
  it('numbers connections in their order and hands them out in it', async () => {
    const broker = new ScriptedBroker({ limitMs: 20 });
    expect(() => broker.current).toThrow(/no client has connected/);
    await expect(broker.accept()).rejects.toThrow(/expected connection 1 within 20 ms/);
    await overLink(broker);
    await overLink(broker);
    expect((await broker.accept()).number).toBe(1);
    expect((await broker.accept()).number).toBe(2);
    expect(broker.current).toBe(broker.connections[1]);
  });

  it('counts packet identifiers from 1 to 65,535 and starts again', async () => {
    const broker = new ScriptedBroker();
    await overLink(broker);
    const identifiers = Array.from({ length: 65_536 }, () => broker.current.nextPacketIdentifier());
    expect([identifiers[0], identifiers[65_534], identifiers[65_535]]).toEqual([1, 65_535, 1]);
  });
});

describe('packet builders', () => {
  it('take texts for bytes', () => {
    expect(publish('t', 'é').payload).toEqual(bytesOf('é'));
  });
});

function summary(packet: Packet): string {
  const names = ['', 'CONNECT', 'CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'];
  names.push('SUBSCRIBE', 'SUBACK', 'UNSUBSCRIBE', 'UNSUBACK', 'PINGREQ', 'PINGRESP');
  const identifier = 'packetIdentifier' in packet ? ` ${packet.packetIdentifier}` : '';
  const codes = 'reasonCodes' in packet ? `: ${packet.reasonCodes.join()}` : '';
  return `${names[packet.type]}${identifier}${codes}`;
}
