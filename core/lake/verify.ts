import { createHash } from 'node:crypto';
import { DuckDb, literal } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { coverage, symbolOf } from './ledger.ts';
import { currentFiles } from './scan.ts';
import { tableId, type LakeTable } from './tables.ts';

/** One listing's ledger beside what its files hold. */
export interface ListingVerdict {
  table: string;
  source: string;
  symbol: string;
  ok: boolean;
  /** Ids by the ledger. */
  held: number;
  /** Rows in the snapshot's files. */
  inFiles: number;
  missing: number;
  duplicates: number;
  explained: number;
  snapshotId: number | null;
}

export interface Verdict {
  ok: boolean;
  listings: ListingVerdict[];
  /** Files whose bytes are not those that were committed; only asked for with `deep`. */
  damaged: string[];
}

/**
 * Recomputes what is held from the Parquet files of the current snapshot and compares it with the ledger, id range
 * by id range. With `deep`, each file's SHA-256 is compared with the one kept at its commit.
 */
export async function verifyTable(
  lake: Lake,
  table: LakeTable,
  options: { spillDir: string; deep?: boolean },
): Promise<Verdict> {
  const { snapshotId, files } = await currentFiles(lake, table);
  const inFiles = await rangesInFiles(files, options.spillDir);
  const held = await heldRanges(lake, tableId(table));
  const damaged = options.deep === true ? await damagedFiles(lake, tableId(table)) : [];
  const ledger = new Map(
    (await coverage(lake, { table: tableId(table) })).map((row) => [keyOf(row.source, row.symbol), row]),
  );
  const listings = [...new Set([...ledger.keys(), ...inFiles.keys()])].sort().map((key): ListingVerdict => {
    const found = inFiles.get(key);
    const row = ledger.get(key);
    const [source = '', symbol = ''] = key.split('|');
    const duplicates = found === undefined ? 0 : found.rows - found.ids;
    const sameRanges = (found?.ranges ?? '') === (held.get(key) ?? '');
    return {
      table: tableId(table),
      source,
      symbol,
      ok: sameRanges && duplicates === 0 && row?.missing === 0,
      held: row?.held ?? 0,
      inFiles: found?.rows ?? 0,
      missing: row?.missing ?? 0,
      duplicates,
      explained: row?.explained ?? 0,
      snapshotId,
    };
  });
  return { ok: damaged.length === 0 && listings.every((listing) => listing.ok), listings, damaged };
}

interface FoundIds {
  rows: number;
  ids: number;
  /** `lo-hi` of each run, joined by commas. */
  ranges: string;
}

async function rangesInFiles(files: readonly string[], spillDir: string): Promise<Map<string, FoundIds>> {
  if (files.length === 0) return new Map();
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir });
  try {
    const rows = await duck.rows(
      `with ids as (
         select source, symbol, trade_id, count(*) as copies
           from read_parquet([${files.map(literal).join(', ')}]) group by all
       ), runs as (
         select source, symbol, min(trade_id) as lo, max(trade_id) + 1 as hi, sum(copies) as copies, count(*) as ids
           from (select *, trade_id - row_number() over (partition by source, symbol order by trade_id) as run from ids)
          group by source, symbol, run
       )
       select source, symbol, sum(copies)::bigint as rows, sum(ids)::bigint as ids,
              string_agg(lo || '-' || hi, ',' order by lo) as ranges
         from runs group by source, symbol`,
    );
    return new Map(
      rows.map((row) => [
        keyOf(String(row['source']), String(row['symbol'])),
        { rows: Number(row['rows']), ids: Number(row['ids']), ranges: String(row['ranges']) },
      ]),
    );
  } finally {
    duck.close();
  }
}

async function heldRanges(lake: Lake, table: string): Promise<Map<string, string>> {
  const { rows } = await lake.database.query<{ source: string; listing: string; ranges: string }>(
    `select source, listing, string_agg(lo || '-' || hi, ',' order by lo) as ranges
       from lake.coverage where table_name = $1 and "interval" = '' group by source, listing`,
    [table],
  );
  return new Map(rows.map((row) => [keyOf(row.source, symbolOf(row.listing)), row.ranges]));
}

async function damagedFiles(lake: Lake, table: string): Promise<string[]> {
  const { rows } = await lake.database.query<{ path: string; sha256: string }>(
    'select path, sha256 from lake.data_files where table_name = $1',
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

function keyOf(source: string, symbol: string): string {
  return `${source}|${symbol}`;
}
