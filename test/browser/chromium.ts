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
