import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import recordings from './mosquitto-2.1.json' with { type: 'json' };
import { namedLikeMosquitto, plainEnvironment, programs } from './programs.ts';
import { recordingServer, type Scenario } from './recording-server.ts';

/**
 * What mosquitto's programs of 2.1.2 were seen to do: what they print, send and end with, for each command line and
 * what its server does. Ours, called by their names, do the same. `PORT` stands for the port of the server, `T` for a
 * time and `PID` for the number of the process.
 */
interface Recording {
  readonly program: 'pub' | 'sub' | 'rr';
  readonly words: readonly string[];
  readonly scenario?: Scenario;
  /** Standard input, a character for each byte. */
  readonly input?: string;
  readonly signal?: NodeJS.Signals;
  /** Whether the server is named by the command line. */
  readonly noPort?: boolean;
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
  readonly sent: readonly (readonly string[])[];
}

const folder = temporaryFolder('recorded');
writeFileSync(join(folder, 'empty'), '');

beforeAll(programs, 60_000);

/** How long after the first packet a signal is sent. */
const signalAfterMs = 300;

async function rerun(recording: Recording) {
  const { program, words, scenario = {}, input = '', signal, noPort = false } = recording;
  const server = await recordingServer(scenario);
  const port = `${server.port}`;
  const link = await namedLikeMosquitto(`mosquitto_${program}`);
  const place = noPort ? [] : ['-h', '127.0.0.1', '-p', port];
  const given = words.map((word) => word.replaceAll('PORT', port));
  const child = spawn(process.execPath, [link, ...place, ...given], {
    env: { ...plainEnvironment, TZ: 'Europe/Zurich' },
    cwd: folder,
  });
  const output: Buffer[][] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => output[0]!.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output[1]!.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(Buffer.from(input, 'latin1'));
  if (signal !== undefined) {
    await expect.poll(() => server.packets.flat().length, { timeout: 20_000 }).toBeGreaterThan(0);
    setTimeout(() => child.kill(signal), signalAfterMs);
  }
  const code = await new Promise<number | string>((resolve) => {
    child.on('close', (number, by) => resolve(by ?? number ?? -1));
  });
  await server.idle();
  await server.close();
  const plain = (chunks: readonly Buffer[]): string =>
    Buffer.concat(chunks)
      .toString('latin1')
      .replace(/"tst":(\s*)"[^"]*"/g, '"tst":$1"T"')
      .replaceAll(port, 'PORT')
      .replace(/PRE\d+/g, 'PREPID')
      .replace(/mosquitto_\w+ version [\s\S]*/, 'USAGE');
  const sent = server.packets.map((packets) =>
    packets.map((packet) => packet.replace(/\\x[0-9a-f]{2}PRE\d+/, '\\x00PREPID')),
  );
  return { code, stdout: plain(output[0]!), stderr: plain(output[1]!), sent };
}

const cases = (recordings as unknown as readonly Recording[]).map((recording) => {
  const { program, words, scenario, input, signal } = recording;
  const around = [scenario && JSON.stringify(scenario), input && JSON.stringify(input), signal];
  const more = around.filter((one) => one !== undefined && one !== '{}').join(' ');
  return [`mosquitto_${program} ${words.join(' ')} ${more}`.trim(), recording] as const;
});

describe('as it was recorded', () => {
  it.concurrent.each(cases)('%s', async (_title, recording) => {
    const { code, stdout, stderr, sent } = recording;
    expect(await rerun(recording)).toEqual({ code, stdout, stderr, sent });
  });
});
