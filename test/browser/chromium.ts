import { type Browser, chromium } from 'playwright-core';
import { programOf } from '../setup/requires.ts';

/** Debian's Chromium: it needs no download, and only the loopback interface. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: programOf('chromium'),
    args: [
      // Tests run as root in containers, where Chromium's own sandbox cannot be set up.
      '--no-sandbox',
      '--disable-gpu',
      // Nothing but this machine is ever asked for, not even by a mistake.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-default-browser-check',
      '--no-first-run',
    ],
  });
}
