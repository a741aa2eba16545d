import pg from 'pg';
import { TicklakeError } from '#core/platform/errors.ts';
import {
  databaseError,
  isConnectionLost,
  type Database,
  type Result,
  type Transaction,
} from '#core/platform/postgres/database.ts';

/** A statement that is prepared once a connection, under a name that is its own. */
export interface Statement {
  name: string;
  text: string;
}

/** A connection of its own for transactions in few round trips: what is sent without waiting goes out together. */
export interface Session extends Transaction {
  /** The statement's rows. Statements run in the order they are sent; after one has failed, so do the rest of its transaction. */
  send<Row>(statement: Statement | string, params?: readonly unknown[]): Promise<Row[]>;
  /** Sends what ends a transaction along with `last`; throws the first error of them. @throws COMMIT_UNKNOWN */
  commit(last: readonly Promise<unknown>[]): Promise<void>;
  rollback(): Promise<void>;
  readonly isLost: boolean;
  close(): Promise<void>;
}

/**
 * Plans are made once, and not by the tables' sizes, which are wrong for a database that has just been made: every
 * statement goes by an index. Whoever stops amid a transaction loses it, and its locks, by these times.
 */
const settings = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
  lock_timeout: '20s',
  idle_in_transaction_session_timeout: '5s',
};

/** @throws DATABASE_UNREACHABLE */
export async function openSession(database: Database, name: string): Promise<Session> {
  const { options } = database.pool;
  const given = options.options === undefined ? [] : [options.options];
  const client = new pg.Client({
    ...options,
    application_name: name,
    pipeline: true,
    options: [...given, ...Object.entries(settings).map(([key, value]) => `-c ${key}=${value}`)].join(' '),
  } as pg.ClientConfig);
  let isLost = false;
  const onLost = (): void => void (isLost = true);
  client.on('error', onLost);
  client.on('end', onLost);
  const run = async <Row>(query: pg.QueryConfig): Promise<Result<Row>> => {
    try {
      const { rows, rowCount } = await client.query(query);
      return { rows: rows as Row[], rowCount: rowCount ?? 0 };
    } catch (error) {
      if (isConnectionLost(error)) isLost = true;
      throw databaseError(error);
    }
  };
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw databaseError(error);
  }
  return {
    query: (text, params = []) => run({ text, values: [...params] }),
    async send<Row>(statement: Statement | string, params?: readonly unknown[]) {
      const query = typeof statement === 'string' ? { text: statement } : statement;
      return (await run<Row>(params === undefined ? query : { ...query, values: [...params] })).rows;
    },
    async commit(last) {
      const ended = client.query('commit');
      const settled = await Promise.allSettled([...last, ended]);
      const failed = settled.find((one) => one.status === 'rejected');
      if (failed === undefined) {
        if ((await ended).command === 'COMMIT') return;
        throw new TicklakeError(
          'INTERNAL',
          'the transaction was rolled back, as a statement of it had failed',
        );
      }
      if (!isConnectionLost(failed.reason)) throw databaseError(failed.reason);
      isLost = true;
      throw new TicklakeError('COMMIT_UNKNOWN', 'the connection broke while it was being committed', {
        cause: failed.reason,
        remedy: 'Ask again with the same key: the answer is the same, whether it was done or not.',
      });
    },
    async rollback() {
      await client.query('rollback').catch(onLost);
    },
    get isLost() {
      return isLost;
    },
    async close() {
      await client.end().catch(() => undefined);
    },
  };
}

/** All results, in their order; the first error where there is one, once all have ended. */
export async function together<T extends readonly Promise<unknown>[] | []>(
  sent: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(sent);
  return await Promise.all(sent);
}
