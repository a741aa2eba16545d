import type { DuckDb } from '#core/lake/duckdb.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const candlesSql = sqlFile(import.meta.url, '../../transforms/rendered/candles.sql');
const partsSql = sqlFile(import.meta.url, '../../transforms/rendered/int_parts.sql');

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
  await declareSchemas(duck);
  await duck.run(`create or replace view market.trades as from ${trades}`);
  await duck.run(`create or replace view intermediate.int_parts as ${partsSql}`);
  return await candlesOf(duck, { wholeDays, horizons: noHorizons });
}

export interface PartInputs {
  /** A DuckDB relation with the columns of the model `int_parts`, beyond the bars wanted those beside them. */
  parts: string;
  /** A DuckDB relation of source, symbol and time_us: bars that end by then are over, whether anything was traded. */
  horizons: string;
}

/** The same model over parts of bars that were made before: by `int_live_parts`, of trades as they came. */
export async function candlesOfParts(duck: DuckDb, { parts, horizons }: PartInputs): Promise<string> {
  await declareSchemas(duck);
  await duck.run(`create or replace view intermediate.int_parts as from ${parts}`);
  return await candlesOf(duck, { wholeDays: noWholeDays, horizons });
}

const noWholeDays =
  '(select null::varchar as source, null::varchar as symbol, null::date as day where false)';
const noHorizons =
  '(select null::varchar as source, null::varchar as symbol, null::bigint as time_us where false)';

async function candlesOf(duck: DuckDb, ledger: { wholeDays: string; horizons: string }): Promise<string> {
  await duck.run(`create or replace view ledger.whole_days as from ${ledger.wholeDays}`);
  await duck.run(`create or replace view ledger.horizons as from ${ledger.horizons}`);
  return candlesSql;
}

async function declareSchemas(duck: DuckDb): Promise<void> {
  for (const schema of ['market', 'ledger', 'intermediate']) {
    await duck.run(`create schema if not exists ${schema}`);
  }
}
