import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'mqtt-kit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { accepted, bytes, packet, publish, utf8 } from '../support/bytes.ts';
import { ClientStream } from '../support/client-packets.ts';
import { soon, turn } from '../support/raw-server.ts';
import { versions } from './statement-support.ts';

interface Peer {
  readonly url: string;
  /** The server's ends, in the order of connecting. */
  readonly sockets: WebSocket[];
  readonly requests: IncomingMessage[];
  readonly frames: { readonly binary: boolean; readonly data: Buffer }[];
}

/** A server that accepts, and grants each SUBSCRIBE of one filter. */
async function listening(version: '5.0' | '3.1.1'): Promise<Peer> {
  const http = createServer();
  const server = new WebSocketServer({ server: http, handleProtocols: () => 'mqtt' });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/mqtt`;
  const peer: Peer = { url, sockets: [], requests: [], frames: [] };
  server.on('connection', (socket, request) => {
    peer.sockets.push(socket);
    peer.requests.push(request);
    const stream = new ClientStream();
    socket.on('error', () => {});
    socket.on('message', (data: Buffer, binary) => {
      peer.frames.push({ binary, data });
      for (const { type, body } of stream.push(data)) {
        if (type === 1) socket.send(accepted(version));
        const id = body.subarray(0, 2);
        if (type === 8) socket.send(packet(0x90, id, version === '5.0' ? '00 00' : '00'));
      }
    });
  });
  onTestFinished(() => {
    for (const socket of peer.sockets) socket.terminate();
    http.close();
  });
  return peer;
}

describe.each(versions)('MQTT over WebSocket, %s', (version) => {
  it('[MQTT-6.0.0-3] [MQTT3-6.0.0-3] offers the subprotocol mqtt', async () => {
    const peer = await listening(version);
    const client = await connect(peer.url, { version });
    expect(peer.requests[0]?.headers['sec-websocket-protocol']).toBe('mqtt');
    await client.close();
  });

  it('[MQTT-6.0.0-1] [MQTT3-6.0.0-1] sends binary frames alone', async () => {
    const peer = await listening(version);
    const client = await connect(peer.url, { version });
    await client.subscribe('t', () => {});
    await client.publish('t', 'text');
    await client.close();
    expect(peer.frames.length).toBeGreaterThan(2);
    expect(peer.frames.filter(({ binary }) => !binary)).toEqual([]);
  });

  it('[MQTT-6.0.0-1] [MQTT3-6.0.0-1] closes on a text frame, and takes nothing from it', async () => {
    const peer = await listening(version);
    const client = await connect(peer.url, { version, reconnect: false });
    client.on('error', () => {});
    const got: string[] = [];
    await client.subscribe('t', (message) => void got.push(message.topic));
    const closed = once(peer.sockets[0]!, 'close');
    peer.sockets[0]!.send(Buffer.from(publish(version)).toString('latin1'));
    await soon('the close', closed);
    await turn();
    expect(got).toEqual([]);
    expect(client.connected).toBe(false);
    await client.close({ timeoutMs: 0 });
  });

  it('[MQTT-6.0.0-2] [MQTT3-6.0.0-2] takes packets over frames and frames over packets', async () => {
    const peer = await listening(version);
    const client = await connect(peer.url, { version });
    const got: string[] = [];
    let last = (): void => {};
    const done = new Promise<void>((resolve) => {
      last = resolve;
    });
    await client.subscribe('t', (message) => {
      got.push(message.text());
      if (message.text() === 'last') last();
    });
    const one = (text: string): Uint8Array => publish(version, { payload: utf8(text) });
    const [socket] = peer.sockets;
    // A byte in each frame, then many packets in one frame, then a cut in the middle of a packet.
    for (const byte of one('bytes')) socket!.send(Uint8Array.of(byte));
    socket!.send(bytes(one('a'), one('b'), one('c')));
    const rest = bytes(one('d'), one('last'));
    socket!.send(rest.subarray(0, 12));
    socket!.send(rest.subarray(12));
    await soon('the last message', done);
    expect(got).toEqual(['bytes', 'a', 'b', 'c', 'd', 'last']);
    await client.close();
  });
});
