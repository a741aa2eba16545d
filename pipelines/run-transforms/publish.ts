import { randomUUID } from 'node:crypto';
import type { FileEntry } from '#core/iceberg/types.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import { literal } from '#core/lake/duckdb.ts';
import { mayHoldValue } from '#core/lake/file-bounds.ts';
import type { Lake } from '#core/lake/lake.ts';
import { replaceRows } from '#core/lake/replace-rows.ts';
import { quoted, tableId } from '#core/lake/tables.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { insertRanges, isWithin } from './inputs.ts';
import type { MartPlan, SourceVersion } from './plan.ts';

const publishSql = sqlFile(import.meta.url, 'sql/publish.sql');

export interface Publication {
  plan: MartPlan;
  sources: readonly SourceVersion[];
  /** Who made it, of what SQL. */
  runId: string;
  invocationId: string;
  sqlSha256: string;
  projectSha256: string;
  codeVersion: string;
  /** What ran the SQL. */
  engine: 'duckdb' | 'spark';
}

export interface PublishedMart {
  /** Rows that were made again. */
  rows: number;
  /** Null where they were the same as before. */
  snapshotId: number | null;
}

/**
 * Publishes what dbt has built of a mart (in the database attached as `work`) in one commit, which also notes what the mart
 * is made of. Readers see the mart as it was, or as it is.
 * @throws PLAN_STALE when another run has published the mart since the plan was made, and what a commit throws.
 */
export async function publishMart(
  lake: Lake,
  duck: DuckDb,
  publication: Publication,
): Promise<PublishedMart> {
  const { table } = publication.plan.mart;
  const { whole, ranges } = publication.plan;
  await duck.run(
    `create or replace temp table output_ranges (source varchar, symbol varchar, "interval" varchar, lo bigint, hi bigint)`,
  );
  await insertRanges(duck, 'output_ranges', ranges);
  const columns = table.columns.map(({ name }) => quoted(name)).join(', ');
  await duck.run(
    `create or replace temp view made as
       select ${columns} from work.${quoted(table.namespace)}.${quoted(table.name)} as mart
        where ${isMade('mart', [...whole])}`,
  );
  const [count] = await duck.rows('select count(*) as count from made');
  const commitId = randomUUID();
  const { snapshotId } = await replaceRows(lake, duck, {
    ...{ commitId, table, relation: 'made' },
    leaving: isMade('replaced_rows', [...whole]),
    mayLeave: (file) => mayHoldMade(publication.plan, file),
    summary: lineageOf(publication, Number(count?.['count'])),
    guard: (tx) => notePublished(tx, commitId, publication),
  });
  return { rows: Number(count?.['count']), snapshotId };
}

/** SQL of whether a row is among those that are made again. */
function isMade(rows: string, whole: readonly string[]): string {
  const intervals = whole.length === 0 ? 'false' : `${rows}."interval" in (${whole.map(literal).join(', ')})`;
  return `(${intervals} or ${isWithin(rows, 'output_ranges')})`;
}

function mayHoldMade({ mart: { table }, whole, ranges }: MartPlan, file: FileEntry): boolean {
  const mayBe = (column: string, value: string): boolean => mayHoldValue(table, file, column, value, value);
  return (
    [...whole].some((interval) => mayBe('interval', interval)) ||
    ranges.some(
      ({ source, symbol, interval, lo, hi }) =>
        mayBe('interval', interval) &&
        mayBe('source', source) &&
        mayBe('symbol', symbol) &&
        mayHoldValue(table, file, 'open_time', lo, hi - 1),
    )
  );
}

/** Where the rows come from, in the snapshot's summary. */
function lineageOf(publication: Publication, rows: number): Record<string, string> {
  const { plan, sources, runId, invocationId, sqlSha256, codeVersion, engine } = publication;
  const snapshots = sources.map(({ table, snapshotId }) => [tableId(table), String(snapshotId ?? 'none')]);
  return {
    'ticklake.channel': 'transforms',
    'ticklake.sources': JSON.stringify(Object.fromEntries(snapshots)),
    'ticklake.run-id': runId,
    'ticklake.dbt-invocation-id': invocationId,
    'ticklake.sql-sha256': sqlSha256,
    'ticklake.code-version': codeVersion,
    'ticklake.engine': engine,
    'ticklake.intervals': [...plan.intervals.keys()].join(' '),
    'ticklake.rows-made': String(rows),
  };
}

async function notePublished(
  tx: Transaction,
  commitId: string,
  { plan, sources, sqlSha256, projectSha256 }: Publication,
): Promise<void> {
  const name = tableId(plan.mart.table);
  const seqs = Object.fromEntries(sources.map(({ table, seq }) => [tableId(table), seq]));
  const { rowCount } = await tx.query(publishSql, [
    ...[name, commitId, JSON.stringify(seqs), sqlSha256],
    ...[[...plan.intervals.keys()], [...plan.intervals.values()], projectSha256],
  ]);
  if (rowCount === plan.intervals.size) return;
  throw new TicklakeError('PLAN_STALE', `another run has published ${name} meanwhile`, {
    remedy: 'Run the transforms again: what is left to do is made then.',
  });
}
