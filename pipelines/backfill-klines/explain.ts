import type { Explanation, IdRange } from '#core/lake/coverage.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { TakenFile } from '#pipelines/restate-archive/ledger.ts';
import type { KlineFile } from './select.ts';

const expectSql = sqlFile(import.meta.url, 'sql/expect.sql');
const explainSql = sqlFile(import.meta.url, 'sql/explain.sql');

/** Bars of one file that became held: its first open time, and the open time after its last. */
export interface LoadedFile extends TakenFile {
  file: KlineFile;
  lo: number;
  hi: number;
}

/**
 * Why bars around those of a file are not held: the rest of a day or month of which the file has only a part
 * (`partial_source`), and the time since the archive's file before it (`not_requested`). Holes inside a file are not
 * explained: they are gaps.
 */
export function explanationsOf(
  { file, lo, hi }: LoadedFile,
  before: KlineFile | undefined,
  market: Pick<IdRange, 'source' | 'listing' | 'interval'>,
): Explanation[] {
  const { fromUs, toUs } = file.period;
  const partial = {
    ...market,
    cause: 'partial_source',
    detail: `${file.name} has only a part of its period`,
  };
  // A market's first month begins with its listing.
  const isListing = before === undefined && file.granularity === 'monthly';
  const apart = { cause: 'not_requested', detail: `between ${before?.name ?? ''} and ${file.name}` };
  return [
    ...(isListing ? [] : [{ ...partial, lo: fromUs, hi: lo }]),
    { ...partial, lo: hi, hi: toUs },
    ...(before === undefined ? [] : [{ ...market, ...apart, lo: before.period.toUs, hi: fromUs }]),
  ].filter((range) => range.lo < range.hi);
}

/** Explains what nobody has held, explained or wanted yet. The caller holds the table's lock. */
export async function explainRest(
  tx: Transaction,
  table: string,
  ranges: readonly Explanation[],
): Promise<void> {
  if (ranges.length === 0) return;
  await tx.query(explainSql, [
    table,
    ranges.map((range) => range.source),
    ranges.map((range) => range.listing),
    ranges.map((range) => range.interval ?? ''),
    ranges.map((range) => range.lo),
    ranges.map((range) => range.hi),
    ranges.map((range) => range.cause),
    ranges.map((range) => range.detail),
  ]);
}

/** From here on the span is expected of these markets: what nobody had asked for becomes a gap. */
export async function expectSpan(
  tx: Transaction,
  table: string,
  markets: readonly IdRange[],
  { fromUs, toUs }: { fromUs: number; toUs: number },
): Promise<void> {
  await tx.query(expectSql, [
    table,
    markets.map((range) => range.source),
    markets.map((range) => range.listing),
    markets.map((range) => range.interval ?? ''),
    fromUs,
    toUs,
  ]);
}
