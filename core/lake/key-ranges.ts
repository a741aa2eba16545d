import { intervals, intervalUs } from '#core/market/interval.ts';
import { DuckDb, literal } from './duckdb.ts';
import { parquetRelation } from './relation.ts';
import { positionSql, quoted, type LakeTable } from './tables.ts';

/** A run of ids, or of bars, that files hold. */
export interface KeyRange {
  source: string;
  symbol: string;
  /** Of bars; empty for ids. */
  interval: string;
  lo: number;
  hi: number;
  /** Rows in the files, and different keys among them; of bars that are revised, different keys and revisions. */
  rows: number;
  keys: number;
}

/** The runs of keys in Parquet files, in order, counted from their rows; none of a table without a key. */
export async function keyRangesOf(
  table: LakeTable,
  files: readonly string[],
  spillDir: string,
): Promise<KeyRange[]> {
  const { key } = table;
  if (key.kind === 'none') return [];
  const position = positionSql(table);
  const versions =
    key.kind === 'bar' && key.revision !== undefined ? `count(distinct ${quoted(key.revision)})` : '1';
  const interval = key.kind === 'id' ? "''" : quoted(key.interval);
  const steps = intervals.map((name) => `when ${literal(name)} then ${intervalUs(name)}`).join(' ');
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir });
  try {
    const rows = await duck.rows(
      `with keys as (
         select source, symbol, ${interval} as interval, ${position} as position, count(*) as copies,
                ${versions} as versions
           from (${parquetRelation(table, files)}) group by all
       ), steps as (
         select *, case interval ${steps} else 1 end as step from keys
       )
       select source, symbol, interval, min(position) as lo, max(position + step) as hi,
              sum(copies)::bigint as rows, sum(versions)::bigint as keys
         from (select *, position // step - row_number() over (partition by source, symbol, interval order by position)
                         as run from steps)
        group by source, symbol, interval, run order by source, symbol, interval, lo`,
    );
    return rows.map((row) => ({
      source: String(row['source']),
      symbol: String(row['symbol']),
      interval: String(row['interval']),
      lo: Number(row['lo']),
      hi: Number(row['hi']),
      rows: Number(row['rows']),
      keys: Number(row['keys']),
    }));
  } finally {
    duck.close();
  }
}
