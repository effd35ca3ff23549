import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { certificates } from '../setup/certificates.ts';
import { startScript } from '../setup/child-script.ts';
import { startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';

const script = fileURLToPath(new URL('frozen-client.ts', import.meta.url));

describe.runIf(requires('mosquitto', 'openssl'))('a client where prototypes are frozen', () => {
  it('connects, subscribes and publishes over TCP, TLS and WebSocket, with names of prototypes', async () => {
    await using broker = await startMosquitto({
      listeners: {
        plain: {},
        tls: { certificate: 'server' },
        webSocket: { webSocket: true },
        secureWebSocket: { certificate: 'server', webSocket: true },
      },
    });
    const urls = (['plain', 'tls', 'webSocket', 'secureWebSocket'] as const).map((name) =>
      broker.url(name),
    );
    const authority = certificates().authority.path;
    const child = await startScript(script, [authority, temporaryFolder('frozen'), ...urls]);
    const { code } = await child.ended;
    expect({ code, stderr: child.stderr, stdout: child.stdout.toString() }).toEqual({
      code: 0,
      stderr: '',
      stdout: 'done 4\n',
    });
  }, 60_000);
});
