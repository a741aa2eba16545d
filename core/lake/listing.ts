import { TicklakeError } from '#core/platform/errors.ts';
import { jsonId, loadTable } from './catalog.ts';
import type { Lake } from './lake.ts';
import { currentFiles } from './scan.ts';
import { lakeTables, tableId, type LakeTable } from './tables.ts';

export interface TableFacts {
  name: string;
  rows: number;
  files: number;
  bytes: number;
  snapshotId: number | string | null;
  metadataLocation: string;
}

export interface SnapshotFacts {
  snapshotId: number | string;
  /** RFC 3339. */
  at: string;
  operation: string;
  addedRecords: number;
  totalRecords: number;
  /** Names that keep it from expiry. */
  tags: string[];
}

/** The table of this name. @throws NOT_FOUND */
export function tableNamed(name: string): LakeTable {
  const table = lakeTables.find((candidate) => tableId(candidate) === name);
  if (table !== undefined) return table;
  throw new TicklakeError('NOT_FOUND', `the lake has no table ${name}`, {
    remedy: `It has ${lakeTables.map(tableId).join(', ')}.`,
  });
}

export async function listTables(lake: Lake): Promise<TableFacts[]> {
  return await Promise.all(
    lakeTables.map(async (table) => {
      const { rows, bytes, files, snapshotId, metadataLocation } = await currentFiles(lake, table);
      return {
        name: tableId(table),
        rows,
        files: files.length,
        bytes,
        snapshotId: snapshotId === null ? null : jsonId(snapshotId),
        metadataLocation,
      };
    }),
  );
}

/** Snapshots that the table can still be read as of, newest first. */
export async function listSnapshots(lake: Lake, table: LakeTable): Promise<SnapshotFacts[]> {
  const { metadata } = await loadTable(lake, table);
  return metadata.snapshots
    .map((snapshot) => ({
      snapshotId: jsonId(snapshot['snapshot-id']),
      at: new Date(snapshot['timestamp-ms']).toISOString(),
      operation: snapshot.summary['operation'] ?? '',
      addedRecords: Number(snapshot.summary['added-records'] ?? 0),
      totalRecords: Number(snapshot.summary['total-records'] ?? 0),
      tags: Object.entries(metadata.refs).flatMap(([name, ref]) =>
        ref.type === 'tag' && ref['snapshot-id'] === snapshot['snapshot-id'] ? [name] : [],
      ),
    }))
    .reverse();
}
