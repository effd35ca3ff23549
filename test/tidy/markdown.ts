import { filesUnder, read } from './tree.ts';

export const documents = filesUnder('.').filter((path) => path.endsWith('.md'));

/** A fenced block of a document. */
export interface CodeBlock {
  readonly path: string;
  /** Line of its first line of code, from 1. */
  readonly line: number;
  /** What stands after the fence: `ts`, `sh`... */
  readonly language: string;
  readonly code: string;
}

export function codeBlocks(path: string): CodeBlock[] {
  const text = read(path);
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((found) => ({
    path,
    line: text.slice(0, found.index).split('\n').length + 1,
    language: (found[1] ?? '').trim(),
    code: found[2] ?? '',
  }));
}

/** The text without its fenced blocks. */
export function prose(path: string): string {
  return read(path).replace(/^```[\s\S]*?^```$/gm, '');
}
