import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import type { DuckDBValue, Json } from '@duckdb/node-api';
import { DuckDb } from '#core/lake/duckdb.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { klines, quoted, trades } from '#core/lake/tables.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

export interface DuckReader {
  /**
   * Runs one of the statements of `api/sql` with its table standing for the rows of the files given; without files
   * there are no rows.
   * @throws TIMEOUT when the signal ends it, OVERLOADED when too many wait already.
   */
  read(
    statement: keyof typeof statements,
    files: readonly string[],
    params: Record<string, DuckDBValue>,
    signal?: AbortSignal,
  ): Promise<Record<string, Json>[]>;
  /**
   * Waits for its turn and works in the reader's DuckDB, of which temporary tables and views are the worker's own until
   * the next turn.
   * @throws TIMEOUT when the signal ends it, OVERLOADED when too many wait already.
   */
  turn<T>(name: string, work: (duck: DuckDb) => Promise<T>, signal?: AbortSignal): Promise<T>;
  close(): void;
}

export interface DuckReaderOptions {
  /** Tells readers apart in metrics. */
  name: string;
  spillDir: string;
  metrics: Metrics;
  /** As DuckDB writes sizes; default 512MB. */
  memoryLimit?: string;
}

const waitingMax = 64;
const statements = {
  markets: { table: trades, sql: sqlFile(import.meta.url, 'sql/markets.sql') },
  trades: { table: trades, sql: sqlFile(import.meta.url, 'sql/trades.sql') },
  statistics: { table: klines, sql: sqlFile(import.meta.url, 'sql/statistics.sql') },
  summary: { table: klines, sql: sqlFile(import.meta.url, 'sql/summary.sql') },
  volumes: { table: klines, sql: sqlFile(import.meta.url, 'sql/volumes.sql') },
};

/** A DuckDB for the service's own statements, which run one after another. */
export async function openDuckReader(options: DuckReaderOptions): Promise<DuckReader> {
  const { name: reader, spillDir, metrics, memoryLimit = '512MB' } = options;
  const duck = await DuckDb.open({ threads: 2, memoryLimit, spillDir });
  const turns = bulkhead(1, waitingMax);
  const waiting = metrics.gauge('ticklake_api_query_waiting', 'Statements waiting for their turn in DuckDB', [
    'reader',
  ]);
  const seconds = metrics.histogram('ticklake_api_query_seconds', 'Statements over the lake', ['statement']);
  const showWaiting = (): void => waiting.set({ reader }, waitingMax - turns.queueSlots);

  return {
    async read(statement, files, params, signal) {
      if (files.length === 0) return [];
      const { table, sql } = statements[statement];
      const work = async (): Promise<Record<string, Json>[]> => {
        const rows = parquetRelation(table, files);
        await duck.run(`create or replace temp view ${quoted(table.name)} as ${rows}`);
        return await duck.rows(sql, params);
      };
      return await turn(statement, work, signal);
    },
    turn,
    close: () => duck.close(),
  };

  async function turn<T>(
    statement: string,
    work: (duck: DuckDb) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    try {
      return await turns.execute(async () => {
        showWaiting();
        signal?.throwIfAborted();
        const interrupt = (): void => duck.connection.interrupt();
        signal?.addEventListener('abort', interrupt, { once: true });
        const stop = seconds.startTimer({ statement });
        try {
          return await work(duck);
        } finally {
          stop();
          signal?.removeEventListener('abort', interrupt);
        }
      });
    } catch (error) {
      throw readError(error, signal);
    } finally {
      showWaiting();
    }
  }
}

function readError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (isBulkheadRejectedError(error)) {
    return new TicklakeError('OVERLOADED', `${waitingMax} statements wait already`, {
      remedy: 'Ask again in a few seconds, or for fewer things at once.',
    });
  }
  if (signal?.aborted === true)
    return new TicklakeError('TIMEOUT', 'the statement took too long', { cause: error });
  return error;
}
