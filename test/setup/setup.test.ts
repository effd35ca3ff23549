import { spawnSync } from 'node:child_process';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startAedes } from './aedes.ts';
import { certificates } from './certificates.ts';
import { runChild, startChild } from './child-process.ts';
import { startCuttingProxy } from './cutting-proxy.ts';
import { debianPackages } from './debian-packages.mjs';
import { startMosquitto } from './mosquitto.ts';
import { isListening, portOf } from './ports.ts';
import { programOf, requires } from './requires.ts';
import { until } from './until.ts';

const packagesScript = fileURLToPath(new URL('debian-packages.mjs', import.meta.url));

describe('the list of Debian packages', () => {
  const check = (env: NodeJS.ProcessEnv, ...words: string[]) =>
    spawnSync(process.execPath, [packagesScript, ...words], { env, encoding: 'utf8' });

  it.runIf(requires(...debianPackages.map(({ name }) => name)))(
    'says that all is here when it is',
    () => {
      const { status, stdout } = check(process.env, '--check');
      expect(stdout).toContain('mosquitto');
      expect(status).toBe(0);
    },
  );

  it('names what is missing, how to install it, and fails when it only checks', () => {
    // Programs in /usr/sbin are found without PATH; tmux and chromium are not there.
    const { status, stderr } = check({ PATH: '', CI: '' }, '--check');
    expect(stderr).toContain('missing: tmux (the terminal of the command-line tests)');
    expect(stderr).toMatch(/sudo apt-get install .*tmux/);
    expect(status).toBe(1);
  });

  it('fails under CI and nowhere else when something stays missing', () => {
    expect(check({ PATH: '', CI: 'true' }).status).toBe(1);
    expect(check({ PATH: '', CI: 'false' }).status).toBe(0);
    expect(check({ PATH: '' }).stderr).toContain('are skipped');
  });

  it('refuses unknown words', () => {
    expect(check(process.env, '--chekc').status).toBe(64);
  });
});

describe('requires', () => {
  it('knows the packages of the list alone', () => {
    expect(() => requires('no-such-package')).toThrow(/expected a package of/);
  });
});

describe('child processes', () => {
  it('end with the process that started them, however that ends', async () => {
    const parent = fileURLToPath(new URL('fixtures/parent.ts', import.meta.url));
    const { startScript } = await import('./child-script.ts');
    const child = await startScript(parent);
    await until(() => child.stdout.includes('\n'), 'the parent names its child');
    const grandchild = Number(child.stdout.toString());
    expect(isAlive(grandchild)).toBe(true);
    await child.stop('SIGKILL');
    await until(() => !isAlive(grandchild), 'the grandchild is gone');
  });

  it('tell what they wrote and how they ended', async () => {
    const words = ['-e', 'process.stdin.pipe(process.stdout); console.error("said")'];
    const child = await runChild(process.execPath, words, { input: 'given' });
    expect([child.stdout.toString(), child.stderr]).toEqual(['given', 'said\n']);
    await expect(runChild(process.execPath, ['-e', 'process.exit(3)'])).rejects.toThrow(
      /exit code 3/,
    );
    const missing = startChild('/no/such/program', []);
    expect((await missing.ended.catch(() => ({ code: 127 }))).code).toBe(127);
  });
});

describe.runIf(requires('mosquitto', 'openssl'))('mosquitto', () => {
  it('takes connections on each listener, and again after being killed', async () => {
    await using broker = await startMosquitto({
      persistence: true,
      listeners: {
        plain: {},
        tls: { certificate: 'server' },
        mutual: { certificate: 'server', clientCertificates: true },
        webSocket: { webSocket: true },
        passwords: { users: { alice: 'secret' }, acl: ['user alice', 'topic readwrite alice/#'] },
        limits: { settings: ['max_qos 1'] },
      },
    });
    expect(broker.url('plain')).toBe(`mqtt://127.0.0.1:${broker.port('plain')}`);
    expect(broker.url('tls')).toMatch(/^mqtts:/);
    expect(broker.url('webSocket')).toMatch(/^ws:/);
    const before = broker.pid;
    await broker.stop('SIGKILL');
    expect(await isListening(broker.port('plain'))).toBe(false);
    await broker.start();
    expect(broker.pid).not.toBe(before);
    expect(await isListening(broker.port('limits'))).toBe(true);
  });

  it('shows the log when the configuration is wrong', async () => {
    const start = startMosquitto({ listeners: { plain: { settings: ['no_such_setting 1'] } } });
    await expect(start).rejects.toThrow(/no_such_setting/);
  });
});

