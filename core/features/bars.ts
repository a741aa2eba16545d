import type { DuckDb } from '#core/lake/duckdb.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const barsSql = sqlFile(import.meta.url, '../../transforms/rendered/int_bars.sql');

export interface BarInputs {
  /** A DuckDB relation with the columns of `market.klines`. */
  klines: string;
  /** A DuckDB relation with the columns of `market.candles`, of each bar its latest revision. */
  candles: string;
}

/**
 * Gives the model `int_bars` its inputs in this DuckDB and answers its SQL: one bar of each market, interval and time,
 * the venue's own where it is held. The text is what dbt compiles `transforms/models/intermediate/int_bars.sql` to.
 */
export async function barsModel(duck: DuckDb, { klines, candles }: BarInputs): Promise<string> {
  await duck.run('create schema if not exists market');
  await duck.run(`create or replace view market.klines as from ${klines}`);
  await duck.run(`create or replace view market.candles as from ${candles}`);
  return barsSql;
}
