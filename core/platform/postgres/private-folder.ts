import { lstat, mkdir } from 'node:fs/promises';
import { TicklakeError } from '#core/platform/errors.ts';

/**
 * Makes a folder that only its owner can enter, or accepts the one that is there if it is ours. Under `/tmp` anybody
 * may have been there first.
 * @param uids who may own it beside this process
 * @throws UNAVAILABLE when it belongs to somebody else or is no folder
 */
export async function ensurePrivateFolder(path: string, uids: readonly number[] = []): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const facts = await lstat(path);
  const owners = [process.geteuid?.() ?? facts.uid, ...uids];
  if (facts.isDirectory() && owners.includes(facts.uid)) return;
  throw new TicklakeError('UNAVAILABLE', `${path} belongs to somebody else`, {
    remedy: 'Remove it, or find out who made it: the sockets of the embedded Postgres are there.',
  });
}
