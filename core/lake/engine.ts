import { DuckDBResultReader, type DuckDBResult, type Json } from '@duckdb/node-api';
import { TicklakeError } from '#core/platform/errors.ts';
import { DuckDb } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { queryError } from './query-error.ts';
import { lockDown, prepareSelect, type QueryParams } from './select.ts';
import { lakeViews } from './views.ts';

export interface QueryOptions {
  /** A snapshot's id, a tag or a time to read the tables as of, instead of the newest snapshots. */
  asOf?: string;
  params?: QueryParams;
  /** Stops the query. */
  signal?: AbortSignal;
  rowsMax?: number;
  spillDir: string;
  memoryLimit?: string;
}

export interface QueryResult {
  columns: { name: string; type: string }[];
  rows: Record<string, Json>[];
  /** True when there were more rows than `rowsMax`. */
  truncated: boolean;
}

const rowsMaxDefault = 100_000;
const interruptEveryMs = 50;

/**
 * Runs read-only SQL over the lake in this process, its tables under their names (`market.trades`), and gives its rows.
 * Tables that `asOf` says nothing of are not there. What strangers ask runs in a process of its own: `sandbox/`.
 * @throws QUERY_INVALID with DuckDB's own words, TIMEOUT when the signal stopped it, NOT_FOUND for an unknown `asOf`.
 */
export async function query(lake: Lake, sql: string, options: QueryOptions): Promise<QueryResult> {
  const rowsMax = options.rowsMax ?? rowsMaxDefault;
  return await withQuery(lake, sql, options, async (result) => {
    const reader = new DuckDBResultReader(result);
    await reader.readUntil(rowsMax + 1);
    const types = reader.columnTypes();
    const rows = reader.getRowObjectsJson();
    return {
      columns: reader.deduplicatedColumnNames().map((name, index) => ({ name, type: String(types[index]) })),
      rows: rows.slice(0, rowsMax),
      truncated: rows.length > rowsMax,
    };
  });
}

/**
 * Runs read-only SQL as {@link query} does, and lends its result, whose chunks are computed as they are read. DuckDB
 * sees the files of the snapshots and nothing else: no other file, no network, no settings to change.
 */
export async function withQuery<T>(
  lake: Lake,
  sql: string,
  options: QueryOptions,
  use: (result: DuckDBResult) => Promise<T>,
): Promise<T> {
  const { asOf, params, signal, spillDir, memoryLimit = '1GB' } = options;
  const duck = await DuckDb.open({ threads: 2, memoryLimit, spillDir });
  const unwatch = interruptOnAbort(duck, signal);
  let release: (() => void) | undefined;
  let tables: string[] = [];
  try {
    release = await lake.leases.hold();
    const views = await lakeViews(lake, { asOf });
    tables = Object.keys(views.snapshots);
    for (const statement of views.statements) await duck.run(statement);
    await lockDown(duck, views.files);
    const statement = await prepareSelect(duck, sql, params);
    signal?.throwIfAborted();
    return await use(await statement.stream());
  } catch (error) {
    if (signal?.aborted === true)
      throw new TicklakeError('TIMEOUT', 'the query was stopped', { cause: error });
    throw queryError(error, { tables });
  } finally {
    unwatch();
    release?.();
    duck.close();
  }
}

/** An interrupt between two statements is lost, so it is repeated until the query has ended. */
function interruptOnAbort(duck: DuckDb, signal: AbortSignal | undefined): () => void {
  let timer: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    duck.connection.interrupt();
    timer = setInterval(() => duck.connection.interrupt(), interruptEveryMs);
  };
  if (signal?.aborted === true) interrupt();
  else signal?.addEventListener('abort', interrupt, { once: true });
  return () => {
    signal?.removeEventListener('abort', interrupt);
    clearInterval(timer);
  };
}
