import type { ProgramName } from './option-table.ts';

/**
 * The help texts as yargs renders them from the option table. The bundled programs carry them ready made, since
 * loading yargs takes longer than everything else that `--help` does.
 */
declare const RENDERED_HELP_SHORT: string | undefined;
declare const RENDERED_HELP_ALL: string | undefined;

/** The text of `--help`, or with `all` of `--help=all`. */
export async function helpText(program: ProgramName, which: string | undefined): Promise<string> {
  if (typeof RENDERED_HELP_SHORT === 'string' && typeof RENDERED_HELP_ALL === 'string') {
    return which === 'all' ? RENDERED_HELP_ALL : RENDERED_HELP_SHORT;
  }
  const { renderHelp } = await import('./render-help.ts');
  return renderHelp(program, which === 'all');
}
