import { setTimeout as sleep } from 'node:timers/promises';
import type { FileEntry } from '#core/iceberg/types.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { commitAppend, commitReplacement, type CommitOutcome } from './commit.ts';
import type { CommitRequest } from './commit-request.ts';
import { heldWithin, type IdRange } from './coverage.ts';
import { literal, type DuckDb } from './duckdb.ts';
import { mayHoldValue } from './file-bounds.ts';
import type { Lake } from './lake.ts';
import { symbolOf } from './ledger.ts';
import { parquetRelation } from './relation.ts';
import { currentFiles } from './scan.ts';
import { discardFiles, stageFiles } from './stage.ts';
import { keyOf, positionSql, quoted, tableId, type LakeTable } from './tables.ts';

export interface SpansRequest extends Omit<CommitRequest, 'files' | 'days' | 'offsets' | 'guard'> {
  /**
   * A DuckDB relation with the table's columns, or a query in parentheses: all that is to be held within the spans. A query
   * may ask `leaving`, the rows that the table holds there.
   */
  relation: string;
  /** What is replaced, disjoint. */
  spans: readonly IdRange[];
  /** Of ids, only rows of this time (microseconds, half-open): another coin of the name may have the same ids. */
  within?: { fromUs: number; toUs: number };
  /** As of a commit, and told whether the table held the same rows already. */
  guard: (tx: Transaction, facts: { unchanged: boolean }) => Promise<void>;
}

export interface SpansOutcome extends CommitOutcome {
  /** True when the table held the same rows already: nothing was written, only the guard ran. */
  unchanged: boolean;
}

const attemptsMax = 10;
const pauseMsMax = 50;

/**
 * Puts the relation's rows in the place of whatever the table holds within the spans: `held := held − spans + added`,
 * rows outside stay. Files with rows on both sides are written anew. When another commit comes in between, it is done
 * again on the newer state; two replacements of different spans therefore both stand.
 * @throws PLAN_STALE when others won every attempt, and what a commit throws.
 */
export async function replaceSpans(lake: Lake, duck: DuckDb, request: SpansRequest): Promise<SpansOutcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptReplace(lake, duck, request);
    } catch (error) {
      const isStale = isTicklakeError(error, 'PLAN_STALE') || isTicklakeError(error, 'COVERAGE_OVERLAP');
      if (!isStale || attempt >= attemptsMax) throw error;
      await sleep(Math.random() * pauseMsMax * attempt);
    }
  }
}

async function attemptReplace(lake: Lake, duck: DuckDb, request: SpansRequest): Promise<SpansOutcome> {
  const { table, spans, within } = request;
  const commitAs = (unchanged: boolean) => ({
    ...{ ...request, days: [], offsets: [] },
    guard: (tx: Transaction) => request.guard(tx, { unchanged }),
  });
  const { snapshotId: basis, entries } = await currentFiles(lake, table);
  const overlaps = (file: FileEntry): boolean => spans.some((span) => mayHold(table, file, span, within));
  const replaced = entries.filter(overlaps);
  await defineParts(lake, duck, request, replaced);
  if (await isUnchanged(duck, table)) {
    const outcome = await commitAppend(lake, { ...commitAs(true), files: [], added: [] });
    return { ...outcome, unchanged: true };
  }
  const removed = await heldParts(lake, table, spans);
  const files = await stageFiles(duck, lake.store, table, lake.locationOf(table), 'replacement');
  try {
    const outcome = await commitReplacement(lake, {
      ...commitAs(false),
      files,
      basis,
      replaced,
      removed,
      overlaps,
    });
    return { ...outcome, unchanged: false };
  } catch (error) {
    if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
    throw error;
  }
}

