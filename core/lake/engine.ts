import type { Long } from '#core/iceberg/types.ts';
import { TicklakeError, messageOf } from '#core/platform/errors.ts';
import {
  DuckDBResultReader,
  StatementType,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  type Json,
} from '@duckdb/node-api';
import { snapshotAsOf } from './as-of.ts';
import { loadTable } from './catalog.ts';
import { DuckDb, literal } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { latestRevisions, parquetRelation } from './relation.ts';
import { currentFiles } from './scan.ts';
import { lakeTables, quoted, type LakeTable } from './tables.ts';

export interface QueryOptions {
  /** A snapshot's id, a tag or a time to read the tables as of, instead of the newest snapshots. */
  asOf?: string;
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
 * Runs read-only SQL over the lake, its tables under their names (`market.trades`), and gives its rows. Tables that
 * `asOf` says nothing of are not there.
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
  const duck = await DuckDb.open({
    threads: 2,
    memoryLimit: options.memoryLimit ?? '1GB',
    spillDir: options.spillDir,
  });
  const unwatch = interruptOnAbort(duck, options.signal);
  let release: (() => void) | undefined;
  try {
    release = await lake.leases.hold();
    await lockDown(duck, await defineTables(duck, lake, options.asOf));
    return await use(await run(duck, sql, options));
  } catch (error) {
    if (options.signal?.aborted === true) {
      throw new TicklakeError('TIMEOUT', 'the query was stopped', { cause: error });
    }
    throw invalid(error);
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

/** Views of all tables; answers the files behind them. Of revised bars the latest, and beside it all revisions. */
async function defineTables(duck: DuckDb, lake: Lake, asOf: string | undefined): Promise<string[]> {
  const files: string[] = [];
  let found = false;
  for (const table of lakeTables) {
    const snapshotId =
      asOf === undefined ? undefined : snapshotAsOf((await loadTable(lake, table)).metadata, asOf);
    if (asOf !== undefined && snapshotId === undefined) continue;
    found = true;
    files.push(...(await defineView(duck, lake, table, snapshotId)));
  }
  if (found) return files;
  throw new TicklakeError('NOT_FOUND', `the lake has nothing as of ${String(asOf)}`, {
    remedy:
      'Name a snapshot of `ticklake lake snapshots TABLE`, a tag, or a time such as 2026-03-01T12:00:00Z.',
  });
}

async function defineView(
  duck: DuckDb,
  lake: Lake,
  table: LakeTable,
  snapshotId: Long | null | undefined,
): Promise<string[]> {
  const files = snapshotId === null ? [] : await filesAsOf(lake, table, snapshotId);
  await duck.run(`create schema if not exists ${quoted(table.namespace)}`);
  const view = (suffix: string) => `create view ${quoted(table.namespace)}.${quoted(table.name + suffix)} as`;
  const rows = parquetRelation(table, files);
  const latest = latestRevisions(table, rows);
  await duck.run(`${view('')} ${latest}`);
  if (latest !== rows) await duck.run(`${view('_revisions')} ${rows}`);
  return files;
}

async function filesAsOf(lake: Lake, table: LakeTable, snapshotId: Long | undefined): Promise<string[]> {
  return (await currentFiles(lake, table, snapshotId === undefined ? {} : { snapshotId })).files;
}

async function lockDown(duck: DuckDb, files: readonly string[]): Promise<void> {
  if (files.length > 0) await duck.run(`set allowed_paths = [${files.map(literal).join(', ')}]`);
  await duck.run('set enable_external_access = false');
  await duck.run('set lock_configuration = true');
}

async function run(duck: DuckDb, sql: string, options: QueryOptions): Promise<DuckDBResult> {
  const statement = await prepareSelect(duck, sql);
  options.signal?.throwIfAborted();
  return await statement.stream();
}

function invalid(error: unknown): TicklakeError {
  if (error instanceof TicklakeError) return error;
  return new TicklakeError('QUERY_INVALID', messageOf(error), {
    cause: error,
    remedy: 'Tables are named as in `ticklake lake tables`; the lake is read-only.',
  });
}

/** DuckDB lets statements write wherever they may read, over the lake's files too: only a SELECT may run. */
async function prepareSelect(duck: DuckDb, sql: string): Promise<DuckDBPreparedStatement> {
  const statements = await duck.connection.extractStatements(sql);
  if (statements.count !== 1) {
    throw new TicklakeError('QUERY_INVALID', `the text holds ${statements.count} statements`, {
      remedy: 'Send one SELECT at a time.',
    });
  }
  const statement = await statements.prepare(0);
  if (statement.statementType === StatementType.SELECT) return statement;
  throw new TicklakeError('QUERY_INVALID', 'the statement is no SELECT', {
    remedy: 'The lake is read-only here: send a SELECT, DESCRIBE, SHOW or SUMMARIZE.',
  });
}
