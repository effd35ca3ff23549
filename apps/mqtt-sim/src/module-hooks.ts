/** Hooks for `node:module`: how modules that define fleets are found and read. */
import { readFileSync } from 'node:fs';
import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transform } from 'sucrase';

const ours = /^mqtt-kit(\/|$)/;

/** Where `mqtt-kit` is not installed beside a module, the program's own takes its place. */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  if (!ours.test(specifier)) return nextResolve(specifier, context);
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return nextResolve(specifier, { ...context, parentURL: import.meta.url });
  }
};

/** Node reads TypeScript by itself from 22.18 on. */
const readsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript);

export const load: LoadHook = async (url, context, nextLoad) => {
  if (readsTypeScript || !/\.m?ts$/.test(url)) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const { code } = transform(readFileSync(path, 'utf8'), {
    transforms: ['typescript'],
    disableESTransforms: true,
    filePath: path,
  });
  return { format: 'module', source: code, shortCircuit: true };
};
