import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/**
 * The path of a new folder of the data dir for files on their way; who has some makes it, and removes it in the end.
 * Those that processes of this machine have left, as they died, are removed.
 */
export async function spillFolder(dataDir: string, name: string): Promise<string> {
  const parent = join(dataDir, 'tmp');
  for (const folder of await readdir(parent).catch(() => [])) {
    if (await isLeft(parent, folder)) await rm(join(parent, folder), { recursive: true, force: true });
  }
  return join(parent, `${name}-${randomUUID()}@${hostname()}-${process.pid}`);
}

/** Containers that share a volume may share process ids too, so another machine's folders are left to it. */
async function isLeft(parent: string, folder: string): Promise<boolean> {
  const [, machine, pid] = /@(.+)-(\d+)$/.exec(folder) ?? [];
  if (machine !== hostname()) return false;
  if (Number(pid) !== process.pid) return !isAlive(Number(pid));
  // A container that is started again has the id that it had before.
  const changed = await stat(join(parent, folder)).catch(() => undefined);
  return changed !== undefined && changed.mtimeMs < Date.now() - process.uptime() * 1_000;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
