import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../../../test/setup/aedes.ts';
import { until } from '../../../test/setup/until.ts';
import type { MqttClient } from './index.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)]
  .map((block) => block[1] ?? '')
  .filter((code) => code.includes("'mqtt://localhost'"));

// Inside the tree, so that the package is found by its name.
const scratch = fileURLToPath(new URL('../../../.scratch/', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'mqtt-kit-readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the examples of the README', () => {
  let broker: EmbeddedAedes;
  beforeAll(async () => {
    broker = await startAedes('5.0');
  });
  afterAll(() => broker.stop());

  it('are several', () => {
    expect(examples.length).toBe(6);
  });

  it.each(examples.map((code, i) => [i + 1, code] as const))('run: number %i', async (i, code) => {
    const file = join(folder, `example-${i}.ts`);
    // Some leave their client open, as a program would.
    writeFileSync(
      file,
      `${code
        .replaceAll('mqtt://localhost', broker.url('tcp'))
        .replaceAll(
          "'./sessions'",
          JSON.stringify(join(folder, 'sessions')),
        )}\nexport { client };\n`,
    );
    const said: unknown[][] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((...words) => said.push(words));
    const error = vi.spyOn(console, 'error');
    try {
      const { client } = (await import(/* @vite-ignore */ file)) as { client: MqttClient };
      await until(() => said.length > 0, 'the example says something');
      await client.close();
      expect(error).not.toHaveBeenCalled();
    } finally {
      log.mockRestore();
      error.mockRestore();
    }
  });
});
