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

/** Why bars are not held, before it is said of which coin. */
export type BarExplanation = Omit<Explanation, 'listing' | 'source'>;

/**
 * Why bars around those of a file are not held: the rest of a day or month of which the file has only a part
 * (`partial_source`), and the time since the archive's file before it (`not_requested`). Holes inside a file are not
 * explained: they are gaps.
 */
export function explanationsOf(
  { file, lo, hi }: LoadedFile,
  before: KlineFile | undefined,
): BarExplanation[] {
  const { interval, period } = file;
  const detail = `${file.name} has only a part of its period`;
  const partial = { interval, cause: 'partial_source', detail };
  const apart = {
    interval,
    cause: 'not_requested',
    detail: `between ${before?.name ?? ''} and ${file.name}`,
  };
  return [
    ...(beginsWithListing(file, before) ? [] : [{ ...partial, lo: period.fromUs, hi: lo }]),
    { ...partial, lo: hi, hi: period.toUs },
    ...(before === undefined ? [] : [{ ...apart, lo: before.period.toUs, hi: period.fromUs }]),
  ].filter((range) => range.lo < range.hi);
}

/** A market's first month begins with its listing. */
export function beginsWithListing(file: KlineFile, before: KlineFile | undefined): boolean {
  return before === undefined && file.granularity === 'monthly';
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
