/**
 * How many columns of a terminal a text takes. Terminals differ about the newest emoji, so a screen places its columns by
 * itself and lets no line wrap; this is what cells are cut and filled by.
 */

/** Columns that are certainly needed, and each character's own: letters, digits and signs of ASCII. */
const plainText = /^[\x20-\x7e]*$/;

/** Without a column: marks over others, formats such as the joiner of emoji, and the later parts of Hangul syllables. */
const noColumn = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;

/** Two columns: emoji, and what East Asian Width calls wide or full-width. */
const twoColumns =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]$/u;

const joiner = '\u200d';
const emojiForm = '\ufe0f';
const skinTone = /^[\u{1f3fb}-\u{1f3ff}]$/u;
const half = /^[\u{1f1e6}-\u{1f1ff}]$/u;

/** The columns of a text without control characters. */
export function displayWidth(text: string): number {
  if (plainText.test(text)) return text.length;
  let width = 0;
  let before = '';
  for (const character of text) {
    width += columnsOf(character, before);
    before = character;
  }
  return width;
}

/** As much of the beginning as fits. */
export function cutToWidth(text: string, columns: number): string {
  if (plainText.test(text)) return text.slice(0, Math.max(0, columns));
  let end = 0;
  let left = columns;
  let before = '';
  for (const character of text) {
    left -= columnsOf(character, before);
    if (left < 0) break;
    end += character.length;
    before = character;
  }
  // What would have joined the next one stands alone now.
  return text.slice(0, end).replace(/\u200d$/, '');
}

/** Filled with blanks, or cut, which three dots in one column show. */
export function fittedToWidth(text: string, columns: number): string {
  const width = displayWidth(text);
  if (width <= columns) return text + ' '.repeat(columns - width);
  if (columns < 1) return '';
  const cut = `${cutToWidth(text, columns - 1)}…`;
  // A character of two columns may have left one.
  return cut + ' '.repeat(Math.max(0, columns - displayWidth(cut)));
}

/** What a character adds to the columns of those before it. */
function columnsOf(character: string, before: string): number {
  // The sign before it is shown as an emoji, which is wider.
  if (character === emojiForm) return before === '' || twoColumns.test(before) ? 0 : 1;
  if (noColumn.test(character)) return 0;
  if (before === joiner || (skinTone.test(character) && twoColumns.test(before))) return 0;
  // Two of these letters are one flag.
  if (half.test(character)) return 1;
  return twoColumns.test(character) ? 2 : 1;
}
