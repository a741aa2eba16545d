import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { ensurePrivateFolder } from './private-folder.ts';

/** Where a data dir's keeper listens: short, as a socket's path has at most 107 bytes. `dataDir` is a real path. */
export async function keeperSocket(dataDir: string): Promise<string> {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const path = join(`/tmp/ticklake-keeper-${process.geteuid?.() ?? 0}`, `${hash}.sock`);
  await ensurePrivateFolder(dirname(path));
  return path;
}
