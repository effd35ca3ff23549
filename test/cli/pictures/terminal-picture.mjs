// @ts-check
/** A screen of a terminal as SVG: text with its colours, as tmux captures it. */

const columnWidth = 8.4;
const lineHeight = 18;
const margin = 14;
const titleHeight = 30;

const palette = {
  background: '#12161c',
  frame: '#2a313b',
  text: '#d6dde6',
  faint: '#7d8794',
  30: '#5b6573',
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  34: '#79b8ff',
  35: '#d2a8ff',
  36: '#66d9e8',
  37: '#d6dde6',
};

/** @typedef {{ text: string, colour: string, bold: boolean }} Run Text of one look. */

/**
 * @param {string} screen Lines with escape sequences of SGR, as `tmux capture-pane -e -p` gives them.
 * @param {number} columns
 * @param {string} description What the picture shows, for people who cannot see it.
 * @returns {string}
 */
export function terminalPicture(screen, columns, description) {
  const lines = runsOfLines(screen);
  const width = Math.round(columns * columnWidth + 2 * margin);
  const height = titleHeight + lines.length * lineHeight + margin;
  const texts = lines.flatMap((runs, index) =>
    runs.length === 0 ? [] : [lineText(runs, titleHeight + (index + 0.7) * lineHeight)],
  );
  const dots = [0, 1, 2].map(
    (index) => `<circle cx="${margin + 5 + index * 16}" cy="15" r="5" fill="${palette.frame}"/>`,
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(description)}</title>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${palette.background}" stroke="${palette.frame}"/>`,
    dots.join(''),
    `<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" fill="${palette.text}">`,
    ...texts,
    '</g>',
    '</svg>',
  ].join('\n')}\n`;
}

/**
 * @param {readonly Run[]} runs
 * @param {number} y
 */
function lineText(runs, y) {
  let column = 0;
  const spans = runs.flatMap(({ text, colour, bold }) => {
    const start = column;
    column += [...text].length;
    const look = `${colour === palette.text ? '' : ` fill="${colour}"`}${bold ? ' font-weight="bold"' : ''}`;
    // Blanks in a row would be taken for one: what stands between them has a place of its own.
    return [...text.matchAll(/\S+(?: \S+)*/g)].map(({ 0: words, index }) => {
      const x = margin + (start + [...text.slice(0, index)].length) * columnWidth;
      const width = [...words].length * columnWidth;
      return `<tspan x="${rounded(x)}" textLength="${rounded(width)}"${look}>${escaped(words)}</tspan>`;
    });
  });
  return `<text y="${rounded(y)}">${spans.join('')}</text>`;
}

/** @param {string} screen */
function runsOfLines(screen) {
  /** @type {Run[][]} */
  const lines = [];
  const look = { colour: palette.text, bold: false };
  for (const line of screen.replace(/\n+$/, '').split('\n')) {
    /** @type {Run[]} */
    const runs = [];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours are made of
    for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
      if (part.startsWith('\u001b[')) changeLook(look, part.slice(2, -1));
      else if (part !== '') runs.push({ text: part, ...look });
    }
    lines.push(withoutTrailingBlanks(runs));
  }
  return lines;
}

/**
 * @param {Run[]} runs
 * @returns {Run[]}
 */
function withoutTrailingBlanks(runs) {
  const last = runs.at(-1);
  if (last === undefined) return runs;
  last.text = last.text.trimEnd();
  return last.text === '' ? withoutTrailingBlanks(runs.slice(0, -1)) : runs;
}

/**
 * @param {{ colour: string, bold: boolean }} look
 * @param {string} codes
 */
function changeLook(look, codes) {
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) Object.assign(look, { colour: palette.text, bold: false });
    else if (code === 1) look.bold = true;
    else if (code === 2) look.colour = palette.faint;
    else if (code === 22) Object.assign(look, { colour: palette.text, bold: false });
    else if (code === 39) look.colour = palette.text;
    else if (code >= 30 && code <= 37) look.colour = colourOf(code);
    else if (code >= 90 && code <= 97)
      look.colour = code === 90 ? palette.faint : colourOf(code - 60);
  }
}

/** @param {number} code */
function colourOf(code) {
  return palette[/** @type {keyof typeof palette} */ (code)] ?? palette.text;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * 10) / 10;
}
