import type pg from 'pg';
import { toTicklakeError } from '#core/platform/errors.ts';
import { databaseError, type Database } from './database.ts';

/** A right that one session has at a time: Postgres frees it when the session ends, however it ends. */
export interface Lease {
  /** Aborted when the session is gone: from then on another may hold the lease. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Takes the lease of this name, or answers undefined while another session has it. It keeps one connection of the pool.
 * @throws DATABASE_UNREACHABLE
 */
export async function tryLease(database: Database, name: string): Promise<Lease | undefined> {
  const client = await database.pool.connect().catch((error: unknown) => {
    throw databaseError(error);
  });
  const lost = new AbortController();
  const onEnd = (): void => lost.abort();
  client.on('error', onEnd);
  client.on('end', onEnd);
  const giveBack = (error?: Error): void => {
    client.off('error', onEnd);
    client.off('end', onEnd);
    client.release(error);
  };
  try {
    const { rows } = await client.query<{ taken: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 1)) as taken',
      [name],
    );
    if (rows[0]?.taken === true) return { lost: lost.signal, release: () => release(client, name, giveBack) };
    giveBack();
    return undefined;
  } catch (error) {
    giveBack(toTicklakeError(error));
    throw databaseError(error);
  }
}

async function release(
  client: pg.PoolClient,
  name: string,
  giveBack: (error?: Error) => void,
): Promise<void> {
  try {
    await client.query('select pg_advisory_unlock(hashtextextended($1, 1))', [name]);
    giveBack();
  } catch (error) {
    // A session that cannot be asked is ended, which frees the lease as well.
    giveBack(toTicklakeError(error));
  }
}
