import type { Json } from '@duckdb/node-api';
import { sqlFile } from '#core/platform/sql-file.ts';
import { freshnessOf, type DuckLender, type Freshness } from './freshness.ts';
import type { Lake } from './lake.ts';
import { proveListings, type Completeness } from './proof.ts';
import { lakeTables, tableId } from './tables.ts';

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

const testsSql = sqlFile(import.meta.url, './sql/quality-tests.sql');
const martsSql = sqlFile(import.meta.url, './sql/quality-marts.sql');

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
