import type { TableMetadata } from '#core/iceberg/types.ts';
import { intervalUs, isInterval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { isReplacement, operationOf, type CommitRequest, type ReplaceRequest } from './commit-request.ts';
import type { IdRange } from './coverage.ts';
import { currentSnapshotId } from './catalog.ts';

/** Writes the commit into the ledger of commits, and its files into that of files. */
export async function insertCommit(
  tx: Transaction,
  table: string,
  request: CommitRequest | ReplaceRequest,
  snapshotId: number | null,
  base: TableMetadata,
): Promise<void> {
  const removed = isReplacement(request) ? request.removed : [];
  await tx.query(
    `insert into lake.commits (commit_id, table_name, snapshot_id, parent_snapshot_id, operation, ids_added,
                               ids_removed, ranges_added, ranges_removed, ranges_revised, offsets)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      request.commitId,
      table,
      snapshotId,
      currentSnapshotId(base)?.toString() ?? null,
      operationOf(request),
      countKeys(request.added),
      countKeys(removed),
      JSON.stringify(request.added),
      JSON.stringify(removed),
      JSON.stringify(request.revised ?? []),
      JSON.stringify(request.offsets),
    ],
  );
  if (isReplacement(request)) {
    await tx.query('update lake.data_files set removed_by = $1 where path = any($2::text[])', [
      request.commitId,
      request.replaced.map(({ path }) => path),
    ]);
  }
  if (request.files.length === 0) return;
  await assertNotCondemned(
    tx,
    table,
    request.files.map((file) => file.location),
  );
  await tx.query(
    `insert into lake.data_files (path, table_name, commit_id, sha256, bytes, records)
     select t.path, $1, $2, t.sha256, t.bytes, t.records
       from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[]) as t(path, sha256, bytes, records)`,
    [
      table,
      request.commitId,
      request.files.map((file) => file.location),
      request.files.map((file) => file.sha256),
      request.files.map((file) => file.bytes),
      request.files.map((file) => file.records),
    ],
  );
}

/** Files that waited so long for their commit that the sweep took them for orphans are written anew. */
async function assertNotCondemned(tx: Transaction, table: string, paths: readonly string[]): Promise<void> {
  const { rows } = await tx.query<{ condemned: boolean }>(
    `delete from lake.retired_files where path = any($1::text[])
     returning condemned_at is not null as condemned`,
    [paths],
  );
  if (rows.every(({ condemned }) => !condemned)) return;
  throw new TicklakeError('PLAN_STALE', `files staged for ${table} are being deleted: they waited too long`);
}

/** How many ids or bars the ranges hold. */
export function countKeys(ranges: readonly IdRange[]): number {
  return ranges.reduce((sum, range) => sum + (range.hi - range.lo) / stepOf(range), 0);
}

function stepOf({ interval }: IdRange): number {
  return interval !== undefined && isInterval(interval) ? intervalUs(interval) : 1;
}
