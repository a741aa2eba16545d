import { setTimeout as sleep } from 'node:timers/promises';
import { newSnapshotId } from '#core/iceberg/metadata.ts';
import { isTicklakeError, messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { loadTable, lockTable, movePointer, writeMetadata } from './catalog.ts';
import { countKeys, insertCommit } from './commit-ledger.ts';
import { assertStillFits, produceMetadata } from './commit-metadata.ts';
import { isReplacement, type CommitRequest, type ReplaceRequest } from './commit-request.ts';
import { explainIds, extendCoverage, shrinkCoverage, widenTapeDays } from './coverage.ts';
import type { Lake } from './lake.ts';
import { foldOutsideCommits, outsideSnapshots } from './outside.ts';
import { tableId } from './tables.ts';

export { lockTable } from './catalog.ts';

export interface CommitOutcome {
  snapshotId: number | null;
  metadataLocation: string | null;
}

const attemptsMax = 10;

/**
 * Commits staged files: catalog pointer, coverage and whatever the guard moves, in one Postgres transaction.
 * @throws COVERAGE_OVERLAP when some ids are held already (stage again without them), the guard's errors,
 *   COMMIT_CONFLICT when outsiders won every attempt, COMMIT_UNKNOWN when Postgres could not be asked again,
 *   TABLE_DIVERGED when an outsider set the table back.
 */
export async function commitAppend(lake: Lake, request: CommitRequest): Promise<CommitOutcome> {
  assertSameCount(request, 0);
  return await commit(lake, request);
}

/**
 * Commits files in the place of others, as {@link commitAppend} does. Where the rows stay the same (compaction), neither
 * `added` nor `removed` says anything.
 * @throws PLAN_STALE when a file to replace is gone, or a new one belongs to what was replaced: plan and stage again.
 */
export async function commitReplacement(lake: Lake, request: ReplaceRequest): Promise<CommitOutcome> {
  if (request.rowsChange !== true) {
    assertSameCount(
      request,
      request.replaced.reduce((sum, file) => sum + file.recordCount, 0) - countKeys(request.removed),
    );
  }
  return await commit(lake, request);
}

async function commit(lake: Lake, request: CommitRequest | ReplaceRequest): Promise<CommitOutcome> {
  const seconds = lake.metrics.histogram('ticklake_lake_commit_seconds', 'One commit, with its retries', [
    'table',
  ]);
  const stop = seconds.startTimer({ table: tableId(request.table) });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        const outcome = await lake.database.transaction((tx) => attemptCommit(lake, tx, request));
        if (outcome !== undefined) return outcome;
        if (attempt >= attemptsMax) {
          throw new TicklakeError(
            'COMMIT_CONFLICT',
            `other programs keep committing to ${tableId(request.table)}`,
          );
        }
        await foldOutsideCommits(lake, request.table);
        continue;
      } catch (error) {
        if (isTicklakeError(error, 'COMMIT_UNKNOWN')) {
          // Whatever kept it from being looked up, the commit may have happened: its files must stay.
          const outcome = await findCommit(lake, request).catch((cause: unknown) => {
            throw new TicklakeError(
              'COMMIT_UNKNOWN',
              `a commit could not be looked up: ${messageOf(cause)}`,
              {
                cause,
              },
            );
          });
          if (outcome !== undefined) return outcome;
          if (attempt >= attemptsMax) throw error;
        } else if (!isTicklakeError(error, 'COMMIT_CONFLICT') || attempt >= attemptsMax) {
          throw error;
        }
        await sleep(Math.random() * 20 * 2 ** Math.min(attempt, 6));
      }
    }
  } finally {
    stop();
  }
}

/**
 * Whether a commit whose answer was lost happened. The table's lock comes first: while another backend may still
 * be committing it, the row's absence proves nothing.
 */
async function findCommit(lake: Lake, request: CommitRequest): Promise<CommitOutcome | undefined> {
  return await lake.database.transaction(async (tx) => {
    await lockTable(tx, tableId(request.table));
    const { rows } = await tx.query<{ snapshot_id: number | null }>(
      'select snapshot_id from lake.commits where commit_id = $1',
      [request.commitId],
    );
    const row = rows[0];
    return row === undefined ? undefined : { snapshotId: row.snapshot_id, metadataLocation: null };
  });
}

/** Undefined, with nothing done, where the ledger has to follow other programs first. */
async function attemptCommit(
  lake: Lake,
  tx: Transaction,
  request: CommitRequest | ReplaceRequest,
): Promise<CommitOutcome | undefined> {
  const table = tableId(request.table);
  await lockTable(tx, table);
  const done = await tx.query<{ snapshot_id: number | null }>(
    'select snapshot_id from lake.commits where commit_id = $1',
    [request.commitId],
  );
  if (done.rows[0] !== undefined) return { snapshotId: done.rows[0].snapshot_id, metadataLocation: null };

  const base = await loadTable(lake, request.table, tx);
  if ((await outsideSnapshots(tx, request.table, base.metadata)).length > 0) return undefined;
  if (isReplacement(request)) {
    await assertStillFits(lake, base.metadata, request);
    await shrinkCoverage(tx, table, request.removed);
  }
  await extendCoverage(tx, table, request.added);
  await explainIds(tx, table, request.explained);
  await widenTapeDays(tx, table, request.days);

  const changesFiles = request.files.length > 0 || (isReplacement(request) && request.replaced.length > 0);
  const snapshotId = changesFiles ? newSnapshotId() : null;
  await insertCommit(tx, table, request, snapshotId, base.metadata);
  await request.guard(tx);
  if (snapshotId === null) return { snapshotId: null, metadataLocation: null };

  const metadata = await produceMetadata(lake, base, snapshotId, request);
  const metadataLocation = await writeMetadata(lake, metadata, base.metadataLocation);
  await movePointer(lake, tx, request.table, base.metadataLocation, metadataLocation);
  return { snapshotId, metadataLocation };
}

/** The files hold what becomes held, what is revised, and what stays of the files they replace. */
function assertSameCount(request: CommitRequest, kept: number): void {
  const records = request.files.reduce((sum, file) => sum + file.records, 0);
  const expected = kept + countKeys(request.added) + countKeys(request.revised ?? []);
  if (records !== expected) {
    throw new TicklakeError('DATA_CORRUPT', `the files hold ${records} records, but ${expected} were staged`);
  }
}
