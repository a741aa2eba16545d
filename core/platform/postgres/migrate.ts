import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { databaseError, isConnectionLost } from './database.ts';
import { assertHistory, connectForSchema, migrationsFolder, migrationsTable, readHistory } from './schema.ts';

/** For other processes that migrate, and for tables in use. */
const lockTimeoutMs = 300_000;
const lockNotAvailable = '55P03';

/**
 * Brings the database's schema to this version; `url` is its owner's. Safe when several processes do it at once.
 * @throws DATABASE_WRONG when its history is not ours or it is too old, DATABASE_UNREACHABLE when it does not answer,
 * TIMEOUT when another holds it for longer than five minutes
 */
export async function migrate(url: string, logger?: Logger): Promise<void> {
  const client = await connectForSchema(url);
  const say = (message: string): void => logger?.debug(message);
  try {
    assertHistory(await readHistory(client));
    await client.query(`set lock_timeout = ${lockTimeoutMs}`);
    await runner({
      dbClient: client,
      dir: fileURLToPath(migrationsFolder),
      direction: 'up',
      migrationsTable,
      checkOrder: true,
      advisoryLockMode: 'wait',
      logger: { debug: say, info: say, warn: say, error: say },
    });
  } catch (error) {
    throw migrationError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function migrationError(error: unknown): TicklakeError {
  const known = toTicklakeError(databaseError(error));
  if (known.code !== 'INTERNAL' || isConnectionLost(error)) return known;
  if (error instanceof pg.DatabaseError && error.code === lockNotAvailable) {
    return new TicklakeError('TIMEOUT', 'the database is being changed by another process for too long', {
      cause: error,
      remedy: 'Look for what holds it in pg_stat_activity, and try again.',
    });
  }
  return new TicklakeError(
    'DATABASE_WRONG',
    `the database could not be brought to this version: ${messageOf(error)}`,
    {
      cause: error,
      remedy: 'Name an empty database that the login owns, or one that ticklake made.',
    },
  );
}
