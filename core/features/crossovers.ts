import type { DuckDb } from '#core/lake/duckdb.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const crossoverSql = sqlFile(import.meta.url, '../../transforms/rendered/ma_crossover.sql');

/**
 * Gives the model `ma_crossover` its indicators in this DuckDB, a relation with the columns of `features.indicators`, and
 * answers its SQL: a row of every bar at which the averages of 50 and 200 closes cross. The text is what dbt compiles
 * `transforms/models/marts/signals/ma_crossover.sql` to.
 */
export async function crossoversModel(duck: DuckDb, { indicators }: { indicators: string }): Promise<string> {
  await duck.run('create schema if not exists features');
  await duck.run(`create or replace view features.indicators as from ${indicators}`);
  return crossoverSql;
}
