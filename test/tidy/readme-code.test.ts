import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { connect, type Message } from 'mqtt-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../setup/aedes.ts';
import { startChild } from '../setup/child-process.ts';
import { type CodeBlock, codeBlocks, documents } from './markdown.ts';
import { read, root } from './tree.ts';

/**
 * What the documents show is true: TypeScript compiles, the README's runs against a broker, and every command that is
 * shown is one that exists; those of our own programs are run.
 */

// Inside the tree, so that the packages are found by their names.
const scratch = join(root, '.scratch');
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let broker: EmbeddedAedes;
beforeAll(async () => {
  broker = await startAedes('3.1.1');
});
afterAll(() => broker.stop());

/** Runs a program at the root until it ends; it is told to when it is to be seen no longer, or past a limit. */
async function run(
  words: readonly string[],
  seen: Promise<unknown> = new Promise(() => {}),
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = startChild(process.execPath, words, { cwd: root });
  const limit = setTimeout(() => child.stop('SIGTERM'), 20_000);
  void seen.then(() => child.stop('SIGTERM'));
  const { code } = await child.ended;
  clearTimeout(limit);
  return { code, output: `${child.stdout}${child.stderr}` };
}

const blocks = documents.flatMap(codeBlocks);
const name = (block: CodeBlock): string => `${block.path}:${block.line}`;
const named = (list: readonly CodeBlock[]): [string, CodeBlock][] =>
  list.map((block) => [name(block), block]);
const scripts = blocks.filter((block) => /^(ts|js|typescript|javascript)$/.test(block.language));
const shell = blocks.filter((block) => /^(sh|bash|shell|console)$/.test(block.language));

describe('code in documents', () => {
  it('has blocks of known languages only', () => {
    const known = /^(ts|js|typescript|javascript|sh|bash|shell|console|json|text|html|)$/;
    expect(blocks.filter((block) => !known.test(block.language)).map(name)).toEqual([]);
  });

  it('compiles', async () => {
    const places = new Map<string, string>();
    scripts.forEach((block, index) => {
      const file = `block-${index}.ts`;
      places.set(file, name(block));
      // An empty export makes a module of a block that imports nothing.
      writeFileSync(join(folder, file), `${block.code}\nexport {};\n`);
    });
    const settings = {
      extends: '../../test/tsconfig.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ['block-*.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const said = await new Promise<string>((resolve) => {
      const tsc = join(root, 'node_modules', '.bin', 'tsc');
      execFile(tsc, ['-p', folder], (_error, stdout) => resolve(stdout));
    });
    const readable = said.replace(/[^\s(]*(block-\d+\.ts)/g, (_, file) => places.get(file) ?? file);
    expect(readable).toBe('');
  });

  it.each(named(scripts.filter((block) => block.path === 'README.md')))(
    'runs: %s',
    async (_place, block) => {
      const { code } = await transform(block.code, { loader: 'ts', format: 'esm' });
      const file = join(folder, `run-${block.line}.mjs`);
      // The first example leaves its client open, as a program would; here it ends when its message has come.
      const wait = 'await new Promise((resolve) => setTimeout(resolve, 300));';
      const end = /client\.close\(/.test(code) ? '' : `\n${wait}\nawait client.close();\n`;
      const url = /mqtt:\/\/localhost(?!:)/g;
      writeFileSync(file, code.replace(url, broker.url('tcp')) + end);
      const { code: status, output } = await run([file]);
      expect(output).not.toMatch(/Error/);
      expect(status).toBe(0);
      expect(output).toMatch(/kitchen/);
    },
  );
});

/** The words of a command line: quotes respected, a comment left out. */
function wordsOf(line: string): string[] {
  const code = line.replace(/(^|\s)#.*$/, '').replace(/^\$ /, '');
  return [...code.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    (found) => found[1] ?? found[2] ?? found[3] ?? '',
  );
}

const commands = shell.flatMap((block) =>
  block.code
    .split('\n')
    .map((line, index) => ({ place: `${block.path}:${block.line + index}`, words: wordsOf(line) }))
    .filter(({ words }) => words.length > 0),
);

describe('commands in documents', () => {
  it.each(commands.map(({ place, words }) => [place, words] as const))(
    '%s',
    async (_place, words) => {
      const [first, second = '', third = ''] = words;
      if (first === 'npx' && second === '-y' && /^pnpm@10/.test(third)) {
        const script = words[3] ?? '';
        expect(Object.keys(JSON.parse(read('package.json')).scripts)).toContain(script);
      } else if (first === 'node' && existsSync(join(root, second))) {
        await runProgram([second, ...words.slice(2)]);
      } else if (first === 'mqtt-sim') {
        // What it would publish: those that run until somebody ends them have no end of their own.
        const shown = [
          'apps/mqtt-sim/dist/mqtt-sim.js',
          ...words.slice(1),
          '--describe',
          '--count=3',
        ];
        expect(await run(shown)).toEqual({ code: 0, output: expect.stringMatching(/^\{"time"/) });
      } else if (first === 'mqtt-pub' || first === 'mqtt-sub') {
        await runProgram([`apps/${first}/dist/${first}.js`, ...words.slice(1)]);
      } else if (first === 'npm' && second === 'install') {
        expect(words.slice(2).filter((word) => !word.startsWith('-'))).not.toEqual([]);
      } else {
        expect.fail(`Nobody checks this command: ${words.join(' ')}`);
      }
    },
  );

  /** Runs one of our own programs as shown, on our broker in place of the one at the standard port. */
  async function runProgram(words: readonly string[]): Promise<void> {
    const [program = '', ...args] = words.map((word) =>
      word.replace(/^mqtt:\/\/localhost(?=$|\/)/, broker.url('tcp')),
    );
    const toPort = args.some((word) => word.includes(broker.url('tcp')))
      ? []
      : ['-p', `${broker.port('tcp')}`];
    if (program.includes('mqtt-sub')) {
      const { code, output } = await run([program, ...args, ...toPort, '-W', '1']);
      expect(output).not.toMatch(/[Uu]nknown|Error:/);
      expect([0, 27]).toContain(code);
    } else if (program.includes('mqtt-pub')) {
      expect(await run([program, ...args, ...toPort])).toEqual({
        code: 0,
        output: '',
      });
    } else {
      // An example that runs until somebody ends it: SIGTERM must be a clean end.
      await using watcher = await connect(broker.url('tcp'));
      const published = new Promise<void>((resolve, reject) => {
        const take = (message: Message): void => {
          if (!message.retain) resolve();
        };
        watcher.subscribe('#', {}, take).catch(reject);
      });
      const { code, output } = await run([program, ...args], published);
      expect({ code, output }).toEqual({ code: 0, output: expect.not.stringMatching(/Error/) });
    }
  }
});
