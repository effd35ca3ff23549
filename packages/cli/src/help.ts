import type { ProgramName } from './option-table.ts';

/**
 * The help texts as yargs renders them from the option table. The bundled programs carry them ready made, as JSON, since
 * loading yargs takes longer than everything else that `--help` does.
 */
declare const RENDERED_HELP: string | undefined;

/** The text of `--help`, or with `all` of `--help=all`. */
export async function helpText(program: ProgramName, which: string | undefined): Promise<string> {
  const all = which === 'all';
  if (typeof RENDERED_HELP === 'string') {
    const texts = JSON.parse(RENDERED_HELP) as Readonly<Record<string, readonly string[]>>;
    return texts[program]?.[all ? 1 : 0] ?? '';
  } else {
    // The branch that a bundler leaves out.
    const { renderHelp } = await import('./render-help.ts');
    return renderHelp(program, all);
  }
}
