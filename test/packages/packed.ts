import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { pnpmCommand } from '../pnpm.mjs';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { packageFolders, read } from '../tidy/tree.ts';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));
const runFile = promisify(execFile);

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package as it would be published. */
export interface Packed {
  readonly name: string;
  readonly tarball: string;
  /** Its files by their path, without the leading `package/`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Manifest;
}

/** Folders of the packages that are published. */
export function publishedFolders(): string[] {
  return packageFolders().filter((folder) => !manifestOf(folder).private);
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(read(`${folder}/package.json`));
}

/** Packs every published package. They must have been built. */
export async function packAll(): Promise<Packed[]> {
  const destination = temporaryFolder('packed');
  const folders = publishedFolders();
  const unbuilt = folders.filter((folder) => !existsSync(join(root, folder, 'dist')));
  if (unbuilt.length > 0) throw new Error(`Build first (pnpm build): no dist in ${unbuilt}.`);
  const filters = folders.flatMap((folder) => ['--filter', `./${folder}`]);
  const [pnpm = '', ...words] = pnpmCommand();
  const pack = ['--recursive', ...filters, 'pack', '--pack-destination', destination];
  await runFile(pnpm, [...words, ...pack], { cwd: root });
  return folders.map((folder) => {
    const { name, version } = manifestOf(folder);
    const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
    const tarball = join(destination, file);
    const files = filesOfTarball(gunzipSync(readFileSync(tarball)));
    const manifest = JSON.parse(new TextDecoder().decode(files.get('package.json')));
    return { name, tarball, files, manifest };
  });
}

/** The files of a tar archive of names shorter than 256 bytes, as npm's are. */
function filesOfTarball(bytes: Uint8Array): Map<string, Uint8Array> {
  const text = (from: number, length: number): string =>
    new TextDecoder().decode(bytes.subarray(from, from + length)).replace(/\0.*$/s, '');
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const prefix = text(at + 345, 155);
    const name = `${prefix === '' ? '' : `${prefix}/`}${text(at, 100)}`.replace(/^package\//, '');
    files.set(name, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
