import type { DisconnectReason } from '@mqtt-kit/engine';
import type { Properties } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { type ConnectionFacts, connectionFailure, describeReason } from './connection-error.ts';
import { MqttBreachError, MqttError } from './errors.ts';

const facts: ConnectionFacts = {
  server: 'mqtt://h:1883',
  clientId: 'me',
  version: '5.0',
  transportError: undefined,
  wasOpened: true,
  takeOvers: 0,
};

function refused(reasonCode: number, properties: Properties = {}): DisconnectReason {
  return { kind: 'refused', connack: { type: 2, sessionPresent: false, reasonCode, properties } };
}

function disconnected(reasonCode: number, properties: Properties = {}): DisconnectReason {
  return { kind: 'serverDisconnected', packet: { type: 14, reasonCode, properties } };
}

function breach(firstBytes: number[] | string, connackReceived = false): DisconnectReason {
  const bytes =
    typeof firstBytes === 'string' ? [...firstBytes].map((c) => c.charCodeAt(0)) : firstBytes;
  return {
    kind: 'breach',
    reasonCode: 0x81,
    message: 'bad flags',
    connackReceived,
    firstBytes: Uint8Array.from(bytes),
  };
}

describe('connectionFailure', () => {
  it('says what the server said when it refuses', () => {
    const { error } = connectionFailure(refused(0x87, { reasonString: 'go away' }), facts);
    expect(error).toMatchObject({
      code: 'notAuthorized',
      reasonCode: 0x87,
      reasonString: 'go away',
      message: 'mqtt://h:1883 refused the connection: Not authorized (0x87), "go away"',
    });
    expect(error.hint).toContain('user name');
  });

  it('tells permanent refusals from transient ones', () => {
    const all = [
      0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
      0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
    ];
    const transient = all.filter((code) => !connectionFailure(refused(code), facts).fatal);
    expect(transient).toEqual([0x80, 0x83, 0x88, 0x89, 0x97, 0x9f]);
    const lost = [0x80, 0x81, 0x87, 0x8b, 0x8c, 0x8d, 0x8e, 0x93, 0x97, 0x98, 0x9c, 0x9d, 0xa0];
    const final = lost.filter((code) => connectionFailure(disconnected(code), facts).fatal);
    expect(final).toEqual([0x87, 0x8c, 0x8e, 0x9c, 0x9d]);
  });

  it('names the other client when the session is taken over', () => {
    const { error, fatal } = connectionFailure(disconnected(0x8e), facts);
    expect(error.code).toBe('sessionTakenOver');
    expect(error.hint).toContain('"me"');
    expect(fatal).toBe(true);
  });

  it('names the server to use, and does not follow it', () => {
    for (const reason of [
      refused(0x9c, { serverReference: 'other:1884' }),
      disconnected(0x9d, { serverReference: 'other:1884' }),
    ]) {
      const redirectProblem = 'so it is';
      const { error, fatal } = connectionFailure(reason, { ...facts, redirectProblem });
      expect(error.code).toBe('serverRefused');
      expect(error.hint).toBe('Connect to other:1884 instead; so it is.');
      expect(fatal).toBe(true);
      expect(connectionFailure(reason, facts).error.hint).toBeUndefined();
    }
    expect(connectionFailure(refused(0x9c), facts).error.hint).toContain('does not say');
  });

  it('hints at the version that the server wants', () => {
    const { error } = connectionFailure(refused(0x84), facts);
    expect(error.code).toBe('serverRefused');
    expect(error.hint).toContain("version to '3.1.1'");
  });

  it('says what answered in place of an MQTT server', () => {
    const error = (bytes: number[] | string) => connectionFailure(breach(bytes), facts).error;
    expect(error([0x15, 0x03, 0x01])).toMatchObject({
      message: 'a TLS server answered at mqtt://h:1883, which is not MQTT: bad flags',
      hint: expect.stringContaining('mqtts://'),
    });
    expect(error('HTTP/1.1 400 Bad')).toMatchObject({
      message: 'an HTTP server answered at mqtt://h:1883, which is not MQTT: bad flags',
      hint: expect.stringContaining('ws://'),
    });
    expect(error('SSH-2.0-OpenSSH')).toMatchObject({
      message: expect.stringMatching(/^something else than an MQTT server answered at mqtt:/),
      hint: expect.stringContaining('"SSH-2.0-OpenSSH"'),
    });
    expect(error([0x30, 0x00]).hint).toBeUndefined();
    expect(connectionFailure(breach('HTTP/1.1', true), facts).error.hint).toBeUndefined();
    const { error: unknown, fatal } = connectionFailure(breach([0x21]), facts);
    expect(unknown).toBeInstanceOf(MqttBreachError);
    expect(unknown).toMatchObject({ code: 'malformedPacket', reasonCode: 0x81 });
    expect(unknown.message).toBe('mqtt://h:1883 broke the protocol: bad flags');
    expect(fatal).toBe(false);
  });

  it('passes on what the transport says', () => {
    const closed: DisconnectReason = {
      kind: 'transportClosed',
      bytesReceived: 0,
      connackReceived: false,
    };
    const transportError = new MqttError('hostNotFound', 'no such host');
    expect(connectionFailure(closed, { ...facts, transportError })).toEqual({
      error: transportError,
      fatal: false,
    });
    const plain = connectionFailure(closed, {
      ...facts,
      wasOpened: false,
      transportError: new Error('EPERM'),
    }).error;
    expect(plain).toMatchObject({
      code: 'connectionRefused',
      message: 'no connection to mqtt://h:1883 was made: EPERM',
    });
    expect(connectionFailure(closed, facts).error.message).toBe(
      'mqtt://h:1883 closed the connection before it sent a byte',
    );
    expect(
      connectionFailure({ ...closed, bytesReceived: 3, connackReceived: true }, facts).error,
    ).toMatchObject({
      code: 'connectionLost',
      message: 'the connection to mqtt://h:1883 was lost: the server closed it without a reason',
    });
  });

  it('asks about the client identifier when connections keep closing at once', () => {
    const closed = { kind: 'transportClosed', bytesReceived: 4, connackReceived: true } as const;
    expect(connectionFailure(closed, { ...facts, takeOvers: 2 }).error.hint).toBeUndefined();
    expect(connectionFailure(closed, { ...facts, takeOvers: 3 }).error.hint).toContain(
      'another client using the client identifier "me"',
    );
  });

  it('says how long nothing came, and what to do about a foreign session', () => {
    expect(
      connectionFailure({ kind: 'keepAliveTimeout', silentMs: 90_012 }, facts).error.message,
    ).toContain('nothing came for 90 s');
    const foreign = connectionFailure({ kind: 'foreignSession' }, facts);
    expect(foreign.fatal).toBe(true);
    expect(foreign.error.code).toBe('sessionLost');
    expect(foreign.error.hint).toContain("'adopt'");
  });
});

describe('describeReason', () => {
  it('gives name, number and the words of the server', () => {
    expect(describeReason(0x97, undefined)).toBe('Quota exceeded (0x97)');
    expect(describeReason(0x04, 'bye\n')).toMatch(/\(0x04\), "bye\\n"$/);
  });
});
