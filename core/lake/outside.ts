import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { changesOf, snapshotsSince } from '#core/iceberg/changes.ts';
import type { FileEntry, Snapshot, TableMetadata } from '#core/iceberg/types.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { loadTable, lockTable } from './catalog.ts';
import { countKeys } from './commit-ledger.ts';
import { extendCoverage, shrinkCoverage, type IdRange } from './coverage.ts';
import { keyRangesOf, type KeyRange } from './key-ranges.ts';
import type { Lake } from './lake.ts';
import { tableId, type LakeTable } from './tables.ts';

/**
 * Takes into the ledger what other programs did to the table since our last commit: the ids of files they added become
 * held, those of files they removed no longer are. A transaction of its own, so that it stands when the commit that
 * found them has to be staged again.
 * @throws TABLE_DIVERGED as {@link outsideSnapshots} does, and when they deleted rows without removing files.
 */
export async function foldOutsideCommits(lake: Lake, table: LakeTable): Promise<void> {
  await lake.database.transaction(async (tx) => {
    await lockTable(tx, tableId(table));
    await foldWithin(lake, tx, table, (await loadTable(lake, table, tx)).metadata);
  });
}

/** The same for a caller who holds the table's lock. */
export async function foldWithin(
  lake: Lake,
  tx: Transaction,
  table: LakeTable,
  metadata: TableMetadata,
): Promise<void> {
  for (const snapshot of await outsideSnapshots(tx, table, metadata)) {
    await foldSnapshot(lake, tx, table, metadata, snapshot);
  }
}

/**
 * Snapshots after our last one, oldest first: those of other programs, which the ledger does not know.
 * @throws TABLE_DIVERGED when our last snapshot is no ancestor of the newest: somebody set the table back.
 */
export async function outsideSnapshots(
  tx: Transaction,
  table: LakeTable,
  metadata: TableMetadata,
): Promise<Snapshot[]> {
  const last = await lastSnapshotOfOurs(tx, table);
  const since = snapshotsSince(metadata, last);
  if (since !== undefined) return since;
  throw new TicklakeError(
    'TABLE_DIVERGED',
    `snapshot ${String(last)}, our last of ${tableId(table)}, is not behind its newest one: somebody set the table back`,
    {
      remedy: `Let the ledger follow with \`ticklake lake verify --repair ${tableId(table)}\`, or set the table to that snapshot again.`,
    },
  );
}

async function lastSnapshotOfOurs(tx: Transaction, table: LakeTable): Promise<bigint | null> {
  const { rows } = await tx.query<{ id: string }>(
    `select snapshot_id::text as id from lake.commits
      where table_name = $1 and snapshot_id is not null order by seq desc limit 1`,
    [tableId(table)],
  );
  return rows[0] === undefined ? null : BigInt(rows[0].id);
}

async function foldSnapshot(
  lake: Lake,
  tx: Transaction,
  table: LakeTable,
  metadata: TableMetadata,
  snapshot: Snapshot,
): Promise<void> {
  const name = tableId(table);
  const changes = await changesOf(lake.io, metadata, snapshot, lake.formatCache);
  if (changes.addedDeletes.length > 0) {
    throw new TicklakeError(
      'TABLE_DIVERGED',
      `snapshot ${snapshot['snapshot-id']} of ${name} deletes rows by delete files, which are not applied yet`,
      { remedy: 'Rewrite the table without delete files (copy-on-write) with the engine that made them.' },
    );
  }
  const gone = await rangesOf(lake, table, changes.removed);
  const come = await rangesOf(lake, table, changes.added);
  const removed = await partsOf(tx, name, gone, true);
  await shrinkCoverage(tx, name, removed);
  const added = await partsOf(tx, name, come, false);
  await extendCoverage(tx, name, added);
  const twice = come.reduce((sum, range) => sum + range.rows, 0) - countKeys(added);
  await insertOutsideCommit(tx, name, snapshot, added, removed);
  lake.metrics
    .counter(
      'ticklake_lake_outside_commits_total',
      'Commits of other programs that were taken into the ledger',
      ['table'],
    )
    .inc({ table: name });
  lake.logger.warn(
    {
      table: name,
      snapshot: String(snapshot['snapshot-id']),
      added: countKeys(added),
      removed: countKeys(removed),
      twice,
    },
    twice > 0
      ? 'another program committed to the table, with rows that it held already; `ticklake lake verify` shows them'
      : 'another program committed to the table; the ledger follows',
  );
}

async function rangesOf(lake: Lake, table: LakeTable, files: readonly FileEntry[]): Promise<KeyRange[]> {
  if (files.length === 0) return [];
  return await keyRangesOf(
    table,
    files.map(({ path }) => lake.store.readable(path)),
    join(lake.store.stagingDir, 'outside'),
  );
}

/** The parts of ranges that are held, or those that are not. */
async function partsOf(
  tx: Transaction,
  table: string,
  ranges: readonly KeyRange[],
  held: boolean,
): Promise<IdRange[]> {
  if (ranges.length === 0) return [];
  const { rows } = await tx.query<IdRange>(
    'select * from lake.parts($1, $2, $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])',
    [
      table,
      held,
      ranges.map((range) => range.source),
      ranges.map((range) => range.symbol),
      ranges.map((range) => range.interval),
      ranges.map((range) => range.lo),
      ranges.map((range) => range.hi),
    ],
  );
  return rows;
}

async function insertOutsideCommit(
  tx: Transaction,
  table: string,
  snapshot: Snapshot,
  added: readonly IdRange[],
  removed: readonly IdRange[],
): Promise<void> {
  await tx.query(
    `insert into lake.commits (commit_id, table_name, snapshot_id, parent_snapshot_id, operation, ids_added, ids_removed,
                               ranges_added, ranges_removed, offsets)
     values ($1, $2, $3, $4, 'outside', $5, $6, $7, $8, '[]')`,
    [
      randomUUID(),
      table,
      String(snapshot['snapshot-id']),
      snapshot['parent-snapshot-id'] === undefined ? null : String(snapshot['parent-snapshot-id']),
      countKeys(added),
      countKeys(removed),
      JSON.stringify(added),
      JSON.stringify(removed),
    ],
  );
}
