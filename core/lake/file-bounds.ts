import { decodeValue } from '#core/iceberg/bounds.ts';
import type { FileEntry } from '#core/iceberg/types.ts';
import { compareValues } from '#core/iceberg/values.ts';
import { columnNamed, type LakeTable } from './tables.ts';

/** Whether a file's bounds let it hold a value of [lo, hi] in this column; a file without bounds may hold anything. */
export function mayHoldValue(
  table: LakeTable,
  file: FileEntry,
  name: string,
  lo: string | number,
  hi: string | number,
): boolean {
  const { id, type } = columnNamed(table, name);
  const [low, high] = [file.lowerBounds.get(id), file.upperBounds.get(id)];
  if (low === undefined || high === undefined) return true;
  return compareValues(decodeValue(type, low), hi) <= 0 && compareValues(decodeValue(type, high), lo) >= 0;
}
