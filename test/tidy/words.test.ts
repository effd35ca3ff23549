import { describe, expect, it } from 'vitest';
import {
  filesUnder,
  findings,
  isTest,
  linesOf,
  read,
  shippedSources,
  withoutComments,
} from './tree.ts';

const code = filesUnder('.').filter((path) => /\.(ts|js|mjs)$/.test(path));
const shipped = shippedSources();
// This file names what it forbids.
const others = code.filter((path) => path !== 'test/tidy/words.test.ts');

/** Lines of code, comments left out, that a pattern finds. */
function codeFindings(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    withoutComments(read(path))
      .split('\n')
      .flatMap((text, index) =>
        pattern.test(text) ? [`${path}:${index + 1}: ${text.trim()}`] : [],
      ),
  );
}

describe('words', () => {
  it('leaves nothing to be done later in a comment', () => {
    expect(findings(others, /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  it('prints nothing from a library', () => {
    const libraries = shipped.filter((path) => !/^(packages\/cli|apps)\//.test(path));
    expect(codeFindings(libraries, /\bconsole\s*\./)).toEqual([]);
  });

  it('makes no code of text', () => {
    const fromText =
      /\beval\s*\(|\bnew Function\b|[^.\w]Function\s*\(|node:vm|set(Timeout|Interval)\(\s*['"`]/;
    // It loads the program's own files, as require does, with what V8 has compiled of them.
    const launcher = 'packages/cli/src/launcher.ts';
    const loaded = shipped.filter((path) => path !== launcher);
    expect(codeFindings(loaded, fromText)).toEqual([]);
  });

  it('reads no clock and no random number in packet and engine, and in core by its Clock only', () => {
    const pure = shipped
      .filter((path) => /^packages\/(packet|engine|core)\//.test(path))
      .filter((path) => path !== 'packages/core/src/clock.ts');
    const clock =
      /\bDate\.now\b|\bnew Date\b|\bMath\.random\b|\bperformance\b|\bset(Timeout|Interval|Immediate)\b/;
    expect(codeFindings(pure, clock)).toEqual([]);
  });

  it('keeps Buffer out of everything that runs in a browser', () => {
    const portable = shipped.filter(
      (path) =>
        /^packages\/(packet|engine|core|store-indexeddb)\//.test(path) ||
        path.endsWith('.browser.ts'),
    );
    expect(codeFindings(portable, /\bBuffer\b/)).toEqual([]);
  });

  it('silences no compiler and no linter without a reason', () => {
    expect(findings(others, /@ts-(ignore|nocheck)/)).toEqual([]);
    expect(findings(others, /biome-ignore(?!\s+[\w/]+:\s*\S+)/)).toEqual([]);
    expect(findings(others, /@ts-expect-error(?!:? .{8})/)).toEqual([]);
  });

  it('runs every test: none alone, none skipped without its reason', () => {
    const tests = others.filter(isTest);
    expect(codeFindings(tests, /\b(it|test|describe|suite)(\.\w+)*\.only\b/)).toEqual([]);
    // A skip that depends on a condition says so by skipIf or runIf, whose condition is the reason.
    const unconditional = /\b(it|test|describe|suite)(\.\w+)*\.(skip|todo|fails)\b/;
    const withoutReason = tests.flatMap((path) => {
      const lines = linesOf(path);
      return lines
        .filter(({ text }) => unconditional.test(text))
        .filter(({ number }) => !/^\s*\/\/ .{15,}/.test(lines[number - 2]?.text ?? ''))
        .map(({ number, text }) => `${path}:${number}: ${text.trim()}`);
    });
    expect(withoutReason).toEqual([]);
  });
});

describe('protocol version', () => {
  /** The places that may ask which version is spoken: everything else asks what was negotiated. */
  const places = [
    /^packages\/packet\//,
    /^packages\/engine\/src\/negotiated\.ts$/,
    /^packages\/core\/src\/(options|driver|driver-.*|.*-options|version-.*)\.ts$/,
    // The sentence that tells a person which version the server refused.
    /^packages\/core\/src\/connection-error\.ts$/,
    /^packages\/cli\//,
    // The other side of the conversation, with a codec of its own.
    /^packages\/testkit\//,
  ];
  const asks =
    /[=!]==?\s*['"](3\.1\.1|5\.0)['"]|['"](3\.1\.1|5\.0)['"]\s*[=!]==?|case\s+['"](3\.1\.1|5\.0)['"]/;

  it('is asked for in the codec, the negotiation, the options and the fallback only', () => {
    const elsewhere = shipped.filter((path) => !places.some((place) => place.test(path)));
    expect(codeFindings(elsewhere, asks)).toEqual([]);
  });
});
