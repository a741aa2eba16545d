import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import { isConnectionLost } from './database.ts';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';

const folder = fileURLToPath(new URL('../../../sql/migrations', import.meta.url));

/**
 * Brings the database's schema to this version. Safe when several processes do it at once.
 * @throws DATABASE_WRONG when its history is not ours, DATABASE_UNREACHABLE when it does not answer.
 */
export async function migrate(url: string, logger?: Logger): Promise<void> {
  const say = (message: string): void => logger?.debug(message);
  try {
    await runner({
      databaseUrl: url,
      dir: folder,
      direction: 'up',
      migrationsTable: 'ticklake_migrations',
      checkOrder: true,
      advisoryLockMode: 'wait',
      logger: { debug: say, info: say, warn: say, error: say },
    });
  } catch (error) {
    if (isConnectionLost(error)) {
      throw new TicklakeError('DATABASE_UNREACHABLE', `Postgres does not answer: ${messageOf(error)}`, {
        cause: error,
        remedy: 'Check that it runs and that TICKLAKE_DATABASE_URL names it.',
      });
    }
    throw new TicklakeError(
      'DATABASE_WRONG',
      `the database could not be brought to this version: ${messageOf(error)}`,
      {
        cause: error,
        remedy: 'Name an empty database of Postgres 15 or newer, or one that ticklake made.',
      },
    );
  }
}
