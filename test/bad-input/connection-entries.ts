/** Entries 1 to 28: what `connect` is given. */
import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'mqtt-kit';
import { expect, vi } from 'vitest';
import { certificates } from '../setup/certificates.ts';
import { requires } from '../setup/requires.ts';
import { type Entry, Stage } from './stage.ts';

const tooLong = 'x'.repeat(65_536);

export const connectionEntries: readonly Entry[] = [
  [
    1,
    'no URL: it is required',
    async (stage) => {
      for (const url of [undefined, null, '']) {
        await stage.refusesToConnect(url, {}, 'url is required', 'mqtt://localhost');
      }
      await stage.refusesToConnect(17, {}, 'url must be a string or a URL', 'got 17');
    },
  ],
  [
    2,
    'a scheme that is not known: those that are, and the one that was meant',
    async (stage) => {
      const known = ['mqtt://', 'mqtts://', 'ws://', 'wss://', 'mqtt+unix://'];
      await stage.refusesToConnect('http://x', {}, 'url', ...known, '"http://"', 'mean ws://?');
      await stage.refusesToConnect('localhost', {}, 'url', ...known, '"localhost"');
      const servers = ['mqqt://x'];
      await stage.refusesOptions({ servers }, 'servers[0]', ...known, 'Did you mean mqtt://?');
    },
  ],
  [
    3,
    'a port that cannot be: 0, 70000, "abc"',
    async (stage) => {
      const says = ['url', 'port from 1 to 65,535'];
      await stage.refusesToConnect('mqtt://127.0.0.1:0', {}, ...says, '"0"');
      await stage.refusesToConnect('mqtt://127.0.0.1:70000', {}, ...says, '"70000"');
      await stage.refusesToConnect('mqtt://127.0.0.1:-1', {}, ...says, '"-1"');
      await stage.refusesToConnect('mqtt://127.0.0.1:abc', {}, ...says, 'no number');
    },
  ],
  [
    4,
    'an empty host',
    async (stage) => {
      for (const url of ['mqtt://', 'mqtts://:8883', 'ws:///path', 'mqtt://user:pass@']) {
        await stage.refusesToConnect(url, {}, 'url has no host', 'mqtt://localhost');
      }
    },
  ],
  [
    5,
    'an IPv6 address whose bracket is not closed, or that has none',
    async (stage) => {
      await stage.refusesToConnect('mqtt://[::1', {}, 'url', 'closing bracket', '[::1]');
      await stage.refusesToConnect('mqtt://::1:1883', {}, 'url', 'brackets', 'mqtt://[::1]:1883');
    },
  ],
  [
    6,
    'a path on mqtt://, which would be ignored',
    async (stage) => {
      for (const rest of ['/house', '?clientId=x', '#x']) {
        await stage.refusesToConnect(`${stage.url}${rest}`, {}, 'url', 'path', 'ws:// and wss://');
      }
    },
  ],
  [
    7,
    'an unknown option: the one that was meant',
    async (stage) => {
      await stage.refusesOptions({ cleanSesion: true }, '"cleanSesion"', 'mean cleanStart?');
      await stage.refusesOptions({ keepalive: 5 }, '"keepalive"', 'mean keepAliveSeconds?');
      await stage.refusesOptions({ ca: 'x' }, '"ca"', 'mean tls.ca?');
      await stage.refusesOptions({ xyzzy: 1 }, '"xyzzy"', 'Known are version, clientId');
      await stage.refusesOptions({ queue: { maxMesages: 1 } }, 'queue', 'mean maxMessages?');
      await stage.refusesOptions({ inbox: { maxByte: 1 } }, 'inbox', 'mean maxBytes?');
      await stage.refusesOptions({ reconnect: { minDelay: 1 } }, 'reconnect', 'mean minDelayMs?');
      await stage.refusesOptions({ will: { tpoic: 'a' } }, 'will', 'mean topic?');
      await stage.refusesOptions({ webSocket: { header: {} } }, 'webSocket', 'mean headers?');
      const secure = stage.url.replace('mqtt:', 'mqtts:');
      await stage.refusesToConnect(secure, { tls: { certs: 'x' } }, 'tls', 'mean cert?');
      await stage.refusesOptions('cleanStart', 'options of connect', 'an object', '"cleanStart"');
    },
  ],
  [
    8,
    'a protocol version that there is not: 3, 6, "5"',
    async (stage) => {
      for (const version of [3, 5, 6, '5', '3.1', null]) {
        const got = version === null ? 'null' : JSON.stringify(version);
        await stage.refusesOptions({ version }, 'version', '"5.0" or "3.1.1"', `got ${got}`);
      }
      await stage.refusesOptions({ protocolVersion: 5 }, '"protocolVersion"', 'mean version?');
    },
  ],
  [
    9,
    'a keep-alive of -1, 1.5, 65536, NaN or a text',
    async (stage) => {
      for (const keepAliveSeconds of [-1, 1.5, 65_536, Number.NaN, '60', null]) {
        const got = `got ${JSON.stringify(keepAliveSeconds)}`.replace('got null', 'got ');
        await stage.refusesOptions(
          { keepAliveSeconds },
          'keepAliveSeconds must be a whole number from 0 to 65,535',
          got,
        );
      }
    },
  ],
  [
    10,
    'a client identifier of more than 65,535 bytes',
    async (stage) => {
      const says = ['clientId', 'at most 65,535 bytes'];
      await stage.refusesOptions({ clientId: tooLong }, ...says, '65,536');
      await stage.refusesOptions({ clientId: '\u20ac'.repeat(21_846) }, ...says, '65,538');
      await stage.refusesOptions({ clientId: 17 }, 'clientId must be a string', 'got 17');
    },
  ],
  [
    11,
    'an empty client identifier for a session that is kept',
    async (stage) => {
      for (const version of ['3.1.1', '5.0', 'auto']) {
        const options = { version, cleanStart: false };
        await stage.refusesOptions(options, 'cleanStart: false needs a clientId');
        await stage.refusesOptions({ ...options, clientId: '' }, 'needs a clientId');
      }
    },
  ],
  [
    12,
    'a client identifier with U+0000 or a lone surrogate',
    async (stage) => {
      await stage.refusesOptions({ clientId: 'a\0b' }, 'clientId', 'U+0000', 'index 1');
      await stage.refusesOptions({ clientId: 'ab\ud800' }, 'clientId', 'lone surrogate', 'index 2');
    },
  ],
  [
    13,
    'a password without a user name under 3.1.1',
    async (stage) => {
      const says = ['password without a user name', '5.0'];
      const version = '3.1.1';
      await stage.refusesOptions({ version, password: 'x' }, ...says);
      const url = stage.url.replace('//', '//:hidden@');
      await stage.refusesToConnect(url, { version }, ...says);
      await stage.refusesOptions({ version, credentials: () => ({ password: 'x' }) }, ...says);
    },
  ],
  [
    14,
    'a user name or a password that is no text, never shown',
    async (stage) => {
      await stage.refusesOptions({ username: 17 }, 'username must be a string', 'got 17');
      await stage.refusesOptions({ username: tooLong }, 'username', '65,535');
      await stage.refusesOptions({ username: 'u', password: 4711 }, 'password', 'got a number');
      await stage.refusesOptions({ credentials: 'x' }, 'credentials must be a function');
      const credentials = () => ({ username: 17 });
      await stage.refusesOptions({ credentials }, 'credentials', 'username must be a string');
    },
  ],
  [
    15,
    'a will without a topic',
    async (stage) => {
      await stage.refusesOptions({ will: { payload: 'x' } }, 'will.topic', 'a string', 'undefined');
      await stage.refusesOptions({ will: { topic: '' } }, 'will.topic', 'must not be empty');
      await stage.refusesOptions({ will: 'gone' }, 'will must be an object', '"gone"');
      await stage.refusesOptions({ will: () => ({ payload: 'x' }) }, 'will', 'will.topic');
    },
  ],
  [
    16,
    'a will topic with a wildcard',
    async (stage) => {
      for (const topic of ['a/+', '#']) {
        await stage.refusesOptions({ will: { topic } }, `will.topic "${topic}"`, 'wildcards');
      }
    },
  ],
  [
    17,
    'a will of QoS 3',
    async (stage) => {
      await stage.refusesOptions({ will: { topic: 'a', qos: 3 } }, 'will.qos', '0, 1 or 2', '3');
    },
  ],
  [
    18,
    'a will payload of more than 65,535 bytes',
    async (stage) => {
      const will = { topic: 'a', payload: new Uint8Array(65_536) };
      await stage.refusesOptions({ will }, 'will.payload', 'at most 65,535 bytes', '65,536');
      await stage.refusesOptions({ will: { topic: 'a', payload: 5 } }, 'will.payload', 'got 5');
    },
  ],
  [
    19,
    'a property of 5.0 with version 3.1.1',
    async (stage) => {
      const version = '3.1.1';
      for (const [options, name] of [
        [{ sessionExpirySeconds: 5 }, 'sessionExpirySeconds'],
        [{ userProperties: [['a', 'b']] }, 'userProperties'],
        [{ topicAliasMaximum: 5 }, 'topicAliasMaximum'],
        [{ requestResponseInformation: true }, 'requestResponseInformation'],
        [{ requestProblemInformation: false }, 'requestProblemInformation'],
        [{ authentication: { method: 'm', respond() {} } }, 'authentication'],
        [{ will: { topic: 'a', contentType: 'b' } }, 'will.contentType'],
        [{ will: { topic: 'a', delaySeconds: 1 } }, 'will.delaySeconds'],
      ] as const) {
        await stage.refusesOptions({ version, ...options }, name, "needs MQTT 5.0; version is '3");
      }
      await using old = await Stage.open('3.1.1');
      const says = "needs MQTT 5.0; version is '3.1.1'";
      const options = { contentType: 'b' };
      await old.refusesCall((client) => client.publish('a', 'b', options), 'contentType', says);
      const noLocal = { noLocal: true };
      await old.refusesCall((client) => client.subscribe('a', noLocal), 'noLocal', says);
      const userProperties = [['a', 'b']] as const;
      const unsubscribe = (client: Awaited<ReturnType<typeof connect>>) =>
        client.unsubscribe('a', { userProperties });
      await old.refusesCall(unsubscribe, 'userProperties', says);
      const reasonString = { reasonString: 'x' };
      await old.refusesCall((client) => client.close(reasonString), 'reasonString', says);
      await old.sawNothing();
    },
  ],
  [
    20,
    'a session expiry of 2^32, or below 0',
    async (stage) => {
      for (const sessionExpirySeconds of [2 ** 32, -1, 1.5, '5']) {
        await stage.refusesOptions(
          { sessionExpirySeconds },
          'sessionExpirySeconds must be a whole number from 0 to 4,294,967,295',
          `got ${JSON.stringify(sessionExpirySeconds)}`,
        );
      }
    },
  ],
  [
    21,
    'a Receive Maximum of 0',
    async (stage) => {
      for (const receiveMaximum of [0, 65_536]) {
        await stage.refusesOptions({ receiveMaximum }, 'receiveMaximum', 'from 1 to 65,535', 'got');
      }
    },
  ],
  [
    22,
    'a Maximum Packet Size of 0',
    async (stage) => {
      for (const maximumPacketSize of [0, 2 ** 32]) {
        const says = ['maximumPacketSize', 'from 1 to 4,294,967,295', `got ${maximumPacketSize}`];
        await stage.refusesOptions({ maximumPacketSize }, ...says);
      }
    },
  ],
  [
    23,
    'a User Property whose value is no text',
    async (stage) => {
      const pair = '[name, value] pair';
      await stage.refusesOptions({ userProperties: [['a', 1]] }, 'userProperties[0]', 'got 1');
      await stage.refusesOptions({ userProperties: [['a']] }, 'userProperties[0]', pair);
      await stage.refusesOptions({ userProperties: { a: 'b' } }, 'userProperties', `${pair}s`);
      await stage.refusesOptions({ userProperties: [['a', '\0']] }, 'userProperties[0]', 'U+0000');
    },
  ],
  [
    24,
    'an authority together with `rejectUnauthorized: false`: a warning, loud',
    async () => {
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
      try {
        // Nobody needs to listen: the warning comes before anything else.
        const tls = { ca: 'not looked at', rejectUnauthorized: false };
        await connect('mqtts://127.0.0.1:1', { tls }).catch(() => {});
        expect(warn).toHaveBeenCalledOnce();
        expect(String(warn.mock.calls[0]?.[0])).toMatch(
          /tls\.ca.*tls\.rejectUnauthorized is false/,
        );
        warn.mockClear();
        await connect('mqtts://127.0.0.1:1', { tls: { rejectUnauthorized: false } }).catch(
          () => {},
        );
        expect(warn).not.toHaveBeenCalled();
      } finally {
        warn.mockRestore();
      }
    },
  ],
  [
    25,
    'an authority, certificate or key that is empty or no PEM, by its name',
    async (stage) => {
      const url = stage.url.replace('mqtt:', 'mqtts:');
      const { cert, key } = own();
      for (const [tls, name] of [
        [{ ca: '' }, 'tls.ca'],
        [{ ca: new Uint8Array(0) }, 'tls.ca'],
        [{ ca: 5 }, 'tls.ca'],
        [{ ca: ['', 'x'] }, 'tls.ca[0]'],
        [{ ca: './ca.pem' }, 'tls.ca'],
        [{ ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }, 'tls.ca'],
        [{ cert: 'nothing', key }, 'tls.cert'],
        [{ cert, key: 'nothing' }, 'tls.key'],
        [{ cert }, 'tls.cert needs tls.key'],
        [{ key }, 'tls.key needs tls.cert'],
      ] as const) {
        await stage.refusesToConnect(url, { tls }, name);
      }
    },
  ],
  [
    26,
    'a key that does not fit its certificate',
    async (stage) => {
      const url = stage.url.replace('mqtt:', 'mqtts:');
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
      await stage.refusesToConnect(url, { tls: { cert: own().cert, key } }, 'tls.key', 'tls.cert');
    },
  ],
  [
    27,
    'an encrypted key without its passphrase, or with another',
    async (stage) => {
      const url = stage.url.replace('mqtt:', 'mqtts:');
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const key = privateKey.export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'right',
      });
      const { cert } = own();
      await stage.refusesToConnect(url, { tls: { cert, key } }, 'tls.key', 'tls.passphrase');
      const tls = { cert, key, passphrase: 'wr0ng' };
      await stage.refusesToConnect(url, { tls }, /tls\.passphrase(?!.*wr0ng)/);
    },
  ],
  [
    28,
    'TLS options, or credentials, where not everything is encrypted',
    async (stage) => {
      const tls = { rejectUnauthorized: false };
      await stage.refusesOptions({ tls }, 'tls', 'mqtts://', 'is not encrypted');
      const ws = stage.url.replace('mqtt:', 'ws:');
      await stage.refusesToConnect(ws, { tls }, 'tls', 'wss://', 'is not encrypted');
      const secure = stage.url.replace('mqtt:', 'mqtts:');
      const servers = [stage.url];
      await stage.refusesToConnect(secure, { tls, servers }, 'tls', 'is not encrypted');
      // What is meant for an encrypted server must not go to one that is not, in place of it.
      for (const options of [
        { username: 'u' },
        { password: 'p' },
        { credentials: () => ({ username: 'u' }) },
        { authentication: { method: 'm', respond() {} } },
      ]) {
        const [name = ''] = Object.keys(options);
        const both = [secure, stage.url];
        await stage.refusesToConnect(secure, { ...options, servers }, name, ...both, 'encrypted');
        await stage.refusesOptions({ ...options, servers: [secure] }, name, ...both, 'encrypted');
      }
      const webSocket = { headers: { a: 'b' } };
      const mixed = { webSocket, servers: [ws] };
      await stage.refusesToConnect(ws.replace('ws:', 'wss:'), mixed, 'webSocket.headers', ws);
      await stage.refusesOptions({ webSocket }, 'webSocket', 'ws:// or wss://');
    },
  ],
];

/** A client certificate and its key. */
function own(): { readonly cert: string; readonly key: string } {
  if (!requires('openssl')) throw new Error('openssl is missing');
  const { cert, key } = certificates().client;
  return { cert: cert.text, key: key.text };
}
