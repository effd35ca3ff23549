import type { ProgramName } from './option-table.ts';

/**
 * The help texts as yargs renders them from the option table. The bundled programs carry them ready made, since
 * loading yargs takes longer than everything else that `--help` does.
 */
declare const RENDERED_HELP_SHORT: string | undefined;
declare const RENDERED_HELP_ALL: string;

/** The text of `--help`, or with `all` of `--help=all`. */
export async function helpText(program: ProgramName, which: string | undefined): Promise<string> {
  const all = which === 'all';
  if (typeof RENDERED_HELP_SHORT === 'string') {
    return all ? RENDERED_HELP_ALL : RENDERED_HELP_SHORT;
  } else {
    // The branch that a bundler leaves out.
    const { renderHelp } = await import('./render-help.ts');
    return renderHelp(program, all);
  }
}
