import { TicklakeError, messageOf } from '#core/platform/errors.ts';
import { StatementType, type DuckDBPreparedStatement, type Json } from '@duckdb/node-api';
import { DuckDb, literal } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { currentFiles } from './scan.ts';
import { duckType, lakeTables, quoted, type LakeTable } from './tables.ts';

export interface QueryOptions {
  /** A snapshot of the table instead of the newest; only for a query over one table. */
  snapshotId?: number;
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
 * Runs read-only SQL over the lake, its tables under their names (`market.trades`). DuckDB sees the files of the
 * snapshots and nothing else: no other file, no network, no settings to change.
 * @throws QUERY_INVALID with DuckDB's own words, TIMEOUT when the signal stopped it.
 */
export async function query(lake: Lake, sql: string, options: QueryOptions): Promise<QueryResult> {
  const duck = await DuckDb.open({
    threads: 2,
    memoryLimit: options.memoryLimit ?? '1GB',
    spillDir: options.spillDir,
  });
  const unwatch = interruptOnAbort(duck, options.signal);
  try {
    const files: string[] = [];
    for (const table of lakeTables) files.push(...(await defineView(duck, lake, table, options)));
    await lockDown(duck, files);
    return await readRows(duck, sql, options);
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
    throw new TicklakeError('TIMEOUT', 'the query was stopped', { cause: error });
  } finally {
    unwatch();
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

async function defineView(
  duck: DuckDb,
  lake: Lake,
  table: LakeTable,
  options: QueryOptions,
): Promise<string[]> {
  const { files } = await currentFiles(
    lake,
    table,
    options.snapshotId === undefined ? {} : { snapshotId: options.snapshotId },
  );
  const columns = table.columns.map((column) => quoted(column.name)).join(', ');
  const empty = table.columns.map((c) => `null::${duckType(c.type)} as ${quoted(c.name)}`).join(', ');
  const from =
    files.length === 0
      ? `select ${empty} where false`
      : `select ${columns} from read_parquet([${files.map(literal).join(', ')}], ${partitionPruning(table, files)})`;
  await duck.run(`create schema if not exists ${quoted(table.namespace)}`);
  await duck.run(`create view ${quoted(table.namespace)}.${quoted(table.name)} as ${from}`);
  return files;
}

/** Where every path names its partition, DuckDB leaves out files by it without opening them. */
function partitionPruning(table: LakeTable, files: readonly string[]): string {
  const folder = `/${table.partitionColumn}=`;
  if (!files.every((file) => file.includes(folder))) return 'hive_partitioning = false';
  const column = table.columns.find(({ name }) => name === table.partitionColumn);
  const type = column === undefined ? 'varchar' : duckType(column.type);
  return `hive_partitioning = true, hive_types = {${quoted(table.partitionColumn)}: ${type}}`;
}

async function lockDown(duck: DuckDb, files: readonly string[]): Promise<void> {
  if (files.length > 0) await duck.run(`set allowed_paths = [${files.map(literal).join(', ')}]`);
  await duck.run('set enable_external_access = false');
  await duck.run('set lock_configuration = true');
}

async function readRows(duck: DuckDb, sql: string, options: QueryOptions): Promise<QueryResult> {
  const rowsMax = options.rowsMax ?? rowsMaxDefault;
  try {
    const statement = await prepareSelect(duck, sql);
    options.signal?.throwIfAborted();
    const reader = await statement.streamAndReadUntil(rowsMax + 1);
    const names = reader.deduplicatedColumnNames();
    const types = reader.columnTypes();
    const rows = reader.getRowObjectsJson();
    return {
      columns: names.map((name, index) => ({ name, type: String(types[index]) })),
      rows: rows.slice(0, rowsMax),
      truncated: rows.length > rowsMax,
    };
  } catch (error) {
    if (error instanceof TicklakeError) throw error;
    throw new TicklakeError('QUERY_INVALID', messageOf(error), {
      cause: error,
      remedy: 'Tables are named as in `ticklake lake tables`; the lake is read-only.',
    });
  }
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
