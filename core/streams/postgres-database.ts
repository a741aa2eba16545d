import pg from 'pg';
import { messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';

export type Database = pg.Pool;

/** The rows of one statement; a server out of reach is LOG_UNREACHABLE. */
export async function rows<R extends pg.QueryResultRow>(
  database: Database,
  sql: string,
  params: unknown[] = [],
): Promise<R[]> {
  return await naming(async () => (await database.query<R>(sql, params)).rows);
}

/** A connection of its own, whose session the server ends after `timeoutMs` without a statement. */
export interface Session {
  rows<R extends pg.QueryResultRow>(sql: string, params: unknown[]): Promise<R[]>;
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
    ...database.options,
    application_name: name,
    query_timeout: timeoutMs,
    connectionTimeoutMillis: timeoutMs,
  });
  client.on('error', onLost);
  client.on('end', () => onLost(new Error('connection ended')));
  await naming(async () => {
    await client.connect();
    await client.query(`set idle_session_timeout = ${Math.round(timeoutMs)}`);
  });
  return {
    rows: async (sql, params) => await naming(async () => (await client.query(sql, params)).rows),
    end: async () => {
      await client.end().catch(() => undefined);
    },
  };
}

async function naming<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw toLogError(error);
  }
}

/** The server's answer of an error keeps its own name; anything else means that it was not reached. */
function toLogError(error: unknown): TicklakeError {
  if (error instanceof TicklakeError) return error;
  const answered = error instanceof pg.DatabaseError && !/^(08|57P0)/.test(error.code ?? '');
  if (answered) return toTicklakeError(error);
  return new TicklakeError('LOG_UNREACHABLE', `The event log's Postgres: ${messageOf(error)}`, {
    cause: error,
    remedy: 'Check that Postgres runs and can be reached; the same call can succeed then.',
  });
}
