import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../setup/aedes.ts';
import { certificates } from '../setup/certificates.ts';
import { freePorts } from '../setup/ports.ts';
import { programs, run, shell } from './programs.ts';

beforeAll(programs, 60_000);

interface Report {
  readonly url: string;
  readonly findings: readonly {
    readonly step: string;
    readonly ok: boolean;
    readonly detail: string;
  }[];
}

describe('mqtt-sub --doctor', () => {
  let broker: EmbeddedAedes;
  beforeAll(async () => {
    broker = await startAedes('5.0');
  });
  afterAll(() => broker.stop());

  it('looks at a server step by step', async () => {
    const { stdout, code, stderr } = await run('mqtt-sub', ['--doctor', broker.url('tcp')]);
    const lines = stdout.toString().trim().split('\n');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const steps = lines.map((line) => /^ok {4}(\S+(?: \d)?)/.exec(line)?.[1]);
    expect(steps.filter((step) => step !== 'name')).toEqual([
      'TCP', 'CONNECT', 'limits', 'SUBSCRIBE', 'QoS 0', 'QoS 1', 'QoS 2', 'retained', 'shared',
    ]); // biome-ignore format: the steps in a row
    expect(lines.find((line) => line.includes('QoS 2 '))).toMatch(
      /acknowledged in .* there and back in/,
    );
  });

  it('ends as the server deserves when nobody reads on', async () => {
    const line = `$SUB --doctor ${broker.url('tcp')} | head -1; echo "codes \${PIPESTATUS[@]}"`;
    const { stdout, stderr } = await shell(line);
    expect(stderr).toBe('');
    expect(stdout.toString()).toMatch(/codes 0 0\n$/);
  });

  it('says the same as JSON', async () => {
    const words = ['--doctor', broker.url('tcp'), '--output', 'json'];
    const { stdout, code } = await run('mqtt-sub', words);
    const report = JSON.parse(stdout.toString()) as Report;
    expect(code).toBe(0);
    expect(report.findings.every(({ ok }) => ok)).toBe(true);
    expect(report.findings.find(({ step }) => step === 'limits')?.detail).toContain('MQTT 5.0');
  });

  it('stops where the way ends, with the exit code that fits', async () => {
    const [port] = await freePorts(1);
    const refused = await run('mqtt-sub', ['--doctor', `mqtt://127.0.0.1:${port}`]);
    expect(refused.code).toBe(69);
    expect(refused.stdout.toString()).toMatch(/^FAIL {2}TCP /);
    const nowhere = await run('mqtt-sub', ['--doctor', 'mqtt://host.invalid']);
    expect(nowhere.code).toBe(68);
    expect(nowhere.stdout.toString()).toMatch(/^FAIL {2}name /);
  });

  it('shows a certificate, and why it is not trusted', async () => {
    const { createServer } = await import('node:tls');
    const { server: own } = certificates();
    const server = createServer({ cert: own.cert.text, key: own.key.text });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { stdout, code } = await run('mqtt-sub', ['--doctor', `mqtts://127.0.0.1:${port}`]);
    server.close();
    expect(code).toBe(76);
    expect(stdout.toString()).toMatch(
      /FAIL {2}TLS .*TLSv1\.\d, certificate for .*valid for -?\d+ days; not trusted:/,
    );
  });
});
