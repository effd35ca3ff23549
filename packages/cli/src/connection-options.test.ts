import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectionPlan, connectionPlan } from './connection-options.ts';
import { parseArguments } from './parse-arguments.ts';
import { UsageError } from './usage-error.ts';

type Env = Readonly<Record<string, string | undefined>>;

const sub = (argv: string[], env: Env = {}): ConnectionPlan =>
  connectionPlan(parseArguments('mqtt-sub', argv), env);
const pub = (argv: string[]): ConnectionPlan =>
  connectionPlan(parseArguments('mqtt-pub', argv), {});

function mistake(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} | ${error.hint ?? ''}`;
    throw error;
  }
  return 'none';
}

const text = (bytes: unknown) => new TextDecoder().decode(bytes as Uint8Array);

let folder = '';
const file = (name: string, content: string, mode = 0o600) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the address', () => {
  it('is this machine unless it is given', () => {
    expect(sub([]).url).toBe('mqtt://localhost');
    expect(sub(['-h', 'broker', '-p', '1884']).url).toBe('mqtt://broker:1884');
    expect(sub(['-h', '::1']).url).toBe('mqtt://[::1]');
    expect(sub(['-h', '[::1]', '-p', '1']).url).toBe('mqtt://[::1]:1');
  });

  it('has TLS with port 8883 or a certificate option, as with mosquitto', () => {
    const ca = file('ca.pem', '-----BEGIN CERTIFICATE-----\nx\n');
    expect(sub(['-p', '8883']).url).toBe('mqtts://localhost:8883');
    expect(sub(['--cafile', ca]).url).toBe('mqtts://localhost');
    expect(sub(['--cafile', ca, '-p', '1883']).url).toBe('mqtts://localhost:1883');
    expect(sub(['--cafile', ca]).options.tls).toEqual({ ca: '-----BEGIN CERTIFICATE-----\nx\n' });
    expect(sub(['-p', '1883']).options.tls).toBeUndefined();
  });

  it('of -L gives way to -h, -p and -u', () => {
    const plan = sub(['-L', 'mqtt://u:p@h:1/t/#', '-h', 'other', '-p', '2', '-u', 'me']);
    expect(plan.url).toBe('mqtt://other:2');
    expect(plan.urlTopic).toBe('t/#');
    expect(plan.options).toMatchObject({ username: 'me', password: 'p' });
  });

  it('of -L has no credentials in it', () => {
    expect(sub(['-L', 'wss://u:p@h/mqtt?token=1']).url).toBe('wss://h/mqtt?token=1');
    expect(sub(['-L', 'mqtt+unix:///run/m.sock']).url).toBe('mqtt+unix:///run/m.sock');
  });

  it.each([
    [['-h', ''], 'not an empty value'],
    [['-h', 'mqtt://broker'], 'A URL is given by -L'],
    [['-h', 'broker:1884'], 'Write -h broker -p 1884'],
    [['-h', 'a b'], "not 'a b'"],
    [['--insecure'], '--insecure needs TLS'],
    [['-L', 'mqtt://h', '--insecure'], 'Write mqtts:// in -L'],
    [['-L', 'ws://h', '--cafile', 'x'], 'Write wss:// in -L'],
    [['-p', '8883', '--cert', 'x'], '--cert and --key go together'],
    [['--cafile', '/nowhere/ca.pem'], "cannot read '/nowhere/ca.pem': no such file"],
    [['--cafile', '/'], 'it is a directory'],
    [['-V', '31'], 'MQTT 3.1 is not supported'],
    [['-V', 'mqttv31'], '-V 311'],
    [['-c'], '-c needs a client identifier'],
    [['-c', '-i', ''], '-c needs a client identifier'],
    [['-V', '311', '-P', 'x'], 'no password without a user name'],
    [['--will-payload', 'x'], '--will-payload needs --will-topic'],
    [['--will-retain'], '--will-retain needs --will-topic'],
    [['--will-topic', 'a/#'], 'must not contain wildcards'],
    [['--will-topic', 'a', '--will-payload', 'x'.repeat(65_536)], 'at most 65535'],
    [['-i', 'a\udcff'], '-i must be UTF-8'],
  ])('%j is a mistake: %s', (argv, expected) => {
    expect(mistake(() => sub(argv))).toContain(expected);
  });

  it('that holds a user name is not repeated in the error', () => {
    expect(mistake(() => sub(['-h', 'me:secret@broker']))).not.toContain('secret');
  });

  it('names an empty or wrong PEM file', () => {
    expect(mistake(() => sub(['--cafile', file('empty.pem', ' \n')]))).toMatch(
      /empty.pem' is empty/,
    );
    const key = file('key.pem', '-----BEGIN EC PRIVATE KEY-----\nx\n');
    expect(mistake(() => sub(['--cafile', key]))).toContain('holds no certificate in PEM form');
    expect(mistake(() => sub(['--cert', key, '--key', key]))).toContain('--cert');
  });
});

describe('the session', () => {
  it('keeps what the server kept, except for a publisher at QoS 2', () => {
    expect(sub(['-c', '-i', 'x']).options).toMatchObject({
      cleanStart: false,
      clientId: 'x',
      foreignSession: 'adopt',
    });
    expect(sub(['-c', '-i', 'x', '-q', '2']).options.foreignSession).toBe('adopt');
    expect(pub(['-c', '-i', 'x', '-q', '1']).options.foreignSession).toBe('adopt');
    expect(pub(['-c', '-i', 'x', '-q', '2']).options.foreignSession).toBe('reset');
    expect(sub(['-i', 'x']).options.cleanStart).toBeUndefined();
  });

  it('is restored for ever by mqtt-sub, five times and ten seconds by mqtt-pub, or as --retry-limit says', () => {
    expect(sub([])).toMatchObject({
      retry: { limit: Number.POSITIVE_INFINITY, initial: false },
      options: { reconnect: { maxAttempts: Number.POSITIVE_INFINITY } },
    });
    expect(pub([])).toMatchObject({
      retry: { limit: 5, minimumMs: 10_000, initial: false },
      options: { reconnect: { maxAttempts: Number.POSITIVE_INFINITY, factor: 4 } },
    });
    expect(pub(['--retry-limit', '9'])).toMatchObject({
      retry: { limit: 9, minimumMs: 0, initial: true },
      options: { reconnect: { maxAttempts: 10, factor: 4 } },
    });
    expect(sub(['--retry-limit', '3']).retry).toEqual({ limit: 3, minimumMs: 0, initial: true });
    expect(pub(['--retry-limit', '0'])).toMatchObject({
      retry: { limit: 0, initial: true },
      options: { reconnect: false },
    });
  });

  it('takes version, keep-alive, timeout, will and trace from the options', () => {
    const plan = sub(
      '-V 5 -k 30 --connect-timeout 1.5 -d --will-topic w --will-payload bye --will-qos 1 --will-retain'.split(
        ' ',
      ),
    );
    expect(plan.options).toMatchObject({
      version: '5.0',
      keepAliveSeconds: 30,
      connectTimeoutMs: 1500,
      trace: true,
      will: { topic: 'w', qos: 1, retain: true },
    });
    expect(text((plan.options.will as { payload: Uint8Array }).payload)).toBe('bye');
    expect(
      ['auto', '311', 'mqttv311', '3.1.1', 'mqttv5', '5.0'].map(
        (v) => sub(['-V', v]).options.version,
      ),
    ) //
      .toEqual(['auto', '3.1.1', '3.1.1', '3.1.1', '5.0', '5.0']);
  });
});

describe('the password', () => {
  it('comes from -P, else the file, else the URL, else the environment', () => {
    const path = file('password', 'fromFile\r\nsecond line\n');
    const url = ['-L', 'mqtt://me:fromUrl@h'];
    const env = { MQTT_PASSWORD: 'fromEnvironment', MQTT_HOST: 'ignored' };
    const password = (argv: string[]) => {
      const given = sub(argv, env).options.password;
      return typeof given === 'string' || given === undefined ? given : text(given);
    };
    expect(password([...url, '--password-file', path, '-P', 'given'])).toBe('given');
    expect(password([...url, '--password-file', path])).toBe('fromFile');
    expect(password(url)).toBe('fromUrl');
    expect(password(['-u', 'me'])).toBe('fromEnvironment');
    expect(sub(['-u', 'me'], env).url).toBe('mqtt://localhost');
  });

  it('of the environment goes to no server without a user name', () => {
    expect(sub([], { MQTT_PASSWORD: 'x' }).options.password).toBeUndefined();
    expect(sub(['-u', 'me'], { MQTT_PASSWORD: '' }).options.password).toBeUndefined();
  });

  it('may be any bytes in a file', () => {
    const path = join(folder, 'binary');
    writeFileSync(path, Uint8Array.of(0xff, 0x00, 0x41), { mode: 0o600 });
    expect(sub(['-u', 'x', '--password-file', path]).options.password).toEqual(
      Uint8Array.of(0xff, 0x00, 0x41),
    );
  });

  it('gets a note when others can see it', () => {
    expect(sub(['-u', 'a', '-P', 'b']).notes).toMatchObject([{ terminalOnly: true }]);
    expect(sub(['-L', 'mqtt://a:b@h']).notes).toMatchObject([{ terminalOnly: true }]);
    const open = file('open', 'x\n', 0o644);
    expect(sub(['-u', 'a', '--password-file', open]).notes[0]?.text).toContain('chmod 600');
    expect(sub(['-u', 'a', '--password-file', file('closed', 'x\n')]).notes).toEqual([]);
  });

  it('file that cannot be used is named', () => {
    const fromFile = (path: string) => mistake(() => sub(['-u', 'a', '--password-file', path]));
    expect(fromFile('/nowhere')).toContain("--password-file: cannot read '/nowhere': no such file");
    expect(fromFile(folder)).toContain('it is a directory');
    expect(fromFile(file('blank', '\nsecret\n'))).toContain('no password in the first line');
    expect(mistake(() => pub(['-l', '--password-file', '-']))).toContain(
      'both read standard input',
    );
  });
});
