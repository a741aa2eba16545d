import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissingFile, toTicklakeError } from './errors.ts';

/** Writes a new file for its owner alone, which is on disk when this ends. @throws EEXIST where there is one */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * The text of a file that is made where it is missing, whole or not at all, for its owner alone; of several processes that
 * make it at a time, the first one's stands.
 * @throws DISK_FULL, and whatever the file system says
 */
export async function ensureSecretFile(path: string, make: () => Promise<string>): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!isMissingFile(error)) throw toTicklakeError(error);
  }
  const draft = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeSecretFile(draft, await make());
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    return await readFile(path, 'utf8');
  } catch (error) {
    throw toTicklakeError(error);
  } finally {
    await rm(draft, { force: true });
  }
}
