import { listenTcp, ScriptedBroker } from '@mqtt-kit/testkit';
import { type ConnectOptions, connect, type MqttError } from 'mqtt-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificates } from '../setup/certificates.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { freshTopic } from './support/clients.ts';
import { Inbox } from './support/inbox.ts';

/** Connects where it must not work, and returns the error. */
async function failure(url: string, options: ConnectOptions): Promise<MqttError> {
  const outcome = await connect(url, options).catch((error: MqttError) => error);
  if (outcome instanceof Error) return outcome;
  await outcome.close();
  throw new Error(`expected ${url} to fail, it connected`);
}

describe.runIf(requires('openssl'))('a TLS server that cannot be trusted', () => {
  it.each([
    ['is signed by nobody we know', 'server', undefined, /certificate|signed|issuer|authority/i],
    ['is signed by another authority', 'server', 'otherAuthority', /certificate|verify|authority/i],
    ['has a certificate for another name', 'wrongName', 'authority', /other\.test/],
    ['has a certificate that expired', 'expired', 'authority', /expired/i],
  ] as const)('gets not one byte of MQTT: it %s', async (_what, name, trusted, says) => {
    for (const version of ['3.1.1', '5.0'] as const) {
      const broker = new ScriptedBroker();
      const own = certificates()[name];
      await using listener = await listenTcp(broker, {
        tls: { cert: own.cert.text, key: own.key.text },
      });
      const tls = trusted === undefined ? {} : { tls: { ca: certificates()[trusted].text } };
      const error = await failure(listener.url, { version, ...tls });
      expect(error.code).toBe('tlsFailed');
      expect(`${error.message} ${error.hint}`).toMatch(says);
      expect(error.message).toContain(`127.0.0.1:${listener.port}`);
      // One attempt, no retry, and nothing that a server could read.
      expect(listener.acceptedSockets).toBe(1);
      expect(broker.connections.flatMap((connection) => [...connection.receivedBytes])).toEqual([]);
    }
  });

  it.each(['server', 'wrongName', 'expired'] as const)(
    'is taken all the same with rejectUnauthorized: false (%s)',
    async (name) => {
      const broker = new ScriptedBroker({ automatic: true });
      const own = certificates()[name];
      await using listener = await listenTcp(broker, {
        tls: { cert: own.cert.text, key: own.key.text },
      });
      await using client = await connect(listener.url, { tls: { rejectUnauthorized: false } });
      expect(client.connected).toBe(true);
    },
  );

  it('is told which name it is asked for, and offers a choice of protocols', async () => {
    const asked: string[] = [];
    const broker = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(broker, {
      tls: {
        cert: certificates().server.cert.text,
        key: certificates().server.key.text,
        ALPNProtocols: ['mqtt'],
        SNICallback: (name, callback) => {
          asked.push(name);
          callback(null);
        },
      },
    });
    await using _client = await connect(`mqtts://localhost:${listener.port}`, {
      tls: { ca: certificates().authority.text, alpnProtocols: ['mqtt'] },
    });
    expect(asked).toEqual(['localhost']);
  });
});

describe.runIf(requires('mosquitto', 'openssl'))('mosquitto with TLS', () => {
  let broker: Mosquitto<'plain' | 'tls' | 'mutual' | 'webSocket'>;
  beforeAll(async () => {
    broker = await startMosquitto({
      listeners: {
        plain: {},
        tls: { certificate: 'server' },
        mutual: { certificate: 'server', clientCertificates: true },
        webSocket: { certificate: 'server', webSocket: true },
      },
    });
  });
  afterAll(() => broker?.[Symbol.asyncDispose]());

  it.each(['3.1.1', '5.0'] as const)('takes a client certificate: %s', async (version) => {
    await using connected = await connect(broker.url('mutual'), {
      version,
      tls: {
        ca: certificates().authority.text,
        cert: certificates().client.cert.text,
        key: certificates().client.key.text,
      },
    });
    const inbox = new Inbox();
    const topic = freshTopic();
    await connected.subscribe(topic, { qos: 2 }, inbox.take);
    await connected.publish(topic, 'mutual', { qos: 2 });
    await inbox.holdsText('mutual');
    expect(broker.log).toContain("u'test-client'");
  });

  it('refuses a client without a certificate, and one with another’s', async () => {
    const before = broker.log.match(/New client connected/g)?.length ?? 0;
    const none = await failure(broker.url('mutual'), {
      tls: { ca: certificates().authority.text },
    });
    expect(none.code).toBe('tlsFailed');
    expect(`${none.message} ${none.hint}`).toMatch(/client certificate/i);
    const wrongPurpose = await failure(broker.url('mutual'), {
      tls: {
        ca: certificates().authority.text,
        cert: certificates().server.cert.text,
        key: certificates().server.key.text,
      },
    });
    expect(wrongPurpose.code).toBe('tlsFailed');
    expect(broker.log.match(/New client connected/g)?.length ?? 0).toBe(before);
  });

  it('is verified over wss as over mqtts', async () => {
    const error = await failure(broker.url('webSocket'), {});
    expect(error.code).toBe('tlsFailed');
    expect(error.message).toContain(`127.0.0.1:${broker.port('webSocket')}`);
    expect(broker.log).not.toContain(`on port ${broker.port('webSocket')} as`);
  });

  it('gives a word of help when a port speaks TLS and we do not, or the other way round', async () => {
    const plain = `mqtt://127.0.0.1:${broker.port('tls')}`;
    const toTls = await failure(plain, { connectTimeoutMs: 3_000 });
    expect(`${toTls.message} ${toTls.hint}`).toMatch(/TLS|mqtts/);
    const secure = `mqtts://127.0.0.1:${broker.port('plain')}`;
    const toPlain = await failure(secure, {
      connectTimeoutMs: 3_000,
      tls: { ca: certificates().authority.text },
    });
    expect(toPlain.code).toBe('tlsFailed');
    expect(`${toPlain.message} ${toPlain.hint}`).toMatch(/TLS|mqtt:/);
  });
});
