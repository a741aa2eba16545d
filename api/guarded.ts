import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import type { Breaker } from './breaker.ts';

/** DuckDB's word for a file that it cannot read, and the file system's. */
const unreadable = /^IO Error/;
const unreadableCodes = new Set(['ENOENT', 'EACCES', 'EIO', 'ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN']);

/** A breaker of what reads files of the lake: that they cannot be read is an outage. */
export function overFiles(breaker: Breaker): Breaker {
  return {
    health: () => breaker.health(),
    run: (work) =>
      breaker.run(async () => {
        try {
          return await work();
        } catch (error) {
          if (!isUnreadable(error)) throw error;
          throw filesUnreadable(error);
        }
      }),
  };
}

export function filesUnreadable(cause?: unknown): TicklakeError {
  return new TicklakeError('UNAVAILABLE', 'the files of the lake cannot be read', {
    ...(cause === undefined ? {} : { cause }),
    remedy: 'Ask again in a few seconds; /health says what is down.',
  });
}

function isUnreadable(error: unknown): boolean {
  if (isTicklakeError(error)) return error.code === 'INTERNAL' && isUnreadable(error.cause);
  if (!(error instanceof Error)) return false;
  if (unreadable.test(error.message)) return true;
  return 'code' in error && typeof error.code === 'string' && unreadableCodes.has(error.code);
}

/** The same Postgres behind a breaker, but for its ping, by which one sees that it is back. */
export function guardedDatabase(database: Database, breaker: Breaker): Database {
  return {
    pool: database.pool,
    query: (sql, params) => breaker.run(() => database.query(sql, params)),
    queryPrepared: (name, sql, params) => breaker.run(() => database.queryPrepared(name, sql, params)),
    transaction: (work) => breaker.run(() => database.transaction(work)),
    ping: () => database.ping(),
    close: () => database.close(),
  };
}

/** The same writer behind the breaker of its Postgres: what it refuses while that is open was not done. */
export function guardedWriter(writer: TradingWriter, breaker: Breaker): TradingWriter {
  return {
    submit: (command, once) => breaker.run(() => writer.submit(command, once)),
    submitTogether: (commands, guard) => breaker.run(() => writer.submitTogether(commands, guard)),
    submitGuarded: (command, guard) => breaker.run(() => writer.submitGuarded(command, guard)),
    close: () => writer.close(),
  };
}

/** What clients that come back read of the log, behind a breaker: while it is open they begin anew, and are told so. */
export function guardedReads(log: EventLog, breaker: Breaker): Pick<EventLog, 'describe' | 'read'> {
  return {
    describe: (topic) => breaker.run(() => log.describe(topic)),
    read: (options) => log.read(options),
  };
}
