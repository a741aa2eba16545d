import pg from 'pg';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import { isConnectionLost, type Database } from '#core/platform/postgres/database.ts';

/** The rows of one statement; a server out of reach is LOG_UNREACHABLE. */
export async function rows<R>(database: Database, sql: string, params: unknown[] = []): Promise<R[]> {
  return await naming(async () => (await database.query<R>(sql, params)).rows);
}

/** A connection of its own, whose session the server ends after `timeoutMs` without a statement. */
export interface Session {
  rows<R>(sql: string, params: unknown[]): Promise<R[]>;
  end(): Promise<void>;
}

/** `onLost` is called when the connection ends by itself. */
export async function openSession(
  database: Database,
  name: string,
  timeoutMs: number,
  onLost: (error: Error) => void,
): Promise<Session> {
  const client = new pg.Client({
    ...database.pool.options,
    application_name: name,
    query_timeout: timeoutMs,
    connectionTimeoutMillis: timeoutMs,
  });
  client.on('error', onLost);
  client.on('end', () => onLost(new Error('connection ended')));
  const end = async () => {
    await client.end().catch(() => undefined);
  };
  try {
    await client.connect();
    await client.query(`set idle_session_timeout = ${Math.round(timeoutMs)}`);
  } catch (error) {
    await end();
    throw named(error);
  }
  return {
    rows: async (sql, params) => await naming(async () => (await client.query(sql, params)).rows),
    end,
  };
}

async function naming<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw named(error);
  }
}

function named(error: unknown): unknown {
  if (!isConnectionLost(error)) return error;
  return new TicklakeError('LOG_UNREACHABLE', `The event log's Postgres: ${messageOf(error)}`, {
    cause: error,
    remedy: 'Check that Postgres runs and can be reached; the same call can succeed then.',
  });
}
