/** @typedef {{ value: string, before: string, line: number }} Literal */

/**
 * The string literals of a source text that stand outside comments and regular expressions, with the code before
 * them (its last 60 characters, on whatever lines) and their lines. What a template puts in is left as it is written.
 * @param {string} text
 * @returns {Literal[]}
 */
export function literalsOf(text) {
  /** @type {Literal[]} */
  const found = [];
  // The code so far, comments left out: it tells a division from a regular expression.
  let code = '';
  let line = 1;
  for (const [token] of text.matchAll(tokens)) {
    if (/^['"`]/.test(token)) {
      found.push({ value: unescaped(token.slice(1, -1)), before: code.slice(-60), line });
    }
    if (token.startsWith('/') && !isComment(token) && token.length > 1 && isDivision(code)) {
      throw new Error(`line ${line}: cannot tell a division from a regular expression`);
    }
    if (!isComment(token)) code += token;
    line += token.split('\n').length - 1;
  }
  return found;
}

/** Comments, string literals, templates, regular expressions, words, and single characters. */
const tokens =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|(?<=[(,=:[!&|?{};>]\s*)\/(?![/*])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*|\w+|[\s\S]/g;

/** @param {string} token */
function isComment(token) {
  return token.startsWith('//') || token.startsWith('/*');
}

/** @param {string} code the code before a slash */
function isDivision(code) {
  return /[\w)\]]\s*$/.test(code);
}

/** @param {string} content */
function unescaped(content) {
  return content.replaceAll(/\\(['"`\\])/g, '$1');
}
