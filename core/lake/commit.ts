import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { commitAppend as appendToMetadata, writeManifest } from '#core/iceberg/append.ts';
import type { FileIO, TableMetadata } from '#core/iceberg/types.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { loadTable, lockTable, movePointer, writeMetadata, type TableVersion } from './catalog.ts';
import {
  explainIds,
  extendCoverage,
  widenTapeDays,
  type Explanation,
  type IdRange,
  type TapeDay,
} from './coverage.ts';
import { toDataFile } from './iceberg-tables.ts';
import type { Lake } from './lake.ts';
import type { StagedFile } from './stage.ts';
import { tableId, type LakeTable } from './tables.ts';

export { lockTable } from './catalog.ts';

export interface AppendRequest {
  /** Chosen by the caller and kept over its retries: proof that the commit happened when its answer was lost. */
  commitId: string;
  table: LakeTable;
  /** May be empty: a batch of nothing but duplicates or refused records has no snapshot, but moves its offsets. */
  files: readonly StagedFile[];
  /** The ids in the files: disjoint from each other; as many as the files have records. */
  added: readonly IdRange[];
  days: readonly TapeDay[];
  explained: readonly Explanation[];
  /** Where the batch came from, for the ledger of commits. */
  offsets: readonly unknown[];
  summary: Readonly<Record<string, string>>;
  /** What must also be checked or moved, in the same transaction; its error undoes everything. */
  guard: (tx: Transaction) => Promise<void>;
}

export interface CommitOutcome {
  snapshotId: number | null;
  metadataLocation: string | null;
}

const attemptsMax = 10;
/** A commit writes all snapshots it keeps into the metadata; more of them make every commit slower. */
const snapshotsMax = 200;

/**
 * Commits staged files: catalog pointer, coverage and whatever the guard moves, in one Postgres transaction.
 * @throws COVERAGE_OVERLAP when some ids are held already (stage again without them), the guard's errors,
 *   COMMIT_CONFLICT when outsiders won every attempt, COMMIT_UNKNOWN when Postgres could not be asked again,
 *   TABLE_DIVERGED when an outsider's snapshot, unknown to coverage, is the table's newest.
 */
export async function commitAppend(lake: Lake, request: AppendRequest): Promise<CommitOutcome> {
  assertSameCount(request);
  const io = fileIO(lake);
  const seconds = lake.metrics.histogram('ticklake_lake_commit_seconds', 'One commit, with its retries', [
    'table',
  ]);
  const stop = seconds.startTimer({ table: tableId(request.table) });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await lake.database.transaction((tx) => attemptCommit(lake, io, tx, request));
      } catch (error) {
        if (isTicklakeError(error, 'COMMIT_UNKNOWN')) {
          const outcome = await findCommit(lake, request);
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
async function findCommit(lake: Lake, request: AppendRequest): Promise<CommitOutcome | undefined> {
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

async function attemptCommit(
  lake: Lake,
  io: FileIO,
  tx: Transaction,
  request: AppendRequest,
): Promise<CommitOutcome> {
  const table = tableId(request.table);
  await lockTable(tx, table);
  const done = await tx.query<{ snapshot_id: number | null }>(
    'select snapshot_id from lake.commits where commit_id = $1',
    [request.commitId],
  );
  if (done.rows[0] !== undefined) return { snapshotId: done.rows[0].snapshot_id, metadataLocation: null };

  const base = await loadTable(lake, request.table, tx);
  await assertKnownAncestry(tx, table, base);
  await extendCoverage(tx, table, request.added);
  await explainIds(tx, table, request.explained);
  await widenTapeDays(tx, table, request.days);

  const snapshotId = request.files.length === 0 ? null : newSnapshotId();
  await insertCommit(tx, table, request, snapshotId, base.metadata);
  await request.guard(tx);
  if (snapshotId === null) return { snapshotId: null, metadataLocation: null };

  const metadata = await appendFiles(lake, io, base, snapshotId, request);
  const metadataLocation = await writeMetadata(lake, metadata, base.metadataLocation);
  await movePointer(lake, tx, request.table, base.metadataLocation, metadataLocation);
  return { snapshotId, metadataLocation };
}

async function appendFiles(
  lake: Lake,
  io: FileIO,
  { metadata: base, metadataLocation: baseLocation }: TableVersion,
  snapshotId: number,
  request: AppendRequest,
): Promise<TableMetadata> {
  const folder = `${base.location}/metadata`;
  const manifest = await writeManifest(
    io,
    base,
    snapshotId,
    request.files.map((file) => toDataFile(request.table, file)),
    `${folder}/${randomUUID()}-m0.avro`,
  );
  const { metadata } = await appendToMetadata({
    io,
    base,
    baseLocation,
    manifests: [manifest],
    snapshotId,
    timestampMs: Math.max(Date.now(), base['last-updated-ms'] + 1),
    summary: { ...request.summary, 'ticklake.commit-id': request.commitId },
    manifestListLocation: `${folder}/snap-${snapshotId}-1-${randomUUID()}.avro`,
    options: { maxSnapshots: snapshotsMax },
    cache: lake.formatCache,
  });
  return metadata;
}

async function insertCommit(
  tx: Transaction,
  table: string,
  request: AppendRequest,
  snapshotId: number | null,
  base: TableMetadata,
): Promise<void> {
  await tx.query(
    `insert into lake.commits (commit_id, table_name, snapshot_id, parent_snapshot_id, ids_added, ids_removed,
                               ranges_added, offsets)
     values ($1, $2, $3, $4, $5, 0, $6, $7)`,
    [
      request.commitId,
      table,
      snapshotId,
      currentSnapshotId(base),
      countIds(request.added),
      JSON.stringify(request.added),
      JSON.stringify(request.offsets),
    ],
  );
  if (request.files.length === 0) return;
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

/** Coverage knows only our commits: on top of a foreign snapshot an append could bring ids a second time. */
async function assertKnownAncestry(tx: Transaction, table: string, base: TableVersion): Promise<void> {
  const current = currentSnapshotId(base.metadata);
  if (current === null) return;
  const { rows } = await tx.query('select 1 from lake.commits where table_name = $1 and snapshot_id = $2', [
    table,
    current,
  ]);
  if (rows.length > 0) return;
  throw new TicklakeError(
    'TABLE_DIVERGED',
    `snapshot ${current} of ${table} was written by another program`,
    {
      remedy: `Set the table back to its last snapshot of ours (\`ticklake lake snapshots ${table}\` lists them).`,
    },
  );
}

function assertSameCount(request: AppendRequest): void {
  const records = request.files.reduce((sum, file) => sum + file.records, 0);
  const ids = countIds(request.added);
  if (records !== ids) {
    throw new TicklakeError('DATA_CORRUPT', `the files hold ${records} records but ${ids} ids were staged`);
  }
}

function countIds(ranges: readonly IdRange[]): number {
  return ranges.reduce((sum, range) => sum + range.hi - range.lo, 0);
}

/** Random and below 2^53, so that every JSON reader keeps it whole. */
function newSnapshotId(): number {
  const random = crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
  return Number(random >> 11n) || 1;
}

function currentSnapshotId(metadata: TableMetadata): number | null {
  const id = metadata['current-snapshot-id'];
  return id === undefined || id === null || Number(id) === -1 ? null : Number(id);
}

function fileIO(lake: Lake): FileIO {
  return {
    read: (location) => lake.store.read(location),
    write: (location, bytes) => lake.store.write(location, bytes),
  };
}
