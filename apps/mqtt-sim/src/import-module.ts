import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
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
    throw new UsageError(`${shown} cannot be loaded: ${describe(error, path)}`);
  }
}

/** The message, with the line where the module threw. */
function describe(error: unknown, path: string): string {
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
  return `${error.message}${at}`;
}
