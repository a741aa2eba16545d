import pg from 'pg';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { isUntrusted } from '#core/platform/untrusted.ts';

export interface Result<Row> {
  rows: Row[];
  rowCount: number;
}

/** Statements inside one transaction. 64-bit integers arrive as numbers (an unsafe one is an error), numerics as text. */
export interface Transaction {
  query<Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<Result<Row>>;
}

/** A pool of connections to one Postgres, with the rights of one role. */
export interface Database extends Transaction {
  /**
   * A statement that is asked often: each connection plans it once, and anew when the statistics of its tables change.
   * `name` stands for this text alone.
   */
  queryPrepared<Row>(name: string, sql: string, params: readonly unknown[]): Promise<Result<Row>>;
  /**
   * Runs `work` in one transaction; its error rolls everything back and is thrown.
   * @throws COMMIT_UNKNOWN when the connection broke while COMMIT was under way: it may have happened or not;
   * INTERNAL when `work` went on after a statement failed, so that Postgres rolled it back.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** A quick round trip; throws DATABASE_UNREACHABLE. */
  ping(): Promise<void>;
  close(): Promise<void>;
  /** The pool itself, for what needs the driver: binary results, sessions that hold locks. */
  readonly pool: pg.Pool;
}

export interface DatabaseOptions {
  url: string;
  /** Rights to take on after connecting, where the login has more than it should use. */
  setRole?: string;
  applicationName: string;
  maxConnections?: number;
  logger: Logger;
  metrics: Metrics;
}

const int8 = 20;
const connectTimeoutMs = 5_000;
const statementTimeoutMs = 60_000;

export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections ?? 8,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
    keepAlive: true,
    types: { getTypeParser },
    ...(options.setRole === undefined ? {} : { options: `-c role=${options.setRole}` }),
  });
  // A connection that dies while idle is replaced by the next query; without a listener it would end the process.
  pool.on('error', (error) => options.logger.warn({ err: error }, 'an idle connection to Postgres was lost'));
  const waiting = options.metrics.gauge('ticklake_postgres_waiting', 'Queries waiting for a connection');
  const seconds = options.metrics.histogram(
    'ticklake_postgres_query_seconds',
    'One statement outside transactions',
  );

  const ask = async <Row>(statement: pg.QueryConfig): Promise<Result<Row>> => {
    waiting.set(pool.waitingCount);
    const stop = seconds.startTimer();
    try {
      return asResult<Row>(await pool.query(statement));
    } catch (error) {
      throw databaseError(error);
    } finally {
      stop();
    }
  };

  const query = async <Row>(text: string, params: readonly unknown[] = []): Promise<Result<Row>> =>
    await ask<Row>({ text, values: [...params] });

  return {
    pool,
    query,
    queryPrepared: (name, text, params) => ask({ name, text, values: [...params] }),
    async transaction(work) {
      waiting.set(pool.waitingCount);
      const client = await pool.connect().catch((error: unknown) => {
        throw databaseError(error);
      });
      // A pooled client that loses its connection while lent out has no other listener.
      const onError = (error: Error): void =>
        options.logger.warn({ err: error }, 'a connection to Postgres was lost');
      client.on('error', onError);
      let broken: Error | undefined;
      try {
        return await runTransaction(client, work);
      } catch (error) {
        if (isConnectionLost(error)) broken = error instanceof Error ? error : new Error(messageOf(error));
        throw databaseError(error);
      } finally {
        client.off('error', onError);
        client.release(broken);
      }
    },
    async ping() {
      await query('select 1');
    },
    async close() {
      await pool.end();
    },
  };
}

async function runTransaction<T>(client: pg.PoolClient, work: (tx: Transaction) => Promise<T>): Promise<T> {
  await client.query('begin');
  let result: T;
  try {
    result = await work({
      query: async <Row>(sql: string, params: readonly unknown[] = []) =>
        asResult<Row>(await client.query(sql, [...params])),
    });
  } catch (error) {
    // A connection that is lost is thrown away, and one that is busy would keep us waiting.
    if (!isConnectionLost(error)) await client.query('rollback').catch(() => undefined);
    throw error;
  }
  let ended: string;
  try {
    ({ command: ended } = await client.query('commit'));
  } catch (error) {
    if (!isConnectionLost(error)) throw error;
    throw new TicklakeError('COMMIT_UNKNOWN', `the connection broke during COMMIT: ${messageOf(error)}`, {
      cause: error,
    });
  }
  // Postgres answers so to the COMMIT of a transaction in which a statement has failed.
  if (ended === 'ROLLBACK')
    throw new TicklakeError(
      'INTERNAL',
      'the transaction was rolled back: it went on after a statement failed',
    );
  return result;
}

/** Whether the server could not be reached or went away, as against having answered with an error. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof TicklakeError)
    return error.code === 'DATABASE_UNREACHABLE' || error.code === 'COMMIT_UNKNOWN';
  if (error instanceof pg.DatabaseError) return lostStates.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && lostCodes.test(error.code)) return true;
  return lostMessages.test(error.message);
}

/** Connection exceptions, a server that shuts down or starts, no free connection, a session that was idle too long. */
const lostStates = /^(08...|57P0[1235]|53300|25P03)$/;
const lostCodes = /^E(CONN|PIPE|NOENT|HOST|NET|TIMEDOUT|NOTFOUND|AI_)/;
const lostMessages =
  /connection terminated|timeout exceeded when trying to connect|not queryable|client was closed|connection error|timeout expired|query read timeout|error establishing an SSL/i;
/** No such login, password, right to connect, or database. */
const refusedStates = /^(28...|3D000)$/;
/** What the driver says where the server speaks no TLS. */
const noTls = /does not support SSL/;
/** A lock that was not free in time, a deadlock, a serialization failure: the transaction can be run again. */
const contendedStates = /^(55P03|40P01|40001)$/;

/** The error as one of ours where the server could not be reached, went away, is contended, or refuses the login. */
export function databaseError(error: unknown): unknown {
  if (error instanceof TicklakeError) return error;
  if (error instanceof pg.DatabaseError && refusedStates.test(error.code ?? '')) {
    return new TicklakeError('DATABASE_WRONG', `Postgres refuses the login: ${error.message}`, {
      cause: error,
      remedy: 'Check user, password and database in TICKLAKE_DATABASE_URL.',
    });
  }
  if (isUntrusted(error) || noTls.test(messageOf(error))) {
    return new TicklakeError('DATABASE_WRONG', `Postgres cannot be trusted: ${messageOf(error)}`, {
      cause: error,
      remedy:
        'Check that TICKLAKE_DATABASE_CA_FILE is of the authority that signed its certificate, which names the host of the URL.',
    });
  }
  if (error instanceof pg.DatabaseError && contendedStates.test(error.code ?? '')) {
    return new TicklakeError('CONFLICT', `Postgres was busy with others' work: ${error.message}`, {
      cause: error,
      remedy: 'Try again; pg_locks says who holds the lock.',
    });
  }
  if (!isConnectionLost(error)) return error;
  return new TicklakeError('DATABASE_UNREACHABLE', `Postgres does not answer: ${messageOf(error)}`, {
    cause: error,
    remedy: 'Check that it runs and that TICKLAKE_DATABASE_URL names it; the same call can succeed then.',
  });
}

function asResult<Row>(result: pg.QueryResult): Result<Row> {
  return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
}

function getTypeParser(oid: number, format?: string): (value: string) => unknown {
  if (oid === int8 && format !== 'binary') return safeInteger;
  return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} from Postgres is beyond the safe integers`);
  return value;
}
