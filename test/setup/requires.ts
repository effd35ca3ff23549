import { debianPackages, isCi, packageProgramPath, programPath } from './debian-packages.mjs';

const said = new Set<string>();

/**
 * Whether a Debian package of the list is installed: `describe.runIf(requires('mosquitto'))(...)`. When it is not,
 * throws under CI, so that the test file fails; elsewhere says so in one line, once in each file.
 */
export function requires(...names: readonly string[]): boolean {
  const missing = names.filter((name) => packageProgramPath(name) === undefined);
  if (missing.length === 0) return true;
  const text = `these tests need what is missing: ${missing.join(', ')} (node test/setup/debian-packages.mjs)`;
  if (isCi()) throw new Error(text);
  if (!said.has(text)) console.warn(`SKIPPED: ${text}`);
  said.add(text);
  return false;
}

/** Where a program is that a package of the list brings. Throws when it is not installed. */
export function programOf(name: string): string {
  const isPackage = debianPackages.some((one) => one.name === name);
  const path = isPackage ? packageProgramPath(name) : programPath(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}
