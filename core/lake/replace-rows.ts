import type { FileEntry } from '#core/iceberg/types.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { commitAppend, commitReplacement } from './commit.ts';
import type { DuckDb } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { parquetRelation } from './relation.ts';
import { isUnchanged, type SpansOutcome } from './replace.ts';
import { currentFiles } from './scan.ts';
import { discardFiles, stageFiles } from './stage.ts';
import type { LakeTable } from './tables.ts';

export interface RowsRequest {
  commitId: string;
  /** A table without a key. */
  table: LakeTable;
  /** A DuckDB relation with the table's columns: what comes. */
  relation: string;
  /** SQL of which of the table's rows go. */
  leaving: string;
  /** Whether rows that go may be in a file: those of other files are not looked at. */
  mayLeave: (file: FileEntry) => boolean;
  summary: Readonly<Record<string, string>>;
  /** What else belongs to the commit; it also runs where nothing changes. */
  guard: (tx: Transaction) => Promise<void>;
}

const attemptsMax = 5;
/** More rows are not compared with those they replace: that takes longer than to write them. */
const comparedRowsMax = 2_000_000;

/**
 * Puts the relation's rows in the place of some of a table without a key, in one commit. Files that also have rows which
 * stay are written anew, all others stay as they are. Where the rows are the same, nothing is written. When another commit
 * comes in between, it is done again on the newer state.
 * @throws PLAN_STALE when others won every attempt, what the guard and what a commit throws.
 */
export async function replaceRows(lake: Lake, duck: DuckDb, request: RowsRequest): Promise<SpansOutcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptReplace(lake, duck, request);
    } catch (error) {
      if (!isTicklakeError(error, 'PLAN_STALE') || attempt >= attemptsMax) throw error;
    }
  }
}

async function attemptReplace(lake: Lake, duck: DuckDb, request: RowsRequest): Promise<SpansOutcome> {
  const { commitId, table, summary, guard } = request;
  const { snapshotId: basis, entries } = await currentFiles(lake, table);
  const replaced = entries.filter(request.mayLeave);
  await defineParts(lake, duck, request, replaced);
  const common = { commitId, table, summary, guard, added: [], days: [], explained: [], offsets: [] };
  if (await isSame(duck, table)) {
    return { ...(await commitAppend(lake, { ...common, files: [] })), unchanged: true };
  }
  const files = await stageFiles(duck, lake.store, table, lake.locationOf(table), 'replacement');
  try {
    const outcome = await commitReplacement(lake, {
      ...{ ...common, files, basis, replaced, removed: [], rowsChange: true },
      overlaps: request.mayLeave,
    });
    return { ...outcome, unchanged: false };
  } catch (error) {
    if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
    throw error;
  }
}

/** Views of the rows that go, those that come, and what is to be written. */
async function defineParts(
  lake: Lake,
  duck: DuckDb,
  { table, relation, leaving }: RowsRequest,
  replaced: readonly FileEntry[],
): Promise<void> {
  const files = replaced.map(({ path }) => lake.store.readable(path));
  await duck.run(`create or replace temp view replaced_rows as ${parquetRelation(table, files)}`);
  await duck.run(`create or replace temp view leaving as from replaced_rows where ${leaving}`);
  await duck.run(`create or replace temp view coming as from ${relation}`);
  await duck.run(
    `create or replace temp view replacement as
       select * from replaced_rows where not (${leaving}) union all by name select * from coming`,
  );
}

async function isSame(duck: DuckDb, table: LakeTable): Promise<boolean> {
  const [count] = await duck.rows(
    'select (select count(*) from leaving) as leaving, (select count(*) from coming) as coming',
  );
  const [leaving, coming] = [Number(count?.['leaving']), Number(count?.['coming'])];
  if (leaving !== coming || coming > comparedRowsMax) return false;
  return await isUnchanged(duck, table);
}
