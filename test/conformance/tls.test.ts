import { type ConnectOptions, connect, MqttError } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import { certificates } from '../setup/certificates.ts';
import { requires } from '../setup/requires.ts';
import { soon } from './support/raw-server.ts';
import { type Scheme, secureServer } from './support/secure-server.ts';
import { watch } from './support/stage.ts';

const base: ConnectOptions = { version: '5.0', clientId: 'me', connectTimeoutMs: 5_000 };

describe.runIf(requires('openssl')).each(['mqtts', 'wss'] as const)('%s', (scheme: Scheme) => {
  it('connects to a server whose certificate an authority of ours has signed', async () => {
    const { authority, server } = certificates();
    await using broker = await secureServer(scheme, {
      cert: server.cert.text,
      key: server.key.text,
    });
    const client = await connect(broker.url, { ...base, tls: { ca: authority.text } });
    await client.publish('t', 'x', { qos: 1 });
    await client.close();
    expect(broker.connections[0]?.packets.map(({ type }) => type)).toEqual([1, 3, 14]);
  });

  it.each([
    ['signed by nobody we know', 'server', 'none'],
    ['signed by another authority', 'server', 'other'],
    ['of another name', 'wrongName', 'ours'],
    ['that has expired', 'expired', 'ours'],
  ] as const)(
    'refuses a certificate %s, once and with its name, and sends nothing',
    async (_what, name, trusted) => {
      const made = certificates();
      const { cert, key } = made[name];
      await using broker = await secureServer(scheme, { cert: cert.text, key: key.text });
      const ca = { ours: made.authority.text, other: made.otherAuthority.text, none: undefined }[
        trusted
      ];
      const failing = watch(connect(broker.url, { ...base, tls: ca === undefined ? {} : { ca } }));
      await soon('connect to reject', failing.done, 6_000);
      expect(failing.error).toBeInstanceOf(MqttError);
      const error = failing.error as MqttError;
      expect(error.code).toBe('tlsFailed');
      expect(error.message).toMatch(/localhost/);
      expect(error.hint ?? '').not.toBe('');
      expect(broker.connections.flatMap(({ packets }) => packets)).toEqual([]);
      expect(broker.sockets).toBe(1);
    },
  );

  it('takes any certificate when it is told to', async () => {
    for (const name of ['server', 'wrongName', 'expired'] as const) {
      const { cert, key } = certificates()[name];
      await using broker = await secureServer(scheme, { cert: cert.text, key: key.text });
      const client = await connect(broker.url, { ...base, tls: { rejectUnauthorized: false } });
      expect(client.connected).toBe(true);
      await client.close();
    }
  });

  it('names the server it wants, the one of the URL or another', async () => {
    const { authority, server } = certificates();
    await using broker = await secureServer(scheme, {
      cert: server.cert.text,
      key: server.key.text,
    });
    const tls = { ca: authority.text };
    await (await connect(broker.url, { ...base, tls })).close();
    const other = watch(
      connect(broker.url, {
        ...base,
        tls: { ...tls, servername: 'other.example', rejectUnauthorized: false },
      }),
    );
    await soon('connect', other.done, 6_000);
    await other.value?.close();
    expect(broker.names).toEqual(['localhost', 'other.example']);
  });

  it('shows its own certificate to a server that asks for one', async () => {
    const { authority, server, client: own } = certificates();
    await using broker = await secureServer(scheme, {
      cert: server.cert.text,
      key: server.key.text,
      ca: authority.text,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const tls = { ca: authority.text };
    const client = await connect(broker.url, {
      ...base,
      tls: { ...tls, cert: own.cert.text, key: own.key.text },
    });
    expect(client.connected).toBe(true);
    await client.close();
    const without = watch(connect(broker.url, { ...base, tls }));
    await soon('connect to reject', without.done, 6_000);
    expect(without.code).toMatch(/tlsFailed|connectionLost|webSocketFailed/);
  });
});

describe.runIf(requires('openssl'))('mqtts', () => {
  it('offers the application protocols it is given', async () => {
    const { authority, server } = certificates();
    await using broker = await secureServer('mqtts', {
      cert: server.cert.text,
      key: server.key.text,
      ALPNProtocols: ['mqtt', 'x-other'],
    });
    const tls = { ca: authority.text, alpnProtocols: ['x-unknown', 'mqtt'] };
    const client = await connect(broker.url, { ...base, tls });
    await client.close();
    expect(broker.protocols).toEqual(['mqtt']);
  });
});
