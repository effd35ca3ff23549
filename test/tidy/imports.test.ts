import { describe, expect, it } from 'vitest';
import { read, shippedSources, withoutComments } from './tree.ts';

/** What each package may import, besides its own files. Arrows between the layers point down only. */
const allowed: Readonly<Record<string, RegExp>> = {
  'packages/packet': /^$/,
  'packages/engine': /^@mqtt-kit\/packet$/,
  'packages/core': /^@mqtt-kit\/(packet|engine)$/,
  'packages/transport-tcp': /^(@mqtt-kit\/core|node:.*)$/,
  'packages/transport-websocket': /^(@mqtt-kit\/(core|transport-tcp)|node:.*|ws)$/,
  'packages/store-file': /^(@mqtt-kit\/(packet|engine|core)|node:.*)$/,
  'packages/store-indexeddb': /^(@mqtt-kit\/(packet|engine|core)|idb-keyval)$/,
  'packages/simulator': /^@mqtt-kit\/core$/,
  'packages/mqtt-kit':
    /^(@mqtt-kit\/(core|transport-(tcp|websocket)|store-(file|indexeddb)|simulator)|node:.*)$/,
  'packages/testkit': /^(@mqtt-kit\/(packet|engine|core)|node:.*)$/,
  'packages/cli':
    /^(@mqtt-kit\/(packet|core|transport-(tcp|websocket))|mqtt-kit(\/(store-file|simulator))?|yargs(\/.*)?|chalk|node:.*)$/,
  'apps/dashboard': /^(mqtt-kit(\/store-indexeddb)?|uplot)$/,
  'apps/mqtt-pub': /^(@mqtt-kit\/cli|node:.*)$/,
  'apps/mqtt-sim': /^(mqtt-kit(\/simulator)?|yaml|yargs(\/.*)?|sucrase|node:.*)$/,
  'apps/mqtt-sub': /^(@mqtt-kit\/cli|node:.*)$/,
};

/** Files that run in a browser. */
const browserSafe =
  /(^packages\/(packet|engine|core|store-indexeddb|simulator)\/)|(^apps\/dashboard\/)|(\.browser\.ts$)/;

function importsOf(path: string): string[] {
  const code = withoutComments(read(path));
  const specifiers =
    /(?:^|[\s;])(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;
  return [...code.matchAll(specifiers)].map((found) => found[1] ?? found[2] ?? '');
}

function folderOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

describe('imports', () => {
  const sources = shippedSources();

  it('finds imports at all', () => {
    expect(importsOf('packages/core/src/client.ts')).toContain('@mqtt-kit/engine');
  });

  it('has a rule for every package', () => {
    const ruled = new Set(Object.keys(allowed));
    expect(sources.map(folderOf).filter((folder) => !ruled.has(folder))).toEqual([]);
  });

  it('goes down the layers only', () => {
    const wrong = sources.flatMap((path) =>
      importsOf(path)
        .filter((name) => !name.startsWith('.') && !allowed[folderOf(path)]?.test(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('names files of the same package with their ending, and never reaches into another package', () => {
    const wrong = sources.flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith('.') && !/^\.\/[\w./-]+\.ts$/.test(name))
        .filter((name) => !(/^(\.\.\/)+[\w./-]+\.ts$/.test(name) && staysInside(path, name)))
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps Node out of what runs in a browser', () => {
    const wrong = sources
      .filter((path) => browserSafe.test(path))
      .flatMap((path) =>
        importsOf(path)
          .filter((name) => name.startsWith('node:') || name === 'ws')
          .map((name) => `${path} imports ${name}`),
      );
    expect(wrong).toEqual([]);
  });
});

function staysInside(path: string, specifier: string): boolean {
  const resolved = new URL(specifier, `file:///${path}`).pathname.slice(1);
  return resolved.startsWith(`${folderOf(path)}/src/`);
}