describe.runIf(requires('openssl'))('aedes and the certificates', () => {
  it.each(['3.1.1', '5.0'] as const)('takes connections on each listener: %s', async (kind) => {
    await using broker = await startAedes(kind);
    const port = broker.port('tls');
    await expect(tlsAnswer(port, certificates().authority.text)).resolves.toBe('authorized');
    await expect(tlsAnswer(port, certificates().otherAuthority.text)).resolves.toBe(
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
    await broker.stop();
    expect(await isListening(broker.port('tcp'))).toBe(false);
    await broker.start();
    expect(broker.port('tls')).toBe(port);
    expect(await isListening(broker.port('webSocket'))).toBe(true);
  });

  it('made a certificate that expired and one for another name', async () => {
    const text = (name: 'expired' | 'wrongName') =>
      runChild(programOf('openssl'), ['x509', '-noout', '-text'], {
        input: certificates()[name].cert.text,
      }).then(({ stdout }) => stdout.toString());
    expect(await text('expired')).toContain('Not After : Jan  2 00:00:00 2020');
    expect(await text('wrongName')).toContain('DNS:other.test');
  });
});

describe('the cutting proxy', () => {
  it('passes bytes on both ways, late if told so', async () => {
    await using echo = await startEcho();
    await using proxy = await startCuttingProxy({ port: echo.port, delayMs: 40 });
    const client = await openSocket(proxy.port);
    const start = performance.now();
    client.socket.write('there and back');
    await until(() => client.received === 'there and back', 'the echo comes');
    expect(performance.now() - start).toBeGreaterThanOrEqual(79);
    expect(proxy.passed).toEqual({ toServer: 14, toClient: 14 });
    client.socket.end();
    await until(() => proxy.openConnections === 0, 'the end is passed on');
    expect(client.end).toBe('ended');
  });

  it.each([
    ['reset', 'ECONNRESET'],
    ['end', 'ended'],
  ] as const)('cuts at a byte: %s', async (manner, seen) => {
    await using echo = await startEcho();
    await using proxy = await startCuttingProxy({ port: echo.port });
    const client = await openSocket(proxy.port);
    proxy.cutAfter('toServer', 5, manner);
    client.socket.write('123456789');
    await until(() => client.end !== undefined, 'the client sees the cut');
    expect(client.end).toBe(seen);
    await until(() => echo.received === '12345', 'the server has the bytes before the cut');
    await until(() => proxy.openConnections === 0, 'nothing is left');
    const second = await openSocket(proxy.port);
    second.socket.write('again');
    await until(() => second.received === 'again', 'the next connection works');
    second.socket.destroy();
  });

  it('falls silent, refuses, and cuts what stands', async () => {
    await using echo = await startEcho();
    await using proxy = await startCuttingProxy({ port: echo.port });
    const silent = await openSocket(proxy.port);
    await until(() => proxy.openConnections === 1, 'the proxy has taken the connection');
    proxy.silence();
    silent.socket.write('lost');
    proxy.refusing = true;
    const refused = await openSocket(proxy.port);
    await until(() => refused.end === 'ECONNRESET', 'a new connection is reset');
    expect([silent.received, silent.end, echo.received]).toEqual(['', undefined, '']);
    proxy.cut();
    await until(() => silent.end === 'ECONNRESET', 'the silent connection is reset');
    expect(proxy.acceptedConnections).toBe(1);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function tlsAnswer(port: number, ca: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', ca });
    socket.once('secureConnect', () => {
      socket.destroy();
      resolve('authorized');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

async function startEcho() {
  let received = '';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk;
      socket.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    get received() {
      return received;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function openSocket(
  port: number,
): Promise<{ socket: Socket; received: string; end: string | undefined }> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    const seen = { socket, received: '', end: undefined as string | undefined };
    socket.on('data', (chunk) => {
      seen.received += chunk;
    });
    socket.on('end', () => {
      seen.end ??= 'ended';
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      seen.end ??= error.code;
      // A connection that is reset may never be seen to stand.
      resolve(seen);
    });
    socket.once('connect', () => resolve(seen));
  });
}
