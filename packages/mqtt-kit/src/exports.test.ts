import { describe, expect, it } from 'vitest';
import * as browser from './index.browser.ts';
import * as node from './index.ts';

describe('the entries for Node and for browsers', () => {
  it('export the same names', () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
  });

  it('export things of the same kind', () => {
    const kinds = (entry: object): string[] =>
      Object.entries(entry).map(([name, value]) => `${name}: ${typeof value}`);
    expect(kinds(browser).sort()).toEqual(kinds(node).sort());
    expect(kinds(node)).toContain('connect: function');
  });
});

describe('connect of the browser', () => {
  it.each(['mqtt://localhost', 'mqtts://localhost', 'mqtt+unix:///run/mqtt.sock'])(
    'says of %s to use a WebSocket',
    async (url) => {
      await expect(browser.connect(url)).rejects.toMatchObject({
        code: 'invalidArgument',
        hint: expect.stringMatching(/use ws:\/\/ or wss:\/\//),
      });
    },
  );
});
