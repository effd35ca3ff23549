import puppeteer, { type Browser } from 'puppeteer-core';
import { programOf } from '../setup/requires.ts';

/** Debian's Firefox, by WebDriver BiDi: the protocol of playwright-core needs a build of its own. */
export function launchFirefox(): Promise<Browser> {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: programOf('firefox-esr'),
    headless: true,
    extraPrefsFirefox: {
      // Nothing but this machine is ever asked for.
      'network.proxy.type': 0,
      'network.dns.disabled': true,
      'network.connectivity-service.enabled': false,
      'network.captive-portal-service.enabled': false,
      'browser.safebrowsing.downloads.remote.enabled': false,
      'app.update.enabled': false,
      'extensions.update.enabled': false,
      'services.settings.server': '',
    },
  });
}
