import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { databaseError } from './database.ts';

/** The database's history of migrations, as against the program's. */
export type SchemaState = 'current' | 'older' | 'newer' | 'foreign';

export const migrationsFolder = new URL('../../../sql/migrations/', import.meta.url);
export const migrationsTable = 'ticklake_migrations';
const known = readdirSync(migrationsFolder)
  .filter((name) => name.endsWith('.sql'))
  .map((name) => name.slice(0, -'.sql'.length))
  .toSorted();

const serverVersionMin = 150_000;
const waitMs = 60_000;
const pollMs = 500;
const connectTimeoutMs = 5_000;

/** A connection for work on the schema; whoever opens it ends it. @throws DATABASE_UNREACHABLE, DATABASE_WRONG */
export async function connectForSchema(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'ticklake schema',
    connectionTimeoutMillis: connectTimeoutMs,
  });
  // A connection that dies between two statements tells the next one.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::integer as version`,
    );
    assertServerVersion(rows[0]?.version ?? 0);
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw databaseError(error);
  }
}

/** @throws DATABASE_WRONG for a Postgres that is too old. `version` is its `server_version_num`. */
export function assertServerVersion(version: number): void {
  if (version >= serverVersionMin) return;
  throw new TicklakeError(
    'DATABASE_WRONG',
    `the server is Postgres ${Math.floor(version / 10_000)}, which is too old`,
    { remedy: `Name one of version ${serverVersionMin / 10_000} or newer.` },
  );
}

/** @throws DATABASE_WRONG when the history goes beyond this program's, or is another's. */
export function assertHistory(applied: readonly string[]): void {
  const state = compareHistory(applied, known);
  if (state === 'newer') {
    throw new TicklakeError(
      'DATABASE_WRONG',
      `the database is at version ${applied.at(-1)}, made by a newer ticklake; this one knows ${known.at(-1)}`,
      { remedy: 'Run the newer ticklake, or name another database.' },
    );
  }
  if (state === 'foreign') {
    throw new TicklakeError('DATABASE_WRONG', `the database has a history that is not ticklake's`, {
      remedy: 'Name an empty database, or one that ticklake made.',
    });
  }
}

export function compareHistory(applied: readonly string[], ours: readonly string[]): SchemaState {
  const common = Math.min(applied.length, ours.length);
  if (applied.slice(0, common).join() !== ours.slice(0, common).join()) return 'foreign';
  if (applied.length === ours.length) return 'current';
  return applied.length < ours.length ? 'older' : 'newer';
}

/** Migrations that were run on the database, in their order; none where the login cannot see the history yet. */
export async function readHistory(client: pg.Client): Promise<string[]> {
  const { rows: seen } = await client.query<{ visible: boolean | null }>(
    `select has_table_privilege(to_regclass('${migrationsTable}'), 'select') as visible`,
  );
  if (seen[0]?.visible !== true) return [];
  const { rows } = await client.query<{ name: string }>(
    `select name from ${migrationsTable} order by run_on, id`,
  );
  return rows.map(({ name }) => name);
}

/**
 * Waits until somebody who owns the database has brought it to this version, at most a minute: for roles with a login
 * of their own, which has no right to do it.
 * @throws DATABASE_WRONG when nobody did, or it is not ours
 */
export async function untilMigrated(url: string, logger: Logger, timeoutMs = waitMs): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  const client = await connectForSchema(url);
  try {
    for (let said = false; ; said = true) {
      const applied = await readHistory(client);
      assertHistory(applied);
      if (applied.length === known.length) return;
      const at = applied.at(-1) ?? 'none';
      if (Date.now() > deadline) {
        throw new TicklakeError(
          'DATABASE_WRONG',
          `the database is at version ${at}, which is too old: this ticklake needs ${known.at(-1)}`,
          { remedy: 'Start a role that has the owner’s login in TICKLAKE_DATABASE_URL: it brings it there.' },
        );
      }
      if (!said)
        logger.info({ at, needed: known.at(-1) }, 'waiting for the database to be brought to this version');
      await sleep(pollMs);
    }
  } catch (error) {
    throw databaseError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
