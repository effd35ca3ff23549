import { describe, expect, it } from 'vitest';
import { chalkPaint, coloursWanted } from './colours.ts';

describe('coloursWanted', () => {
  it('follows --color before everything else', () => {
    expect(coloursWanted('always', { NO_COLOR: '1', TERM: 'dumb' }, false)).toBe(true);
    expect(coloursWanted('never', { FORCE_COLOR: '1' }, true)).toBe(false);
  });

  it('FORCE_COLOR beats NO_COLOR, which beats the terminal', () => {
    expect(coloursWanted(undefined, { FORCE_COLOR: '1', NO_COLOR: '1' }, false)).toBe(true);
    expect(coloursWanted('auto', { FORCE_COLOR: '0' }, true)).toBe(false);
    expect(coloursWanted('auto', { NO_COLOR: '1' }, true)).toBe(false);
  });

  it('empty variables are as good as none', () => {
    expect(coloursWanted('auto', { NO_COLOR: '', FORCE_COLOR: '' }, true)).toBe(true);
    expect(coloursWanted('auto', { NO_COLOR: '', FORCE_COLOR: '' }, false)).toBe(false);
  });

  it('a terminal that knows none gets none', () => {
    expect(coloursWanted('auto', { TERM: 'dumb' }, true)).toBe(false);
  });
});

describe('chalkPaint', () => {
  it('colours the topic, whatever chalk makes of its surroundings', async () => {
    const paint = await chalkPaint();
    expect(paint.topic('a')).toBe('\u001b[36ma\u001b[39m');
    expect(paint.aside('a')).toBe('\u001b[2ma\u001b[22m');
  });
});
