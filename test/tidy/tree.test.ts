import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filesUnder, findings, packageFolders, read, root } from './tree.ts';

const texts = filesUnder('.').filter(
  (path) => /\.(ts|js|mjs|json|md|yaml|html|sh)$/.test(path) || path === '.ci/run',
);

describe('the tree', () => {
  it('has only planned things at its top', () => {
    const planned = [
      '.ci',
      '.gitignore',
      '.node-version',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'apps',
      'biome.json',
      'docs',
      'knip.json',
      'package.json',
      'packages',
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      'test',
      'tsconfig.json',
      'vitest.config.ts',
    ];
    const made = ['.git', '.scratch', 'coverage', 'node_modules'];
    const found = readdirSync(root).filter((name) => !made.includes(name));
    expect(found.sort()).toEqual(planned.sort());
  });

  it('names no folder of any machine', () => {
    const machine = new RegExp(
      ['work', 'root', 'home/[a-z]', 'Users', 'tmp/bash']
        .map((name) => `(^|[\\s'"\`(=])/${name}\\b`)
        .join('|'),
    );
    const ours = texts.filter((path) => path !== 'test/tidy/tree.test.ts');
    expect(findings(ours, machine)).toEqual([]);
  });

  it('names every file in kebab-case', () => {
    const code = filesUnder('.').filter((path) =>
      /^(packages|apps|test)\/.*\.(ts|js|mjs)$/.test(path),
    );
    const names = code.map((path) => path.split('/').at(-1) ?? '');
    expect(names.filter((name) => !/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(name))).toEqual([]);
  });
});

describe('package.json', () => {
  const manifests = ['package.json', ...packageFolders().map((folder) => `${folder}/package.json`)];

  it.each(manifests)('%s pins exact versions', (path) => {
    const manifest = JSON.parse(read(path));
    const loose = ['dependencies', 'devDependencies', 'optionalDependencies']
      .flatMap((kind) => Object.entries<string>(manifest[kind] ?? {}))
      .filter(
        ([, wanted]) => !/^(workspace:\*|(npm:[@\w/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?)$/.test(wanted),
      );
    expect(loose).toEqual([]);
  });

  it.each(manifests.slice(1))('%s says what it is and which Node it needs', (path) => {
    const manifest = JSON.parse(read(path));
    expect(manifest.type).toBe('module');
    if (manifest.private) return;
    expect(manifest.engines).toEqual({ node: '>=20.19' });
    expect(manifest).toMatchObject({ license: 'MIT', description: expect.stringMatching(/\.$/) });
    expect(manifest.files[0]).toMatch(/^dist(\/|$)/);
  });

  it('has one version for everything that is published', () => {
    const versions = packageFolders().map(
      (folder) => JSON.parse(read(`${folder}/package.json`)).version,
    );
    expect(new Set(versions).size).toBe(1);
  });

  it('keeps runtime dependencies to the planned ones', () => {
    const outside = packageFolders().flatMap((folder) => {
      const { dependencies = {} } = JSON.parse(read(`${folder}/package.json`));
      return Object.keys(dependencies)
        .filter((name) => name !== 'mqtt-kit' && !name.startsWith('@mqtt-kit/'))
        .map((name) => `${folder}: ${name}`);
    });
    const planned = [
      'apps/mqtt-sim: sucrase',
      'apps/mqtt-sim: yaml',
      'apps/mqtt-sim: yargs',
      'packages/cli: chalk',
      'packages/cli: yargs',
      'packages/store-indexeddb: idb-keyval',
      'packages/transport-websocket: ws',
    ];
    expect(outside.sort()).toEqual(planned);
  });

  it('runs nothing when it is installed, nor do the dependencies that come with it', () => {
    const installed = packageFolders().flatMap((folder) => {
      const { dependencies = {} } = JSON.parse(read(`${folder}/package.json`));
      const outside = Object.keys(dependencies).filter(
        (name) => !/^(@mqtt-kit\/|mqtt-kit$)/.test(name),
      );
      return [folder, ...outside.map((name) => `${folder}/node_modules/${name}`)];
    });
    const scripts = installed.flatMap((folder) => {
      const { scripts: all = {}, gypfile } = JSON.parse(read(`${folder}/package.json`));
      const names = Object.keys(all).filter((name) => /^(pre|post)?install$/.test(name));
      return [...names, ...(gypfile ? ['gypfile'] : [])].map((name) => `${folder}: ${name}`);
    });
    expect(installed).toContain('packages/transport-websocket/node_modules/ws');
    expect(scripts).toEqual([]);
  });

  it('locks dependencies without naming a registry', () => {
    expect(findings(['pnpm-lock.yaml'], /https?:\/\//)).toEqual([]);
  });
});
