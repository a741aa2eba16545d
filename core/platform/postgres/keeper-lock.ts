import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const sqliteBusy = 5;

/** Open as long as this process lives: closing it, or losing it to the collector, would free the lock. */
const held: DatabaseSync[] = [];

/** Whether this process is now the data dir's only keeper: the kernel frees SQLite's file lock when its holder dies. */
export function lockDirectory(dir: string): boolean {
  const lock = new DatabaseSync(join(dir, 'keeper.lock'));
  try {
    // Without a journal, nothing is written: a full disk is for those to tell who need to write.
    lock.exec('pragma journal_mode = off; begin exclusive');
    held.push(lock);
    return true;
  } catch (error) {
    lock.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return false;
    throw error;
  }
}
