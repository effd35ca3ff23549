import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { transform } from 'sucrase';
import { UsageError } from './usage-error.ts';

let registered = false;

/**
 * What a module exports by default. TypeScript is stripped of its types, by Node where it can and by sucrase where it
 * cannot; `mqtt-kit` is found beside the module or, where nobody has installed it, beside this program.
 */
export async function importModule(path: string, shown: string): Promise<unknown> {
  if (!registered) register('./module-hooks.js', import.meta.url);
  registered = true;
  try {
    const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    return module.default;
  } catch (error) {
    throw new UsageError(
      `${shown} cannot be loaded: ${syntaxMistake(error, path) ?? withPlace(error, path)}`,
    );
  }
}

/** Where a module is none: Node tells what is wrong with it, and not where. */
function syntaxMistake(error: unknown, path: string): string | undefined {
  const { name = '', message = '' } = error as Error;
  if (name !== 'SyntaxError' && !message.startsWith('Error transforming')) return undefined;
  try {
    transform(readFileSync(path, 'utf8'), {
      transforms: /\.m?ts$/.test(path) ? ['typescript'] : [],
      disableESTransforms: true,
    });
    return undefined;
  } catch (mistake) {
    const { loc, message: found } = mistake as Error & {
      readonly loc?: { readonly line: number; readonly column: number };
    };
    if (loc === undefined) return undefined;
    const problem = found.replace(/^Error transforming [^:]*: /, '').replace(/ \(\d+:\d+\)$/, '');
    return `${problem} (line ${loc.line}:${loc.column})`;
  }
}

/** The first line of what a module threw, with the place where it did. */
export function withPlace(error: unknown, path: string): string {
  if (!(error instanceof Error)) return String(error);
  const url = pathToFileURL(path).href;
  const place = error.stack
    ?.split('\n')
    .map((line) =>
      line.includes(url) || line.includes(path) ? /:(\d+)(?::(\d+))?\)?$/.exec(line) : null,
    )
    .find((found) => found !== null);
  const [, line, column] = place ?? [];
  const at = line === undefined ? '' : ` (line ${line}${column === undefined ? '' : `:${column}`})`;
  return `${error.message.split('\n')[0]}${at}`;
}
