import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../setup/aedes.ts';
import { startChild } from '../setup/child-process.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { until } from '../setup/until.ts';
import { type Packed, packAll, root } from './packed.ts';

/** The packed packages, installed by npm into an empty folder, as somebody else would have them. */

const runFile = promisify(execFile);
const folder = temporaryFolder('consumer');
let packed: readonly Packed[] = [];
let broker: EmbeddedAedes;

beforeAll(async () => {
  packed = await packAll();
  write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
  await runFile('npm', ['install', ...quiet, ...packed.map(({ tarball }) => tarball)], {
    cwd: folder,
    // The settings of the package manager that runs this test are not the consumer's.
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')),
    ),
  });
  broker = await startAedes('3.1.1');
}, 180_000);
afterAll(() => broker?.stop());

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

async function run(words: readonly string[]): Promise<string> {
  const child = startChild(process.execPath, words, { cwd: folder });
  const { code } = await child.ended;
  return `${child.stdout}${child.stderr}exit ${code}`;
}

const roundTrip = `
  const client = await connect(process.argv[2]);
  const readings = await client.subscribe('house/+room/temperature', { qos: 1 });
  await client.publish('house/attic/temperature', '19.5', { qos: 1 });
  for await (const message of readings) {
    console.log(message.params.room, message.text());
    break;
  }
  await client.close();
`;

describe('installed from the packages', () => {
  it('is imported', async () => {
    write('import.mjs', `import { connect } from 'mqtt-kit';\n${roundTrip}`);
    expect(await run(['import.mjs', broker.url('tcp')])).toBe('attic 19.5\nexit 0');
  });

  it('is required, from Node 20.19 on', async () => {
    write(
      'require.cjs',
      `const { connect } = require('mqtt-kit');\n(async () => {${roundTrip}})();`,
    );
    // Newer releases of Node 20 say on stderr that it is an experiment; here its silence is not the point.
    const words = ['--no-warnings', 'require.cjs', broker.url('tcp')];
    expect(await run(words)).toBe('attic 19.5\nexit 0');
  });

  it('has the same exports for a browser', async () => {
    write(
      'exports.mjs',
      `import * as node from 'mqtt-kit';
       const browser = await import(new URL('node_modules/mqtt-kit/dist/index.browser.js', import.meta.url));
       console.log(JSON.stringify([Object.keys(node).sort(), Object.keys(browser).sort()]));`,
    );
    const output = await run(['exports.mjs']);
    const [node, browser] = JSON.parse(output.replace('\nexit 0', ''));
    expect(node).toContain('connect');
    expect(browser).toEqual(node);
  });

  const consumer = `
    import { connect, type Message, MqttError } from 'mqtt-kit';

    const client = await connect('mqtt://localhost', { keepAliveSeconds: 30 });
    const subscription = await client.subscribe('house/+room/temperature', (message) => {
      const room: string = message.params.room;
      // @ts-expect-error: the filter has no such name.
      message.params.rom;
      console.log(room, message.text());
    });
    const keep = (message: Message): Uint8Array => message.payload;
    for await (const message of subscription) keep(message);
    // @ts-expect-error: no such option.
    await connect('mqtt://localhost', { keepAlive: 30 });
    try {
      await client.publish('house/kitchen/light', { on: true }, { qos: 1 });
    } catch (error) {
      if (error instanceof MqttError) console.error(error.code);
    }
    await client.close();
  `;

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])(
    'type-checks in a project with module %s and resolution %s',
    async (module, moduleResolution) => {
      const project = `types-${moduleResolution}`;
      write(`${project}/consumer.ts`, consumer);
      const compilerOptions = {
        module,
        moduleResolution,
        target: 'es2022',
        lib: ['es2022', 'dom', 'esnext.disposable'],
        types: [],
        strict: true,
        noEmit: true,
        // Our declarations are checked as well, not believed.
        skipLibCheck: false,
      };
      write(
        `${project}/tsconfig.json`,
        JSON.stringify({ compilerOptions, include: ['consumer.ts'] }),
      );
      const tsc = join(root, 'node_modules', '.bin', 'tsc');
      const said = await new Promise<string>((resolve) => {
        execFile(tsc, ['-p', join(folder, project)], (_error, stdout) => resolve(stdout));
      });
      expect(said).toBe('');
    },
  );

  it('brings mqtt-pub and mqtt-sub by their names', async () => {
    const program = (name: string): string => join(folder, 'node_modules', '.bin', name);
    const port = `${broker.port('tcp')}`;
    const filter = 'house/+/temperature';
    const subscriber = startChild(program('mqtt-sub'), ['-p', port, '-t', filter, '-v', '-C', '1']);
    await until(() => broker.connectedClients === 1, 'mqtt-sub is connected');
    const words = ['-p', port, '-t', 'house/attic/temperature', '-m', '19.5', '-r', '-q', '1'];
    const publisher = startChild(program('mqtt-pub'), words);
    expect(await publisher.ended).toMatchObject({ code: 0 });
    expect(await subscriber.ended).toMatchObject({ code: 0 });
    expect(`${subscriber.stdout}`).toBe('house/attic/temperature 19.5\n');
    expect(subscriber.stderr + publisher.stderr).toBe('');
  });
});
