import { describe, expect, it } from 'vitest';
import { parseConnectionUrl } from './connection-url.ts';
import { redirectOf } from './redirect.ts';

const transports = { mqtt: 1, mqtts: 1, ws: 1, wss: 1 };

function from(url: string, reference: string | undefined): string {
  const redirect = redirectOf(reference, parseConnectionUrl(url), transports);
  if ('problem' in redirect) return redirect.problem;
  const { server, path, username, password } = redirect.url;
  return [server, path, username, password].filter(Boolean).join(' ');
}

describe('a Server Reference', () => {
  it.each([
    ['mqtt://a', 'b', 'mqtt://b:1883'],
    ['mqtt://a:1999', 'b', 'mqtt://b:1999'],
    ['mqtts://u:p@a', 'b:8884', 'mqtts://b:8884 u p'],
    ['mqtt://a', '[::1]:99', 'mqtt://[::1]:99'],
    ['mqtt://a', '[fe80::1]', 'mqtt://[fe80::1]:1883'],
    ['wss://a/mqtt?token=1', 'b', 'wss://b:443/mqtt /mqtt?token=1'],
    ['mqtt://u:p@a', 'mqtts://b', 'mqtts://b:8883 u p'],
    ['wss://a/x', 'mqtts://b', 'mqtts://b:8883'],
    ['mqtts://a', ' mqtt://b  mqtts://c d', 'mqtts://c:8883'],
  ])('on %s to %j leads to %s', (url, reference, expected) => {
    expect(from(url, reference)).toBe(expected);
  });

  it.each([
    ['mqtts://u:p@a', 'mqtt://b', 'not encrypted'],
    ['wss://a', 'ws://b', 'not encrypted'],
    ['mqtts://a', 'ws://b', 'not encrypted'],
    ['mqtt://a', 'mqtt://x:y@b', 'credentials'],
    ['mqtt://a', 'http://b', 'must begin with'],
    ['mqtt://a', '\u0000', 'a host that cannot be'],
    ['mqtt://a', 'b:99999', 'port'],
    ['mqtt://a', 'mqtt+unix:///run/x', 'Unix sockets'],
    ['mqtt+unix:///run/x', 'b', 'three slashes'],
    ['mqtt://a', undefined, 'does not say'],
    ['mqtt://a', '  ', 'does not say'],
  ])('on %s to %j is not followed', (url, reference, problem) => {
    expect(from(url, reference)).toContain(problem);
  });

  it('is not followed where there is no transport', () => {
    const redirect = redirectOf('wss://b', parseConnectionUrl('mqtt://a'), { mqtt: 1 });
    expect(redirect).toEqual({ problem: 'wss:// is not available here' });
  });
});
