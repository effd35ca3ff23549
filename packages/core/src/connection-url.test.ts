import { describe, expect, it } from 'vitest';
import { parseConnectionUrl } from './connection-url.ts';
import { MqttUsageError } from './errors.ts';

function problem(url: unknown): string {
  try {
    parseConnectionUrl(url);
  } catch (error) {
    expect(error).toBeInstanceOf(MqttUsageError);
    return (error as Error).message;
  }
  throw new Error(`${String(url)} was taken`);
}

describe('parseConnectionUrl', () => {
  it('knows the schemes and their ports', () => {
    const ports = ['mqtt', 'mqtts', 'ws', 'wss'].map((scheme) => {
      const { port, secure, server } = parseConnectionUrl(`${scheme}://broker.example`);
      return [scheme, port, secure, server];
    });
    expect(ports).toEqual([
      ['mqtt', 1883, false, 'mqtt://broker.example:1883'],
      ['mqtts', 8883, true, 'mqtts://broker.example:8883'],
      ['ws', 80, false, 'ws://broker.example:80'],
      ['wss', 443, true, 'wss://broker.example:443'],
    ]);
  });

  it('takes a URL object as well as text, and schemes and hosts in capitals', () => {
    expect(parseConnectionUrl(new URL('mqtt://u:p@h:1884'))).toEqual(
      parseConnectionUrl('MQTT://u:p@H:1884'),
    );
  });

  it('splits the credentials at the first colon and decodes them', () => {
    expect(parseConnectionUrl('mqtt://user:pa:ss@h')).toMatchObject({
      username: 'user',
      password: 'pa:ss',
    });
    expect(parseConnectionUrl('mqtt://us%40er:p%2Fw%3A%25@h')).toMatchObject({
      username: 'us@er',
      password: 'p/w:%',
    });
    expect(parseConnectionUrl('mqtt://user:@h')).toMatchObject({ username: 'user', password: '' });
    expect(parseConnectionUrl('mqtt://user@h')).toMatchObject({
      username: 'user',
      password: undefined,
    });
    expect(parseConnectionUrl('mqtt://:token@h')).toMatchObject({
      username: undefined,
      password: 'token',
    });
    expect(parseConnectionUrl('mqtt://a@b:c@d@h')).toMatchObject({
      username: 'a@b',
      password: 'c@d',
      hostname: 'h',
    });
  });

  it('keeps credentials and query out of the server that people see', () => {
    const { server, path } = parseConnectionUrl('wss://user:secret@h/mqtt?token=secret');
    expect(server).toBe('wss://h:443/mqtt');
    expect(path).toBe('/mqtt?token=secret');
  });

  it('takes IPv6 addresses in brackets, with a zone too', () => {
    expect(parseConnectionUrl('mqtt://[::1]:1884')).toMatchObject({
      hostname: '::1',
      port: 1884,
      server: 'mqtt://[::1]:1884',
    });
    expect(parseConnectionUrl('mqtt://[fe80::1%25eth0]').hostname).toBe('fe80::1%eth0');
    expect(parseConnectionUrl('mqtt://[fe80::1%eth0]').hostname).toBe('fe80::1%eth0');
  });

  it('encodes international host names', () => {
    expect(parseConnectionUrl('mqtt://bücher.example').hostname).toBe('xn--bcher-kva.example');
  });

  it('gives WebSocket URLs a path and a query', () => {
    expect(parseConnectionUrl('ws://h').path).toBe('/');
    expect(parseConnectionUrl('ws://h:9001/mqtt').path).toBe('/mqtt');
    expect(parseConnectionUrl('ws://h//x?y=1').path).toBe('//x?y=1');
    expect(parseConnectionUrl('ws://h?y=1').path).toBe('/?y=1');
    expect(problem('ws://h/mqtt#x')).toContain('fragment');
  });

  it('takes the file of a Unix socket', () => {
    expect(parseConnectionUrl('mqtt+unix:///run/my%20broker.sock')).toMatchObject({
      hostname: '',
      port: 0,
      path: '/run/my broker.sock',
      server: 'mqtt+unix:///run/my broker.sock',
    });
    expect(problem('mqtt+unix://run/broker.sock')).toContain('three slashes');
    expect(problem('mqtt+unix://')).toContain('three slashes');
  });

  it('names the valid schemes and the one that was meant', () => {
    for (const [wrong, meant] of [
      ['http', 'ws'],
      ['https', 'wss'],
      ['tcp', 'mqtt'],
      ['ssl', 'mqtts'],
      ['tls', 'mqtts'],
      ['mqttss', 'mqtts'],
      ['mqt', 'mqtt'],
    ]) {
      const message = problem(`${wrong}://h`);
      expect(message).toContain('mqtt://, mqtts://, ws://, wss:// or mqtt+unix://');
      expect(message).toContain(`Did you mean ${meant}://?`);
    }
    expect(problem('localhost:1884')).toContain('as in mqtt://localhost:1884');
  });

  it('says which part cannot be', () => {
    expect(problem(undefined)).toBe('url is required, for example mqtt://localhost');
    expect(problem('')).toContain('required');
    expect(problem(5)).toContain('got 5');
    expect(problem('mqtt://')).toContain('no host');
    expect(problem('mqtt://:1883')).toContain('no host');
    expect(problem('mqtt://h:0')).toContain('port from 1 to 65,535; got "0"');
    expect(problem('mqtt://h:70000')).toContain('got "70000"');
    expect(problem('mqtt://h:abc')).toContain('port');
    expect(problem('mqtt://[::1')).toContain('closing bracket');
    expect(problem('mqtt://[::1]x')).toContain('between its host and its port');
    expect(problem('mqtt://::1')).toContain('brackets');
    expect(problem('mqtt://a b')).toContain('"a b"');
    expect(problem('mqtt://[zz]')).toContain('cannot be');
    expect(problem('mqtt://h/path')).toContain('path');
    expect(problem('mqtt://h?clientId=x')).toContain('query');
    expect(problem('mqtt://u:%zz@h')).toContain('%25');
    expect(parseConnectionUrl('mqtt://h/').path).toBe('');
  });

  it('never repeats a password, whatever is wrong', () => {
    for (const url of [
      'mqtt://user:secret@h:0',
      'mqtt://user:secret',
      'mqtt://user:se/secret@h',
      'mqtt://user:a:secret',
      'mqtt://user:%zzsecret@h',
      'user:secret@h',
      'http://user:secret@h',
      'mqtt://user:secret@h/secret',
      'mqtt://user:secret@[h',
      'mqtt://user:secret@',
      'h?token=secret',
    ]) {
      expect(problem(url)).not.toContain('secret');
    }
  });
});
