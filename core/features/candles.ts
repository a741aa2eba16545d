import type { DuckDb } from '#core/lake/duckdb.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const candlesSql = sqlFile(import.meta.url, '../../transforms/rendered/candles.sql');

export interface CandleInputs {
  /**
   * A DuckDB relation with the columns of `market.trades`. Beyond the bars wanted, the last trade before them and the
   * first after them belong to it, where they are held: they tell the price to carry and whether the edges are whole.
   */
  trades: string;
  /** A DuckDB relation of source, symbol and day: UTC days all of whose trades are known to be there. */
  wholeDays: string;
}

/**
 * Gives the model `candles` its inputs in this DuckDB and answers its SQL: the columns of `market.candles` without
 * `revision` and `computed_at`, for all intervals, the bars at the edges of the tape included. The text is what dbt
 * compiles `transforms/models/marts/candles.sql` to.
 */
export async function candlesModel(duck: DuckDb, { trades, wholeDays }: CandleInputs): Promise<string> {
  await duck.run('create schema if not exists market');
  await duck.run('create schema if not exists ledger');
  await duck.run(`create or replace view market.trades as from ${trades}`);
  await duck.run(`create or replace view ledger.whole_days as from ${wholeDays}`);
  return candlesSql;
}
