import { randomUUID } from 'node:crypto';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import { widenTapeDays, type IdRange, type TapeDay } from '#core/lake/coverage.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { replaceSpans } from '#core/lake/replace.ts';
import { tableId } from '#core/lake/tables.ts';
import { isInterval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { holderAt, nameHolders, type NameHolder } from '#pipelines/discover-symbols/listing-at.ts';
import { compareHeld, restatedRelation, type Differences, type KeyRun } from './compare.ts';
import type { KnownFile } from './files.ts';
import { readFresh, tableOf } from './fresh.ts';
import { multirange, type TakenFile } from './ledger.ts';

const settleSql = sqlFile(import.meta.url, 'sql/settle.sql');
const recordSql = sqlFile(import.meta.url, 'sql/record.sql');

export interface ReplaceFileRequest {
  lake: Lake;
  archive: Archive;
  known: KnownFile;
  file: ArchiveFile;
  folder: string;
  /** Names the snapshot before, unless there is a tag of this name. */
  tag: string;
  signal?: AbortSignal;
}

/** What a replaced file did to the lake. */
export interface Restated {
  source: string;
  file: string;
  added: number;
  removed: number;
  changed: number;
  /** Null where the rows were the same. */
  snapshotId: number | null;
}

/**
 * Fetches a file anew and puts its rows in the place of those that it brought before; rows that came by other ways stay
 * where the file says nothing of them. What it has no more is a gap from then on, for which REST can be asked. Rows with
 * the same content are left as they are held. All of it is one commit: the rows, the tag of the snapshot before, and the
 * record of what changed.
 * @throws NOT_FOUND, DATA_CORRUPT where the new file is damaged (nothing is changed then), CONFLICT where another run
 *   restated it meanwhile.
 */
export async function replaceFile(duck: DuckDb, request: ReplaceFileRequest): Promise<Restated> {
  const { lake, archive, known, file, folder, tag, signal } = request;
  const { source, symbol, path } = known;
  const table = tableOf(file);
  const { interval } = file;
  const holders = await nameHolders(lake.database, {
    ...{ source, symbols: [symbol] },
    ...(interval !== undefined && isInterval(interval) ? { interval } : {}),
  });
  const fresh = await readFresh(duck, {
    ...{ archive, file, source, folder },
    ...(signal === undefined ? {} : { signal }),
  });
  const { all, withdrawn } = await spansOf(lake, known, fresh);
  const differences = await compareHeld(duck, lake, table, file, source, withdrawn);
  const days = file.kind === 'klines' ? [] : await daysOf(duck, source, coinOfIds(file, holders));
  const commitId = randomUUID();
  const { snapshotId } = await replaceSpans(lake, duck, {
    ...{ commitId, table, relation: restatedRelation(table), explained: [], tagBefore: tag },
    spans: rangesOf(all, source, file, holders),
    within: file.period,
    added: rangesOf(fresh.keys, source, file, holders),
    summary: { 'ticklake.channel': 'archive', 'ticklake.restated': path },
    guard: async (tx) => {
      await settle(tx, known, fresh, commitId);
      await widenTapeDays(tx, tableId(table), days);
      await record(tx, known, tableId(table), { fresh, differences, commitId, tag });
    },
  });
  const { added, removed, changed } = differences;
  return { source, file: path, added, removed, changed, snapshotId };
}

/** Keys that the file has or had, and those that it has no more. */
async function spansOf(
  { database }: Lake,
  { source, path }: KnownFile,
  fresh: TakenFile,
): Promise<{ all: KeyRun[]; withdrawn: KeyRun[] }> {
  const { rows } = await database.query<KeyRun & { withdrawn: boolean }>(
    `select lower(part) as lo, upper(part) as hi, false as withdrawn
       from lake.archive_files, unnest(keys + $3::int8multirange) as part where source = $1 and path = $2
     union all
     select lower(part), upper(part), true
       from lake.archive_files, unnest(keys - $3::int8multirange) as part where source = $1 and path = $2
     order by 1`,
    [source, path, multirange(fresh.keys)],
  );
  const runs = (withdrawn: boolean) =>
    rows.filter((row) => row.withdrawn === withdrawn).map(({ lo, hi }) => ({ lo, hi }));
  return { all: runs(false), withdrawn: runs(true) };
}

/** Runs as ranges of the coins they belong to. */
function rangesOf(
  runs: readonly KeyRun[],
  source: string,
  file: ArchiveFile,
  holders: readonly NameHolder[],
): IdRange[] {
  if (file.kind !== 'klines') {
    return runs.map((run) => ({ source, listing: coinOfIds(file, holders), ...run }));
  }
  return holders.flatMap(({ listing, fromUs, toUs }) =>
    runs
      .map(({ lo, hi }) => ({ lo: Math.max(lo, fromUs), hi: Math.min(hi, toUs) }))
      .filter(({ lo, hi }) => lo < hi)
      .map((run) => ({ source, listing, interval: file.interval ?? '', ...run })),
  );
}

/** A name is nobody's for a day before another coin has it: a file of ids is of one coin. */
function coinOfIds({ symbol, period }: ArchiveFile, holders: readonly NameHolder[]): string {
  return holderAt(holders, symbol, period.toUs - 1);
}

async function daysOf(duck: DuckDb, source: string, listing: string): Promise<TapeDay[]> {
  const rows = await duck.rows(
    'select date::varchar as day, min(trade_id) as lo, max(trade_id) as last from fresh group by date',
  );
  return rows.map((row) => ({
    ...{ source, listing, day: String(row['day']) },
    ...{ firstId: Number(row['lo']), lastId: Number(row['last']) },
  }));
}

async function settle(tx: Transaction, known: KnownFile, fresh: TakenFile, commitId: string): Promise<void> {
  const { source, path, sha256 } = known;
  const { rowCount } = await tx.query(settleSql, [
    ...[source, path, sha256, fresh.sha256, multirange(fresh.keys), fresh.rows, commitId],
  ]);
  if (rowCount === 1) return;
  throw new TicklakeError('CONFLICT', `${path} was restated by another run meanwhile`);
}

async function record(
  tx: Transaction,
  { source, path, sha256, isUndone }: KnownFile,
  table: string,
  facts: { fresh: TakenFile; differences: Differences; commitId: string; tag: string },
): Promise<void> {
  const { fresh, differences, commitId, tag } = facts;
  const { added, removed, changed, sample } = differences;
  await tx.query(recordSql, [
    ...[
      source,
      path,
      table,
      sha256,
      fresh.sha256,
      added,
      removed,
      changed,
      JSON.stringify(sample),
      tag,
      commitId,
    ],
    isUndone ? 'a rollback had undone what the file brought' : 'the archive published the file anew',
  ]);
}
