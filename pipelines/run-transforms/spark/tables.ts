import { literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { quoted, tableId, type LakeTable } from '#core/lake/tables.ts';
import type { Long } from '#core/iceberg/types.ts';

/** What Spark opens the lake's catalog with: Iceberg's own, of Java, on the tables in Postgres. */
export interface SparkCatalog {
  /** By which the catalog in Postgres tells its tables, and Spark too. */
  name: string;
  /** `jdbc:postgresql://…`, without user and password. */
  uri: string;
  user: string;
  password: string;
  warehouse: string;
}

export interface TableVersion {
  table: LakeTable;
  /** Null where nothing was committed yet. */
  snapshotId: Long | null;
  /** SQL of which rows are wanted, of `bars`; default all. */
  where?: string;
}

/** The lake's catalog as a user of its Postgres opens it. */
export function sparkCatalog(lake: Lake, postgresUrl: string): SparkCatalog {
  const url = new URL(postgresUrl);
  const [user, password] = [url.username, url.password].map(decodeURIComponent);
  url.username = '';
  url.password = '';
  const uri = `jdbc:${url.href}`.replace(/^jdbc:postgres:/, 'jdbc:postgresql:');
  const login = { user: user ?? '', password: password ?? '' };
  return { name: lake.catalogName, uri, ...login, warehouse: lake.store.root };
}

/** SQL for Spark of a table's rows as of a snapshot; of bars that are revised, the latest revision of each. */
export function sparkRelation(
  catalog: SparkCatalog,
  { table, snapshotId, where = 'true' }: TableVersion,
): string {
  const columns = table.columns.map(({ name }) => quoted(name)).join(', ');
  const version = snapshotId === null ? '' : ` version as of ${snapshotId}`;
  const rows = `${quoted(catalog.name)}.${tableId(table)}${version} as bars where ${snapshotId === null ? 'false' : where}`;
  const { key } = table;
  if (key.kind !== 'bar' || key.revision === undefined) return `select ${columns} from ${rows}`;
  const bar = ['source', 'symbol', key.interval, key.column].map(quoted).join(', ');
  return `select ${columns} from (
            select *, row_number() over (partition by ${bar} order by ${quoted(key.revision)} desc) as nth from ${rows}
          ) where nth = 1`;
}

/** SQL of whether a row of `bars` is in one of some intervals, or of the ranges in a Parquet file. */
export function barsWithin(intervals: readonly string[], ranges: string): string {
  const whole =
    intervals.length === 0 ? 'false' : `bars."interval" in (${intervals.map(literal).join(', ')})`;
  return `(${whole} or exists (
            select 1 from parquet.\`${ranges}\` as r
             where r.source = bars.source and r.symbol = bars.symbol and r."interval" = bars."interval"
               and unix_micros(bars.open_time) >= r.lo and unix_micros(bars.open_time) < r.hi))`;
}
