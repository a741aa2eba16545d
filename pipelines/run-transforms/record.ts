import type { Json } from '@duckdb/node-api';
import type { DuckDb } from '#core/lake/duckdb.ts';
import { quoted } from '#core/lake/tables.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Artifacts, TestResult } from './artifacts.ts';

const recordTestsSql = sqlFile(import.meta.url, 'sql/record-tests.sql');
const runsKept = 1_000;
const examplesMax = 5;

/** A test's outcome, with a few of the rows that failed it. */
export interface RecordedTest extends TestResult {
  examples: Record<string, Json>[];
}

/** The outcomes with examples of rows, which dbt has kept in the database that is attached as `work`. */
export async function withExamples(duck: DuckDb, tests: readonly TestResult[]): Promise<RecordedTest[]> {
  const recorded: RecordedTest[] = [];
  for (const test of tests) {
    const hasRows = (test.status === 'fail' || test.status === 'warn') && test.failures !== 0;
    const { schema, name } = test.rows;
    // A test need not have kept its rows; its outcome counts all the same.
    const examples = hasRows
      ? await duck
          .rows(`select * from work.${quoted(schema)}.${quoted(name)} limit ${examplesMax}`)
          .catch(() => [])
      : [];
    recorded.push({ ...test, examples });
  }
  return recorded;
}

export interface RecordedRun {
  runId: string;
  codeVersion: string;
  startedAt: Date;
  artifacts: Artifacts;
  /** What became of each mart. */
  marts: object;
  tests: readonly RecordedTest[];
}

/** Keeps what a run said of the data; forgets tests that are no more, and runs of long ago. */
export async function recordRun(database: Database, run: RecordedRun): Promise<void> {
  const { runId, artifacts } = run;
  await database.transaction(async (tx) => {
    await tx.query(
      `insert into quality.runs (run_id, invocation_id, code_version, started_at, marts)
       values ($1, $2, $3, $4, $5)`,
      [runId, artifacts.invocationId, run.codeVersion, run.startedAt, JSON.stringify(run.marts)],
    );
    // What was not run says nothing new.
    const ran = run.tests.filter(({ status }) => status !== 'skipped');
    await tx.query(recordTestsSql, [runId, JSON.stringify(ran)]);
    await tx.query('delete from quality.tests where test <> all($1)', [artifacts.testNames]);
    await tx.query(
      `delete from quality.runs
        where ended_at < (select ended_at from quality.runs order by ended_at desc offset $1 limit 1)`,
      [runsKept],
    );
  });
}
