import type { DuckDb } from '#core/lake/duckdb.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const indicatorsSql = sqlFile(import.meta.url, '../../transforms/rendered/indicators.sql');
const extendedSql = sqlFile(import.meta.url, '../../transforms/rendered/indicators_extended.sql');
const tailsSql = sqlFile(import.meta.url, '../../transforms/rendered/int_tails.sql');
const newestSql = sqlFile(import.meta.url, '../../transforms/rendered/newest_indicators.sql');

export interface IndicatorInputs {
  /**
   * A DuckDB relation with the columns of the model `int_bars`, one row a bar. Windows end where a bar is missing, so
   * that of each source, symbol and interval the bars should be there without holes.
   */
  bars: string;
}

/**
 * Gives the model `indicators` its bars in this DuckDB and answers its SQL: the columns of `features.indicators`, a row
 * for every bar, null until the window is full. The text is what dbt compiles
 * `transforms/models/marts/features/indicators.sql` to.
 */
export async function indicatorsModel(duck: DuckDb, { bars }: IndicatorInputs): Promise<string> {
  await giveBars(duck, bars);
  return indicatorsSql;
}

/** The same of the model `indicators_extended`: the columns of `features.indicators_extended`. */
export async function extendedIndicatorsModel(duck: DuckDb, { bars }: IndicatorInputs): Promise<string> {
  await giveBars(duck, bars);
  return extendedSql;
}

/** Bars of a market that its newest row follows from, to 1e-12: older ones weigh nothing. */
export const tailBars = 512;

/**
 * The same, but only the newest row of each source, symbol and interval, and a lot faster: the text is what dbt compiles
 * `transforms/models/live/newest_indicators.sql` to, made of the same macros. A tail of `tailBars` bars suffices.
 */
export async function newestIndicators(duck: DuckDb, { bars }: IndicatorInputs): Promise<string> {
  await giveBars(duck, bars);
  await duck.run(`create or replace view intermediate.int_tails as ${tailsSql}`);
  return newestSql;
}

/**
 * The same of tails that are kept: a relation of source, symbol, interval, open_us of the newest bar, closes (a list,
 * oldest first, at most `tailBars` and without a missing bar among them), and is_filled of the newest bar.
 */
export async function newestOfTails(duck: DuckDb, { tails }: { tails: string }): Promise<string> {
  await duck.run('create schema if not exists intermediate');
  await duck.run(`create or replace view intermediate.int_tails as from ${tails}`);
  return newestSql;
}

async function giveBars(duck: DuckDb, bars: string): Promise<void> {
  await duck.run('create schema if not exists intermediate');
  await duck.run(`create or replace view intermediate.int_bars as from ${bars}`);
}