/** What is held of the spans, cut to them. */
async function heldParts(lake: Lake, table: LakeTable, spans: readonly IdRange[]): Promise<IdRange[]> {
  const held = await heldWithin(lake.database, tableId(table), spans);
  return spans.flatMap((span) =>
    held
      .filter((range) => isSameListing(range, span) && range.lo < span.hi && range.hi > span.lo)
      .map((range) => ({ ...range, lo: Math.max(range.lo, span.lo), hi: Math.min(range.hi, span.hi) })),
  );
}

function isSameListing(a: IdRange, b: IdRange): boolean {
  return a.source === b.source && a.listing === b.listing && (a.interval ?? '') === (b.interval ?? '');
}

/** Tables of the replaced files' rows that stay, of those that go, and of what is to be written. */
async function defineParts(
  lake: Lake,
  duck: DuckDb,
  { table, relation, spans, within }: SpansRequest,
  replaced: readonly FileEntry[],
): Promise<void> {
  const files = replaced.map(({ path }) => lake.store.readable(path));
  const isReplaced = spans.map((span) => `(${conditionOf(table, span, within)})`).join(' or ') || 'false';
  // Staging asks for each partition by itself: where there are several, their files are read once, not as often.
  const isWide = new Set(replaced.map(({ path }) => path.slice(0, path.lastIndexOf('/')))).size > 1;
  const rows = parquetRelation(table, files);
  if (isWide) await duck.run(`create or replace temp table read_rows as ${rows}`);
  await duck.run(`create or replace temp view replaced_rows as ${isWide ? 'from read_rows' : rows}`);
  await duck.run(`create or replace temp view leaving as from replaced_rows where ${isReplaced}`);
  await duck.run(`create or replace temp view coming as from ${relation}`);
  await duck.run(
    `create or replace temp view replacement as
       select * from replaced_rows where not (${isReplaced}) union all by name select * from coming`,
  );
}

function conditionOf(table: LakeTable, span: IdRange, within: SpansRequest['within']): string {
  const key = keyOf(table);
  const position = positionSql(table);
  return [
    `source = ${literal(span.source)}`,
    `symbol = ${literal(symbolOf(span.listing))}`,
    ...(key.kind === 'bar' ? [`${quoted(key.interval)} = ${literal(span.interval ?? '')}`] : []),
    `${position} >= ${span.lo} and ${position} < ${span.hi}`,
    ...(key.kind === 'id' && within !== undefined ? [timeCondition(key.time, within)] : []),
  ].join(' and ');
}

function timeCondition(column: string, { fromUs, toUs }: { fromUs: number; toUs: number }): string {
  const time = quoted(column);
  return `${time} >= make_timestamptz(${fromUs}) and ${time} < make_timestamptz(${toUs})`;
}

/** Whether DuckDB's relations `leaving` and `coming` hold the same rows. */
export async function isUnchanged(duck: DuckDb, table: LakeTable): Promise<boolean> {
  // When a row was staged says nothing of its content.
  const columns = table.columns.map(({ name }) => name).filter((name) => name !== 'processing_time');
  const list = columns.map(quoted).join(', ');
  const [row] = await duck.rows(
    `select (select count(*) from leaving) = (select count(*) from coming)
        and not exists (select ${list} from leaving except all select ${list} from coming) as same`,
  );
  return row?.['same'] === true;
}

/** Whether the file's bounds let it hold rows of the span; a file without bounds may hold anything. */
function mayHold(table: LakeTable, file: FileEntry, span: IdRange, within: SpansRequest['within']): boolean {
  const key = keyOf(table);
  return (
    mayHoldValue(table, file, 'source', span.source, span.source) &&
    mayHoldValue(table, file, 'symbol', symbolOf(span.listing), symbolOf(span.listing)) &&
    (key.kind === 'id' ||
      mayHoldValue(table, file, key.interval, span.interval ?? '', span.interval ?? '')) &&
    (key.kind === 'bar' ||
      within === undefined ||
      mayHoldValue(table, file, key.time, within.fromUs, within.toUs - 1)) &&
    mayHoldValue(table, file, key.column, span.lo, span.hi - 1)
  );
}
