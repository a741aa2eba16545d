import { isTicklakeError } from '#core/platform/errors.ts';
import { commitReplacement } from './commit.ts';
import type { DuckDb } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { parquetRelation } from './relation.ts';
import { isUnchanged, type SpansOutcome, type SpansRequest } from './replace.ts';
import { currentFiles } from './scan.ts';
import { discardFiles, stageFiles } from './stage.ts';

export type TableRequest = Pick<SpansRequest, 'commitId' | 'table' | 'relation' | 'summary'>;

const attemptsMax = 10;

/**
 * Puts the relation's rows in the place of all that a table without a key holds; where they are the same, nothing is
 * written. When another commit comes in between, it is done again on the newer state.
 * @throws PLAN_STALE when others won every attempt, and what a commit throws.
 */
export async function replaceTable(lake: Lake, duck: DuckDb, request: TableRequest): Promise<SpansOutcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptReplace(lake, duck, request);
    } catch (error) {
      if (!isTicklakeError(error, 'PLAN_STALE') || attempt >= attemptsMax) throw error;
    }
  }
}

async function attemptReplace(lake: Lake, duck: DuckDb, request: TableRequest): Promise<SpansOutcome> {
  const { table, relation } = request;
  const { snapshotId: basis, entries, files: held } = await currentFiles(lake, table);
  await duck.run(`create or replace temp view leaving as ${parquetRelation(table, held)}`);
  await duck.run(`create or replace temp view coming as from ${relation}`);
  if (await isUnchanged(duck, table)) return { snapshotId: null, metadataLocation: null, unchanged: true };
  const files = await stageFiles(duck, lake.store, table, lake.locationOf(table), 'coming');
  try {
    const outcome = await commitReplacement(lake, {
      ...{ commitId: request.commitId, table, summary: request.summary, files },
      ...{ basis, replaced: entries, rowsChange: true, overlaps: () => true },
      ...{ added: [], removed: [], days: [], explained: [], offsets: [] },
      guard: () => Promise.resolve(),
    });
    return { ...outcome, unchanged: false };
  } catch (error) {
    if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
    throw error;
  }
}
