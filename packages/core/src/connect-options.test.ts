import { VirtualClock } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import type { Environment } from './client.ts';
import { connectSettings } from './connect-options.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { MqttUsageError } from './errors.ts';
import { memoryStore } from './memory-session-store.ts';
import type { ConnectOptions } from './options.ts';
import type { OpenTransport } from './transport.ts';

const open: OpenTransport = () => Promise.reject(new Error('no transport is to be opened here'));

const environment: Environment = {
  transports: { mqtt: open, mqtts: open, ws: open, wss: open },
  missingTransports: { 'mqtt+unix': 'Unix sockets need Node.' },
  clock: new VirtualClock(),
  defaultStore: memoryStore,
};

function settings(options?: ConnectOptions, url = 'mqtt://h'): ConnectSettings {
  return connectSettings(environment, url, options);
}

function problem(options: unknown, url = 'mqtt://h'): string {
  try {
    settings(options as ConnectOptions, url);
  } catch (error) {
    expect(error).toBeInstanceOf(MqttUsageError);
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(options)} was taken`);
}

describe('connectSettings', () => {
  it('has the documented defaults', () => {
    expect(settings()).toMatchObject({
      version: 'auto',
      clientId: undefined,
      cleanStart: true,
      sessionExpirySeconds: 0,
      sessionKept: false,
      keepAliveSeconds: 60,
      connectTimeoutMs: 10_000,
      reconnect: {
        minDelayMs: 100,
        maxDelayMs: 30_000,
        factor: 2,
        maxAttempts: Number.POSITIVE_INFINITY,
        initial: false,
      },
      queue: {
        maximumMessages: 10_000,
        maximumBytes: 67_108_864,
        maximumAgeMs: Number.POSITIVE_INFINITY,
        overflow: 'reject',
        queueQos0: true,
      },
      waitForRoom: false,
      inbox: { maximumMessages: 10_000, maximumBytes: 67_108_864 },
      store: undefined,
      foreignSession: 'reset',
      waitForConnection: true,
      topicAliases: true,
      trace: false,
      properties: {
        receiveMaximum: 1_000,
        maximumPacketSize: 16_777_216,
        topicAliasMaximum: 16,
      },
    });
  });

  it('takes undefined for not given', () => {
    const options = Object.fromEntries(
      ['version', 'clientId', 'will', 'tls', 'reconnect', 'queue', 'signal'].map((name) => [
        name,
        undefined,
      ]),
    );
    expect(settings(options)).toEqual(settings());
  });

  it('keeps a session for seven days, or as told', () => {
    const kept = { clientId: 'me', cleanStart: false };
    expect(settings(kept)).toMatchObject({ sessionExpirySeconds: 604_800, sessionKept: true });
    expect(settings({ ...kept, sessionExpirySeconds: 60 }).properties.sessionExpiryInterval).toBe(
      60,
    );
    expect(
      settings({ ...kept, sessionExpirySeconds: Number.POSITIVE_INFINITY }).sessionExpirySeconds,
    ).toBe(4_294_967_295);
    expect(settings({ sessionExpirySeconds: 5 }).sessionKept).toBe(true);
  });

  it('needs a client identifier for a kept session, and a kept session for a durable store', () => {
    expect(problem({ cleanStart: false })).toContain('cleanStart: false needs a clientId');
    expect(problem({ cleanStart: false, clientId: '' })).toContain('needs a clientId');
    const durable = {
      ...memoryStore(),
      durable: true,
      load: () => [],
      commit() {},
      clear() {},
      close() {},
    };
    expect(problem({ store: durable })).toContain('a durable store needs a clientId');
    expect(problem({ store: durable, clientId: 'me', cleanStart: true })).toContain(
      'cleanStart must be false with a durable store',
    );
    expect(settings({ store: durable, clientId: 'me' }).cleanStart).toBe(false);
  });

  it('never keeps or changes what it is given', () => {
    const ca = Uint8Array.of(1);
    const password = Uint8Array.of(1, 2);
    const payload = Uint8Array.of(3);
    const options: ConnectOptions = {
      password,
      username: 'u',
      will: { topic: 't', payload, userProperties: [['a', 'b']] },
      tls: { ca: [ca] },
      userProperties: [['c', 'd']],
    };
    const before = structuredClone(options);
    const checked = settings(options, 'mqtts://h');
    expect(options).toEqual(before);
    ca[0] = 9;
    password[0] = 9;
    payload[0] = 9;
    expect(checked.tls?.ca).toEqual([Uint8Array.of(1)]);
    expect(checked.password).toEqual(Uint8Array.of(1, 2));
    expect(checked.will?.payload).toEqual(Uint8Array.of(3));
    expect(
      settings(Object.freeze({ reconnect: Object.freeze({ factor: 3 }) })).reconnect?.factor,
    ).toBe(3);
  });

  it('names the option that cannot be, what was expected, and what was given', () => {
    const cases: [unknown, string][] = [
      [null, 'options of connect must be an object; got null'],
      [{ version: '3.1' }, 'version must be "auto", "5.0" or "3.1.1"; got "3.1"'],
      [{ version: 5 }, 'got 5'],
      [{ keepAliveSeconds: 65_536 }, 'keepAliveSeconds'],
      [{ keepAliveSeconds: null }, 'got null'],
      [{ connectTimeoutMs: -1 }, 'connectTimeoutMs'],
      [{ clientId: 5 }, 'clientId must be a string; got 5'],
      [{ clientId: 'a\0' }, 'clientId must not contain U+0000'],
      [{ clientId: 'x'.repeat(65_536) }, 'clientId must be at most 65,535 bytes'],
      [{ username: 5 }, 'username must be a string'],
      [{ credentials: 'x' }, 'credentials must be a function'],
      [{ receiveMaximum: 0 }, 'receiveMaximum must be a whole number from 1 to 65,535'],
      [{ maximumPacketSize: 0 }, 'maximumPacketSize'],
      [{ topicAliasMaximum: 65_536 }, 'topicAliasMaximum'],
      [{ sessionExpirySeconds: 4_294_967_296 }, 'sessionExpirySeconds'],
      [{ userProperties: [['a', 5]] }, 'the value in userProperties[0]'],
      [{ will: { payload: 'x' } }, 'will.topic must be a string; got undefined'],
      [{ will: { topic: 'a/+' } }, 'will.topic "a/+" must not contain wildcards'],
      [{ will: { topic: 'a', qos: 3 } }, 'will.qos must be 0, 1 or 2; got 3'],
      [
        { will: { topic: 'a', payload: 'x'.repeat(65_536) } },
        'will.payload must be at most 65,535',
      ],
      [{ will: { topic: 'a', payload: 5 } }, 'will.payload must be a string'],
      [{ will: { topic: 'a', delay: 5 } }, 'Did you mean delaySeconds?'],
      [{ will: 'x' }, 'will must be an object'],
      [
        { reconnect: { minDelayMs: 5, maxDelayMs: 4 } },
        'reconnect.minDelayMs must be at most reconnect.maxDelayMs (4); got 5',
      ],
      [{ reconnect: { factor: 0.5 } }, 'reconnect.factor'],
      [{ reconnect: { min: 5 } }, 'unknown name "min"'],
      [{ reconnect: 5 }, 'reconnect must be an object'],
      [{ queue: { maxMessages: -1 } }, 'queue.maxMessages'],
      [{ queue: { overflow: 'drop-oldest' } }, 'queue.overflow'],
      [{ queue: { inFlight: 0 } }, 'queue.inFlight'],
      [{ inbox: { maxBytes: 0 } }, 'inbox.maxBytes'],
      [{ store: {} }, 'store must be a session store'],
      [{ store: memoryStore }, 'store must be a session store'],
      [{ foreignSession: 'drop' }, 'foreignSession'],
      [{ waitForConnection: 1 }, 'waitForConnection must be true or false'],
      [{ signal: {} }, 'signal must be an AbortSignal'],
      [{ servers: 'mqtt://b' }, 'servers must be an array of URLs'],
      [{ servers: ['http://b'] }, 'servers[0] must begin with'],
      [{ authentication: { method: 'x' } }, 'authentication.respond must be a function'],
      [{ cleanSesion: true }, 'Did you mean cleanStart?'],
      [{ protocolVersion: 5 }, 'Did you mean version?'],
      [{ rejectUnauthorized: false }, 'Did you mean tls.rejectUnauthorized?'],
      [{ port: 1883 }, 'Did you mean the port in the url?'],
    ];
    for (const [options, message] of cases) expect(problem(options), message).toContain(message);
  });

  it('never shows a password', () => {
    expect(problem({ password: { secret: 1 } })).toBe(
      'password must be a string or a Uint8Array; got a object',
    );
    expect(problem({ password: 123_456 })).not.toContain('123');
    expect(problem({ username: 'u', password: 'secret', keepAliveSeconds: -1 })).not.toContain(
      'secret',
    );
  });

  it('refuses TLS options where nothing is encrypted, and incomplete ones', () => {
    expect(problem({ tls: { ca: 'x' } })).toBe(
      'tls options need mqtts://; mqtt://h:1883 is not encrypted',
    );
    expect(problem({ tls: { ca: 'x' } }, 'ws://h')).toContain('wss://');
    expect(
      problem({ tls: { rejectUnauthorized: false }, servers: ['mqtt://b'] }, 'mqtts://h'),
    ).toContain('mqtt://b:1883 is not encrypted');
    expect(settings({ tls: {} }).tls).toBeUndefined();
    expect(problem({ tls: { cert: 'x' } }, 'mqtts://h')).toContain('tls.cert needs tls.key');
    expect(problem({ tls: { key: 'x' } }, 'mqtts://h')).toContain('tls.key needs tls.cert');
    expect(problem({ tls: { passphrase: 'x' } }, 'mqtts://h')).toContain(
      'tls.passphrase needs tls.key',
    );
    expect(problem({ tls: { ca: '' } }, 'mqtts://h')).toContain('tls.ca must be a PEM text');
    expect(problem({ tls: { ca: [5] } }, 'mqtts://h')).toContain('tls.ca[0]');
    expect(problem({ tls: { minVersion: 'TLSv1' } }, 'mqtts://h')).toContain('tls.minVersion');
    expect(problem({ tls: { caFile: 'x' } }, 'mqtts://h')).toContain('unknown name "caFile"');
  });

  it('refuses WebSocket options for other transports', () => {
    expect(problem({ webSocket: { headers: { a: 'b' } } })).toContain(
      'webSocket options need ws://',
    );
    expect(problem({ webSocket: { headers: { token: 5 } } }, 'ws://h')).toContain(
      'webSocket.headers["token"]',
    );
    expect(settings({ webSocket: { protocols: ['mqtt'] } }, 'ws://h').webSocket).toEqual({
      protocols: ['mqtt'],
    });
  });

  it('says what to do where a runtime has no such transport', () => {
    expect(() => settings({}, 'mqtt+unix:///run/x')).toThrow('mqtt+unix:// is not available here');
    try {
      settings({}, 'mqtt+unix:///run/x');
    } catch (error) {
      expect(error).toMatchObject({ hint: 'Unix sockets need Node.' });
    }
  });

  it('refuses what 3.1.1 does not have, when that version is asked for', () => {
    const cases: ConnectOptions[] = [
      { sessionExpirySeconds: 5 },
      { userProperties: [['a', 'b']] },
      { requestResponseInformation: true },
      { requestProblemInformation: false },
      { topicAliasMaximum: 5 },
      { will: { topic: 'a', delaySeconds: 5 } },
      { will: { topic: 'a', contentType: 'x' } },
      { password: 'x' },
      { authentication: { method: 'x', respond: () => undefined } },
    ];
    for (const options of cases) {
      expect(problem({ version: '3.1.1', ...options })).toContain('needs MQTT 5.0');
      expect(settings(options).version).toBe('auto');
    }
    expect(settings({ version: '3.1.1', receiveMaximum: 5, maximumPacketSize: 100 })).toMatchObject(
      {
        properties: { receiveMaximum: 5, maximumPacketSize: 100 },
      },
    );
    expect(settings({ version: '3.1.1', password: 'x' }, 'mqtt://user@h').password).toHaveLength(1);
  });

  it('names the option that forbids falling back to 3.1.1', () => {
    expect(settings().needs50).toBeUndefined();
    expect(settings({ receiveMaximum: 5, topicAliasMaximum: 5 }).needs50).toBeUndefined();
    expect(settings({ will: { topic: 'a', qos: 1 } }).needs50).toBeUndefined();
    expect(settings({ sessionExpirySeconds: 5 }).needs50).toBe('sessionExpirySeconds');
    expect(settings({ will: { topic: 'a', contentType: 'x' } }).needs50).toBe('will.contentType');
    expect(settings({ requestResponseInformation: true }).needs50).toBe(
      'requestResponseInformation',
    );
  });

  it('keeps the functions of an authentication bound to it', () => {
    class Token {
      readonly method = 'token';
      readonly #data = Uint8Array.of(1);
      start(): Uint8Array {
        return this.#data;
      }
      respond(): Uint8Array {
        return this.#data;
      }
    }
    const { authentication } = settings({ authentication: new Token() });
    expect(authentication?.respond(undefined)).toEqual(Uint8Array.of(1));
    expect(authentication?.start?.({ attempt: 1, server: 's' })).toEqual(Uint8Array.of(1));
  });
});
