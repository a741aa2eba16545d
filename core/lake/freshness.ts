import { decodeValue } from '#core/iceberg/bounds.ts';
import type { FileEntry } from '#core/iceberg/types.ts';
import { intervalUs, isInterval } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { literal, type DuckDb } from './duckdb.ts';
import { featureTables } from './feature-tables.ts';
import { mayHoldValue } from './file-bounds.ts';
import type { Lake } from './lake.ts';
import { parquetRelation } from './relation.ts';
import { currentFiles } from './scan.ts';
import { columnNamed, lakeTables, quoted, tableId, type LakeTable } from './tables.ts';

/** How new the rows of a table are, of one source and length of bars. */
export interface Freshness {
  source: string;
  /** Of bars. */
  interval: string | null;
  /** Until when the rows reach, microseconds: the time of the newest trade, the end of the newest bar. */
  newestUs: number;
  /** How long ago that was by the venue's clock, seconds; by ours where the venue's is not known. */
  ageSeconds: number;
}

/** Works in a DuckDB that is lent. */
export type DuckLender = <T>(work: (duck: DuckDb) => Promise<T>) => Promise<T>;

const reachSql = sqlFile(import.meta.url, './sql/quality-reach.sql');

interface Reach {
  table: string;
  source: string;
  interval: string | null;
  newestUs: number;
}

/**
 * Until when the rows of each table reach: bars by the ledger, trades by the rows of their last day, marts by the bounds of
 * their files, where one that has several venues counts for each of them.
 */
export async function freshnessOf(lake: Lake, withDuck: DuckLender): Promise<Map<string, Freshness[]>> {
  const { rows: venues } = await lake.database.query<{ source: string; us: number }>(
    'select source, time_us as us from ingest.venues',
  );
  const clocks = new Map(venues.map(({ source, us }) => [source, us]));
  const held = await heldReach(lake, withDuck);
  const sources = new Set(held.map(({ source }) => source));
  const found = new Map<string, Freshness[]>();
  for (const { table, source, interval, newestUs } of [...held, ...(await martReach(lake, sources))]) {
    const nowUs = clocks.get(source) ?? Date.now() * 1_000;
    const ageSeconds = Math.max(0, Math.round((nowUs - newestUs) / 1_000_000));
    found.set(table, [...(found.get(table) ?? []), { source, interval, newestUs, ageSeconds }]);
  }
  return found;
}

async function heldReach(lake: Lake, withDuck: DuckLender): Promise<Reach[]> {
  const { rows } = await lake.database.query<
    Omit<Reach, 'newestUs'> & { reachUs: number | null; day: string | null }
  >(reachSql);
  const found: Reach[] = [];
  for (const { reachUs, day, ...of } of rows) {
    const newestUs = reachUs ?? (await newestOfDay(lake, withDuck, of, day ?? ''));
    if (newestUs !== undefined) found.push({ ...of, newestUs });
  }
  return found;
}

/** The time of a source's newest row on a day, of a table that is held by ids. */
async function newestOfDay(
  lake: Lake,
  withDuck: DuckLender,
  { table: name, source }: Pick<Reach, 'table' | 'source'>,
  day: string,
): Promise<number | undefined> {
  const table = lakeTables.find((each) => tableId(each) === name);
  if (table?.key.kind !== 'id') return undefined;
  const { time } = table.key;
  const { files } = await currentFiles(lake, table, {
    filter: [
      { column: 'date', op: '=', value: day },
      { column: 'source', op: '=', value: source },
    ],
  });
  const sql = `select epoch_us(max(${quoted(time)})) as us from (${parquetRelation(table, files)})
                where source = ${literal(source)}`;
  const [row] = await withDuck((duck) => duck.rows(sql));
  const us = row?.['us'];
  return us === null || us === undefined ? undefined : Number(us);
}

async function martReach(lake: Lake, sources: ReadonlySet<string>): Promise<Reach[]> {
  const found: Reach[] = [];
  for (const table of featureTables) {
    const newest = new Map<string, Reach>();
    const { entries } = await currentFiles(lake, table);
    for (const file of entries) {
      const interval = upperBound(table, file, 'interval');
      const openUs = upperBound(table, file, 'open_time');
      if (typeof interval !== 'string' || !isInterval(interval) || openUs === undefined) continue;
      const newestUs = Number(openUs) + intervalUs(interval);
      for (const source of sources) {
        if (!mayHoldValue(table, file, 'source', source, source)) continue;
        const known = newest.get(`${source} ${interval}`);
        if (known !== undefined && known.newestUs >= newestUs) continue;
        newest.set(`${source} ${interval}`, { table: tableId(table), source, interval, newestUs });
      }
    }
    found.push(...newest.values());
  }
  return found;
}

function upperBound(table: LakeTable, file: FileEntry, name: string) {
  const { id, type } = columnNamed(table, name);
  const bytes = file.upperBounds.get(id);
  return bytes === undefined ? undefined : decodeValue(type, bytes);
}
