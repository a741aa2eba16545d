import { createHash } from 'node:crypto';
import type { Long } from '#core/iceberg/types.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { jsonId } from './catalog.ts';
import { keyRangesOf } from './key-ranges.ts';
import type { Lake } from './lake.ts';
import { coverage, type ListingCoverage } from './ledger.ts';
import { currentFiles } from './scan.ts';
import { tableId, type LakeTable } from './tables.ts';

/** The ledger of the coins that had a symbol beside what its files hold. */
export interface ListingVerdict {
  table: string;
  source: string;
  symbol: string;
  /** Of bars; null for trades. */
  interval: string | null;
  ok: boolean;
  /** Ids or bars by the ledger. */
  held: number;
  /** Rows in the snapshot's files. */
  inFiles: number;
  missing: number;
  duplicates: number;
  explained: number;
  snapshotId: number | string | null;
}

export interface Verdict {
  ok: boolean;
  listings: ListingVerdict[];
  /** Files whose bytes are not those that were committed; only asked for with `deep`. */
  damaged: string[];
}

/**
 * Recomputes what is held from the Parquet files of the current snapshot and compares it with the ledger, id range
 * by id range; ids that two coins of one name have are in the files as often. With `deep`, each file's SHA-256 is
 * compared with the one kept at its commit.
 */
export async function verifyTable(
  lake: Lake,
  table: LakeTable,
  options: { spillDir: string; deep?: boolean },
): Promise<Verdict> {
  const { snapshotId, files, held, rows } = await readTogether(lake, table);
  const inFiles = await rangesInFiles(table, files, options.spillDir);
  const damaged = options.deep === true ? await damagedFiles(lake, tableId(table)) : [];
  const ledger = Map.groupBy(rows, (row) => keyOf(row.source, row.symbol, row.interval));
  const listings = [...new Set([...ledger.keys(), ...inFiles.keys()])].sort().map((key): ListingVerdict => {
    const found = inFiles.get(key);
    const sum = (of: 'held' | 'missing' | 'explained'): number =>
      (ledger.get(key) ?? []).reduce((total, row) => total + row[of], 0);
    const [source = '', symbol = '', interval = ''] = key.split('|');
    const ranges = held.get(key);
    const shared = sum('held') - (ranges?.keys ?? 0);
    const duplicates = found === undefined ? 0 : found.rows - found.keys - shared;
    const sameRanges = (found?.ranges ?? '') === (ranges?.text ?? '');
    return {
      table: tableId(table),
      source,
      symbol,
      interval: interval === '' ? null : interval,
      ok: sameRanges && duplicates === 0 && sum('missing') === 0,
      held: sum('held'),
      inFiles: found?.rows ?? 0,
      missing: sum('missing'),
      duplicates,
      explained: sum('explained'),
      snapshotId: snapshotId === null ? null : jsonId(snapshotId),
    };
  });
  return { ok: damaged.length === 0 && listings.every((listing) => listing.ok), listings, damaged };
}

/** The table's files and its ledger as of one moment, so that a commit in between is not taken for a difference. */
async function readTogether(
  lake: Lake,
  table: LakeTable,
): Promise<{
  snapshotId: Long | null;
  files: string[];
  held: Map<string, HeldRanges>;
  rows: ListingCoverage[];
}> {
  // Else the lease would ask for a second connection within the transaction.
  await lake.leases.touch();
  return await lake.database.transaction(async (db) => {
    await db.query('set transaction isolation level repeatable read, read only');
    const { snapshotId, files } = await currentFiles(lake, table, { db });
    const rows = await coverage(lake, { table: tableId(table) }, db);
    return { snapshotId, files, held: await heldRanges(db, tableId(table)), rows };
  });
}

interface FoundKeys {
  rows: number;
  /** Different ids or open times. */
  keys: number;
  /** `lo-hi` of each run, joined by commas. */
  ranges: string;
}

async function rangesInFiles(
  table: LakeTable,
  files: readonly string[],
  spillDir: string,
): Promise<Map<string, FoundKeys>> {
  const ranges = await keyRangesOf(table, files, spillDir);
  const byListing = Map.groupBy(ranges, (range) => keyOf(range.source, range.symbol, range.interval));
  return new Map(
    [...byListing].map(([key, runs]) => [
      key,
      {
        rows: runs.reduce((sum, run) => sum + run.rows, 0),
        keys: runs.reduce((sum, run) => sum + run.keys, 0),
        ranges: runs.map(({ lo, hi }) => `${lo}-${hi}`).join(','),
      },
    ]),
  );
}

interface HeldRanges {
  /** Keys that at least one of the symbol's coins has. */
  keys: number;
  /** As {@link FoundKeys.ranges}. */
  text: string;
}

async function heldRanges(db: Pick<Transaction, 'query'>, table: string): Promise<Map<string, HeldRanges>> {
  const { rows } = await db.query<{ source: string; symbol: string; interval: string } & HeldRanges>(
    `with held as (
       select source, regexp_replace(listing, '#[0-9]+$', '') as symbol, "interval",
              range_agg(int8range(lo, hi)) as ranges
         from lake.coverage where table_name = $1 group by 1, 2, 3)
     select source, symbol, "interval", sum(upper(run) - lower(run))::bigint / lake.step("interval") as keys,
            string_agg(lower(run) || '-' || upper(run), ',' order by run) as text
       from held, unnest(ranges) as run group by source, symbol, "interval"`,
    [table],
  );
  return new Map(
    rows.map(({ source, symbol, interval, ...held }) => [keyOf(source, symbol, interval), held]),
  );
}

async function damagedFiles(lake: Lake, table: string): Promise<string[]> {
  const { rows } = await lake.database.query<{ path: string; sha256: string }>(
    'select path, sha256 from lake.data_files where table_name = $1 and removed_by is null',
    [table],
  );
  const damaged: string[] = [];
  for (const { path, sha256 } of rows) {
    const bytes = await lake.store.read(path).catch(() => undefined);
    if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== sha256)
      damaged.push(path);
  }
  return damaged;
}

function keyOf(source: string, symbol: string, interval: string | null): string {
  return `${source}|${symbol}|${interval ?? ''}`;
}
