import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { symbolOf } from './ledger.ts';

/** What is not held of one listing, from its first to one past its last id or open time (microseconds). */
export interface ListedGap {
  table: string;
  source: string;
  listing: string;
  symbol: string;
  interval: string | null;
  from: number;
  to: number;
  /** Bars or ids. */
  count: number;
  kind: 'missing' | 'explained';
  cause: string | null;
  detail: string | null;
}

export interface GapsFilter {
  table?: string;
  source?: string;
  symbols?: readonly string[];
  /** Of bars; '' for ids. */
  intervals?: readonly string[];
  kind?: 'missing' | 'explained';
  cause?: string;
  /** Of bars, the window in microseconds. */
  fromUs?: number;
  toUs?: number;
}

const gapsSql = sqlFile(import.meta.url, './sql/gaps.sql');
const gapsMax = 10_000;

/**
 * Gaps as the ledger has them, at most 10,000, missing ones first. Expected is what is wanted; where nothing is, what
 * lies between the first and the last that is held; of bars, the window from `fromUs` to `toUs` where either is given.
 */
export async function listGaps(
  db: Pick<Transaction, 'query'>,
  filter: GapsFilter = {},
): Promise<ListedGap[]> {
  const { table, source, symbols, intervals, kind, cause, fromUs, toUs } = filter;
  const { rows } = await db.query<Omit<ListedGap, 'symbol' | 'kind'>>(gapsSql, [
    ...[table ?? null, source ?? null, symbols ?? null, intervals ?? null],
    ...[fromUs ?? null, toUs ?? null, gapsMax, kind ?? null, cause ?? null],
  ]);
  return rows.map((row) => ({
    ...row,
    symbol: symbolOf(row.listing),
    kind: row.cause === null ? 'missing' : 'explained',
  }));
}
