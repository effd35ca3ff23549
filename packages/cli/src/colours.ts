import type { ChalkInstance } from 'chalk';

/** How the parts of a line are shown. */
export interface Paint {
  topic(text: string): string;
  /** What is not part of the message itself: an escape, `(null)`. */
  aside(text: string): string;
}

/** Without colours. */
export const plainPaint: Paint = { topic: (text) => text, aside: (text) => text };

/**
 * Whether colours are wanted: `--color` decides, else FORCE_COLOR, else NO_COLOR, else whether it is a terminal that
 * knows colours.
 */
export function coloursWanted(
  choice: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (choice === 'always') return true;
  if (choice === 'never') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  return isTerminal && env['TERM'] !== 'dumb';
}

/** chalk is loaded here, and only here. Its own guess is set aside: it ignores NO_COLOR. */
export async function chalkPaint(): Promise<Paint> {
  const { Chalk } = await import('chalk');
  const chalk: ChalkInstance = new Chalk({ level: 1 });
  return { topic: (text) => chalk.cyan(text), aside: (text) => chalk.dim(text) };
}
