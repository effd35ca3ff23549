import { describe, expect, it } from 'vitest';
import type { ConnectionUrl } from './connection-url.ts';
import { parseConnectionUrl } from './connection-url.ts';
import { ServerList } from './server-list.ts';

function list(...hosts: readonly string[]): ServerList {
  const urls = hosts.map((host) => parseConnectionUrl(`mqtt://${host}`));
  return new ServerList(urls as [ConnectionUrl, ...ConnectionUrl[]]);
}

/** The servers tried over so many attempts, `|` where a wait comes between; `good` ones give good connections. */
function tried(servers: ServerList, attempts: number, good: readonly string[] = []): string {
  let text = '';
  for (let attempt = 0; attempt < attempts; attempt++) {
    servers.attempt();
    const { hostname } = servers.current;
    text += hostname + (servers.next(good.includes(hostname)) ? '' : '|');
  }
  return text;
}

describe('a list of servers', () => {
  it('is tried in order, all of it before anybody waits', () => {
    expect(tried(list('a', 'b', 'c'), 9)).toBe('abc|abc|abc|');
    expect(tried(list('a'), 3)).toBe('a|a|a|');
  });

  it('stays with a server whose connections are good, and tries the others when it fails', () => {
    const servers = list('a', 'b', 'c');
    expect(tried(servers, 4, ['b'])).toBe('ab|b|b|');
    expect(tried(servers, 3)).toBe('bac|');
    expect(servers.hasUntried).toBe(true);
  });

  it('tries one that fails again and again less often, and a good connection restores it', () => {
    const servers = list('a', 'b');
    // Every second connection to b is good; a never is.
    const attempts = { a: 0, b: 0 };
    for (let attempt = 0; attempt < 100; attempt++) {
      const hostname = servers.current.hostname as 'a' | 'b';
      attempts[hostname] += 1;
      servers.attempt();
      servers.next(hostname === 'b' && attempts.b % 2 === 0);
    }
    expect(attempts.a).toBeLessThan(12);
    expect(attempts.a).toBeGreaterThan(4);
    const restored = list('a', 'b');
    tried(restored, 20);
    expect(tried(restored, 6, ['a'])).toMatch(/a\\|a\\|a\\|a/);
  });

  it('goes elsewhere for one connection, or for good', () => {
    const servers = list('a', 'b');
    const elsewhere = parseConnectionUrl('mqtt://x');
    servers.attempt();
    servers.redirect(elsewhere, false);
    expect(tried(servers, 1)).toBe('x');
    expect(tried(servers, 3)).toBe('b|ab|');
    servers.redirect(elsewhere, true);
    expect(tried(servers, 4)).toBe('xb|xb|');
  });
});
