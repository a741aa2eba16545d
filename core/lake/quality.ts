import type { Json } from '@duckdb/node-api';
import { sqlFile } from '#core/platform/sql-file.ts';
import { literal, type DuckDb } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { proveListings, type Completeness } from './proof.ts';
import { parquetRelation } from './relation.ts';
import { currentFiles } from './scan.ts';
import { lakeTables, quoted, tableId, type LakeTable } from './tables.ts';

/** How good the rows of a table are. Times are microseconds, or RFC 3339 where they are ours. */
export interface TableQuality {
  table: string;
  freshness: Freshness[];
  /** By the ledger; null of a table that has none, as what marts hold follows from others. */
  coverage: Completeness | null;
  /** Of a mart: what it was last made of. */
  published: PublishedInterval[];
  tests: { pass: number; warn: number; fail: number };
  /** Tests that did not pass the last time, the ones of error severity first. */
  failures: FailedTest[];
}

export interface Freshness {
  source: string;
  /** Of bars. */
  interval: string | null;
  /** Until when the rows reach: the time of the newest trade, the end of the newest bar. */
  newestUs: number;
  /** How long ago that was by the venue's clock, seconds; by ours where the venue's is not known. */
  ageSeconds: number;
}

export interface PublishedInterval {
  interval: string;
  publishedAt: string;
  /** Commits of its sources since that changed rows: 0 where the mart is of the newest state. */
  behind: number;
}

export interface FailedTest {
  test: string;
  column: string | null;
  /** `fail` and `error` (it could not be run) of error severity keep the table from being published. */
  status: 'warn' | 'fail' | 'error';
  severity: 'error' | 'warn';
  /** Rows that failed. */
  failures: number | null;
  /** A few of them. */
  examples: Record<string, Json>[];
  message: string | null;
  failingSince: string;
  checkedAt: string;
}

/** Works in a DuckDB that is lent. */
export type DuckLender = <T>(work: (duck: DuckDb) => Promise<T>) => Promise<T>;

const reachSql = sqlFile(import.meta.url, './sql/quality-reach.sql');
const testsSql = sqlFile(import.meta.url, './sql/quality-tests.sql');
const martsSql = sqlFile(import.meta.url, './sql/quality-marts.sql');

interface ReachRow {
  table: string;
  source: string;
  interval: string | null;
  reachUs: number | null;
  day: string | null;
}

/** Freshness, completeness and the last outcomes of the data tests, of every table of the lake and of what is tested beside. */
export async function lakeQuality(lake: Lake, withDuck: DuckLender): Promise<TableQuality[]> {
  const { database } = lake;
  const fresh = await freshnessOf(lake, withDuck);
  const proof = await proveListings(lake);
  const marts = await database.query<PublishedInterval & { table: string }>(martsSql);
  const { rows: tests } = await database.query<TestRow>(testsSql);
  const names = new Set([...lakeTables.map(tableId), ...tests.map(({ relation }) => relation)]);
  return [...names].map((table) => {
    const listings = proof.rows.filter((row) => row.table === table);
    return {
      table,
      freshness: fresh.get(table) ?? [],
      coverage: listings.length === 0 ? null : sumOf(listings),
      published: marts.rows
        .filter((row) => row.table === table)
        .map(({ interval, publishedAt, behind }) => ({ interval, publishedAt, behind })),
      ...outcomesOf(tests.filter(({ relation }) => relation === table)),
    };
  });
}

interface TestRow {
  relation: string;
  failed: FailedTest | null;
}

/** Outcomes of a relation's tests. */
function outcomesOf(tests: readonly TestRow[]): Pick<TableQuality, 'tests' | 'failures'> {
  const failures = tests.flatMap(({ failed }) => failed ?? []);
  const fail = failures.filter(({ status, severity }) => status === 'error' || severity === 'error').length;
  return {
    tests: { pass: tests.length - failures.length, warn: failures.length - fail, fail },
    failures,
  };
}

async function freshnessOf(lake: Lake, withDuck: DuckLender): Promise<Map<string, Freshness[]>> {
  const { rows: reach } = await lake.database.query<ReachRow>(reachSql);
  const { rows: venues } = await lake.database.query<{ source: string; us: number }>(
    'select source, time_us as us from ingest.venues',
  );
  const clocks = new Map(venues.map(({ source, us }) => [source, us]));
  const found = new Map<string, Freshness[]>();
  for (const { table, source, interval, reachUs, day } of reach) {
    const newestUs = reachUs ?? (await newestOfDay(lake, withDuck, { table, source, day: day ?? '' }));
    if (newestUs === undefined) continue;
    const nowUs = clocks.get(source) ?? Date.now() * 1_000;
    const ageSeconds = Math.max(0, Math.round((nowUs - newestUs) / 1_000_000));
    found.set(table, [...(found.get(table) ?? []), { source, interval, newestUs, ageSeconds }]);
  }
  return found;
}

/** The time of a source's newest row on a day, of a table that is held by ids. */
async function newestOfDay(
  lake: Lake,
  withDuck: DuckLender,
  { table: name, source, day }: { table: string; source: string; day: string },
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
  const [row] = await withDuck((duck) => duck.rows(newestSql(table, time, files, source)));
  const us = row?.['us'];
  return us === null || us === undefined ? undefined : Number(us);
}

function newestSql(table: LakeTable, time: string, files: readonly string[], source: string): string {
  return `select epoch_us(max(${quoted(time)})) as us from (${parquetRelation(table, files)}) where source = ${literal(source)}`;
}

function sumOf(listings: readonly Completeness[]): Completeness {
  const sum = { expected: 0, held: 0, explained: 0, missing: 0 };
  for (const { expected, held, explained, missing } of listings) {
    sum.expected += expected;
    sum.held += held;
    sum.explained += explained;
    sum.missing += missing;
  }
  return sum;
}
