import { planScan, type ScanFilter } from '#core/iceberg/scan.ts';
import type { FileEntry, Long } from '#core/iceberg/types.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { currentSnapshotId, loadTable } from './catalog.ts';
import type { Lake } from './lake.ts';
import { tableId, type LakeTable } from './tables.ts';

export interface FileSet {
  snapshotId: Long | null;
  metadataLocation: string;
  /** Names under which DuckDB reads the files. */
  files: string[];
  /** The same files as the manifests list them. */
  entries: readonly FileEntry[];
  rows: number;
  bytes: number;
}

/**
 * The data files of a snapshot (the newest unless named) that can hold rows the filter lets through. They are kept for a
 * while, whatever becomes of the snapshot.
 */
export async function currentFiles(
  lake: Lake,
  table: LakeTable,
  options: { snapshotId?: Long; filter?: ScanFilter; db?: Pick<Transaction, 'query'> } = {},
): Promise<FileSet> {
  await lake.leases.touch();
  const { metadata, metadataLocation } = await loadTable(lake, table, options.db);
  const snapshotId = options.snapshotId ?? currentSnapshotId(metadata);
  if (snapshotId === null) return { snapshotId, metadataLocation, files: [], entries: [], rows: 0, bytes: 0 };
  const plan = await planScan({
    io: lake.io,
    metadata,
    snapshotId,
    cache: lake.formatCache,
    ...(options.filter === undefined ? {} : { filter: options.filter }),
  });
  if (plan.deleteFiles.length > 0) {
    throw new TicklakeError(
      'FORMAT_UNSUPPORTED',
      `${tableId(table)} has delete files, which are not applied yet`,
      {
        remedy: 'Rewrite the table without delete files (copy-on-write) with the engine that made them.',
      },
    );
  }
  return {
    snapshotId,
    metadataLocation,
    files: plan.files.map((file) => lake.store.readable(file.path)),
    entries: plan.files,
    rows: plan.files.reduce((sum, file) => sum + file.recordCount, 0),
    bytes: plan.files.reduce((sum, file) => sum + file.fileSizeBytes, 0),
  };
}
