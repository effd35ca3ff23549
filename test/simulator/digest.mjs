/**
 * What the presets publish, as one digest: run by every runtime, and in a page.
 *
 *   node test/simulator/digest.mjs      prints the digest
 */
import { fleet, messageLine, preset, presetNames } from 'mqtt-kit/simulator';

/** What it is everywhere. To be changed with the data of a preset alone. */
export const expectedDigest = '6b519310c4a3255957ccfb6ff20297fc79f3e07bf614647ab3277d7d8e34fee8';

/** SHA-256 of the messages of all presets, by the Web Cryptography of the runtime. @returns {Promise<string>} */
export async function presetsDigest() {
  let text = '';
  for (const name of presetNames) {
    for (const message of fleet(preset(name, { seed: 11 })).messages({ for: '1d', count: 5000 })) {
      text += `${messageLine(message)}\n`;
    }
  }
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

if (typeof document === 'undefined') console.log(await presetsDigest());
else Object.assign(globalThis, { presetsDigest });
