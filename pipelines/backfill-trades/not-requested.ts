import type { IdRange } from '#core/lake/coverage.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { explainRest } from '#pipelines/backfill-klines/explain.ts';
import type { Coin, Tape } from './tape.ts';

const openedSql = sqlFile(import.meta.url, 'sql/opened.sql');

/**
 * Explains as `not_requested` the ids between what was held of a coin and a tape that lies wholly before or after it:
 * whoever brings a day of last year beside today's stream does not ask for the year between. What is wanted stays a gap,
 * and so does a hole that was there before. For the guard of the commit that added `added`.
 */
export async function explainOpened(
  tx: Transaction,
  { source, listing }: Coin,
  { runs }: Tape,
  added: readonly IdRange[],
): Promise<void> {
  if (added.length === 0) return;
  const { rows } = await tx.query<{ lo: number; hi: number }>(openedSql, [
    ...[tableId(trades), source, listing, runs[0]?.from ?? 0, runs.at(-1)?.to ?? 0],
    ...[added.map(({ lo }) => lo), added.map(({ hi }) => hi)],
  ]);
  const cause = 'not_requested';
  const detail = 'between what was held and what was asked for';
  await explainRest(
    tx,
    tableId(trades),
    rows.map(({ lo, hi }) => ({ source, listing, lo, hi, cause, detail })),
  );
}
