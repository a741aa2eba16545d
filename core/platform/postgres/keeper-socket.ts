import { createHash } from 'node:crypto';
import { resolve } from 'node:path';

/** Where a data dir's keeper listens: short, as a socket's path has at most 107 bytes. */
export function keeperSocket(dataDir: string): string {
  const hash = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16);
  const user = process.geteuid?.() ?? 0;
  return `/tmp/ticklake-keeper-${user}/${hash}.sock`;
}
