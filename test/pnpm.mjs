/**
 * The words that start pnpm from a script: the very pnpm that started us where that is known, so that nothing is
 * downloaded a second time and no other version is mixed in.
 *
 * @returns {readonly string[]}
 */
export function pnpmCommand() {
  const starter = process.env['npm_execpath'];
  return starter?.includes('pnpm') ? [process.execPath, starter] : ['npx', '-y', 'pnpm@10.34.9'];
}
