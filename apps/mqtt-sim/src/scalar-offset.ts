/**
 * Where in the source of a YAML scalar a character of its value stands. Plain text stands as it is; quotes, escapes and
 * the folded lines of a block do not, but what is no blank comes in the same order.
 */
export function scalarOffset(source: string, offset: number): number {
  const [first] = source;
  if (first === '"' || first === "'") return quotedOffset(source, offset, first);
  if (first === '|' || first === '>') return blockOffset(source, offset);
  return offset;
}

function quotedOffset(source: string, offset: number, quote: string): number {
  let at = 1;
  for (let passed = 0; passed < offset && at < source.length - 1; passed++) {
    const escaped =
      quote === '"' ? /^\\(?:x..|u.{4}|U.{8}|.)/u.exec(source.slice(at, at + 10)) : null;
    if (escaped !== null) at += escaped[0].length;
    else at += source.startsWith("''", at) && quote === "'" ? 2 : 1;
  }
  return at;
}

/** By lines: each begins behind the indentation of the first. */
function blockOffset(source: string, offset: number): number {
  const header = source.indexOf('\n') + 1;
  const indentation = /^ */.exec(source.slice(header))?.[0].length ?? 0;
  let passed = 0;
  for (let at = header; at < source.length; ) {
    const end = source.indexOf('\n', at);
    const length = (end < 0 ? source.length : end) - at - indentation;
    if (offset <= passed + length) return at + indentation + offset - passed;
    // The end of a line is one character of the value: a line feed, or a blank where lines are folded.
    passed += length + 1;
    if (end < 0) break;
    at = end + 1;
  }
  return 0;
}
