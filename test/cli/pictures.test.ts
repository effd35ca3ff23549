import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requires } from '../setup/requires.ts';
import { read, root } from '../tidy/tree.ts';
import { makePictures, pictures, shapeOf } from './pictures/make.mjs';

/** The pictures of the READMEs show what the programs do today; what is measured may differ. */

const folder = 'test/cli/pictures';

describe.runIf(requires('mosquitto', 'tmux'))('the pictures of the READMEs', () => {
  it('are what the programs show now (pnpm pictures)', async () => {
    for (const [name, { svg }] of await makePictures()) {
      const kept = readFileSync(join(root, folder, name), 'utf8');
      expect(shapeOf(svg), `${folder}/${name}`).toBe(shapeOf(kept));
    }
  }, 300_000);

  it('are all shown', () => {
    const documents = ['README.md', 'apps/mqtt-pub/README.md', 'apps/mqtt-sub/README.md'].map(read);
    for (const { name } of pictures) {
      expect(
        documents.some((text) => text.includes(`${folder}/${name}.svg)`)),
        name,
      ).toBe(true);
    }
  });
});

describe('the shape of a picture', () => {
  it('leaves out what is measured, and nothing else', () => {
    const shown = (text: string) => shapeOf(`<tspan x="14" textLength="8.4">${text}</tspan>`);
    expect(shown('gap 1.25 s ▁▄█ 7.3/s')).toBe(shown('gap 980 ms ▁█ 2/m'));
    expect(shown('12:31:20.123 a/b')).toBe(shown('01:02:03.004 a/b'));
    expect(shown('a/b open')).not.toBe(shown('a/b shut'));
    expect(shapeOf('<tspan fill="#7d8794">a</tspan>')).not.toBe(shapeOf('<tspan>a</tspan>'));
  });
});
