/** Which delete files apply to which data files (https://iceberg.apache.org/spec/#scan-planning). */
import { partitionKey, specById } from './partition.ts';
import type { FileEntry, TableMetadata } from './types.ts';
import { compareValues } from './values.ts';

/** The column of a position-delete file that names the data file; its second column, the position, is 2147483545. */
export const deletedPathFieldId = 2_147_483_546;
export const deletedPositionFieldId = 2_147_483_545;

/**
 * Tells, for a data file, the delete files whose rows a reader must leave out of it:
 *
 * - of `position-deletes`, the positions listed with the data file's path: they are of its partition, and not older;
 * - of `equality-deletes`, the rows equal in the columns `equalityIds` (null equals null): they are of its partition or
 *   of an unpartitioned spec, and newer.
 *
 * @param deleteFiles as `planScan` lists them.
 */
export function deletesByFile(
  metadata: TableMetadata,
  deleteFiles: readonly FileEntry[],
): (file: FileEntry) => FileEntry[] {
  const keyOf = (file: FileEntry): string => partitionKey(specById(metadata, file.specId), file.partition);
  const everywhere = deleteFiles.filter(
    (file) => file.content === 'equality-deletes' && isUnpartitioned(metadata, file.specId),
  );
  const global = new Set(everywhere);
  const byPartition = Map.groupBy(
    deleteFiles.filter((file) => !global.has(file)),
    keyOf,
  );
  return (file) =>
    [...everywhere, ...(byPartition.get(keyOf(file)) ?? [])].filter((deletes) => applies(deletes, file));
}

function isUnpartitioned(metadata: TableMetadata, specId: number): boolean {
  return specById(metadata, specId).fields.every(({ transform }) => transform === 'void');
}

function applies(deletes: FileEntry, file: FileEntry): boolean {
  const [deleted, written] = [deletes.sequenceNumber ?? 0, file.sequenceNumber ?? 0];
  if (deletes.content === 'equality-deletes') return written < deleted;
  return written <= deleted && mayName(deletes, file.path);
}

function mayName(deletes: FileEntry, path: string): boolean {
  if (deletes.referencedDataFile !== null) return deletes.referencedDataFile === path;
  const bytes = new TextEncoder().encode(path);
  const low = deletes.lowerBounds.get(deletedPathFieldId);
  const high = deletes.upperBounds.get(deletedPathFieldId);
  return (
    (low === undefined || compareValues(low, bytes) <= 0) &&
    (high === undefined || compareValues(high, bytes) >= 0)
  );
}
