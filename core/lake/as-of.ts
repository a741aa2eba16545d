import { IcebergError } from '#core/iceberg/errors.ts';
import { resolveRef, type SnapshotName } from '#core/iceberg/refs.ts';
import type { Long, TableMetadata } from '#core/iceberg/types.ts';

/**
 * Which snapshot of a table `asOf` means: a snapshot's id, a tag or branch, or a time (ISO 8601, UTC unless it says
 * otherwise) at which it was the newest. Null where the table was empty then, undefined where `asOf` names nothing of it.
 */
export function snapshotAsOf(metadata: TableMetadata, asOf: string): Long | null | undefined {
  const target = nameOf(metadata, asOf);
  if (target === undefined) return undefined;
  try {
    return resolveRef(metadata, target)?.['snapshot-id'] ?? null;
  } catch (error) {
    if (error instanceof IcebergError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function nameOf(metadata: TableMetadata, asOf: string): SnapshotName | undefined {
  const { snapshots, refs } = metadata;
  const named = snapshots.find((snapshot) => String(snapshot['snapshot-id']) === asOf);
  if (named !== undefined) return { snapshotId: named['snapshot-id'] };
  if (refs[asOf] !== undefined) return { name: asOf };
  const atMs = timeOf(asOf);
  return atMs === undefined ? undefined : { atMs };
}

function timeOf(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/i.test(text) || /^\d{4}-\d{2}-\d{2}$/.test(text);
  const atMs = Date.parse(zoned ? text : `${text.replace(' ', 'T')}Z`);
  return Number.isNaN(atMs) ? undefined : atMs;
}
