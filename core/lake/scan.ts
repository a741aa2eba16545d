import { planScan, type ScanFilter } from '#core/iceberg/scan.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { loadTable } from './catalog.ts';
import type { Lake } from './lake.ts';
import { tableId, type LakeTable } from './tables.ts';

export interface FileSet {
  snapshotId: number | null;
  metadataLocation: string;
  /** Names under which DuckDB reads the files. */
  files: string[];
  rows: number;
  bytes: number;
}

/** The data files of a snapshot (the newest unless named) that can hold rows the filter lets through. */
export async function currentFiles(
  lake: Lake,
  table: LakeTable,
  options: { snapshotId?: number; filter?: ScanFilter } = {},
): Promise<FileSet> {
  const { metadata, metadataLocation } = await loadTable(lake, table);
  const current = metadata['current-snapshot-id'];
  const snapshotId =
    options.snapshotId ??
    (current === undefined || current === null || Number(current) === -1 ? null : Number(current));
  if (snapshotId === null) return { snapshotId, metadataLocation, files: [], rows: 0, bytes: 0 };
  const plan = await planScan({
    io: {
      read: (location) => lake.store.read(location),
      write: (location, bytes) => lake.store.write(location, bytes),
    },
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
    rows: plan.files.reduce((sum, file) => sum + file.recordCount, 0),
    bytes: plan.files.reduce((sum, file) => sum + file.fileSizeBytes, 0),
  };
}
