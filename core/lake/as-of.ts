import type { Long, Snapshot, TableMetadata } from '#core/iceberg/types.ts';

/**
 * Which snapshot of a table `asOf` means: a snapshot's id, a tag or branch, or a time (ISO 8601, UTC unless it says
 * otherwise) at which it was the newest. Null where the table was empty then, undefined where `asOf` names nothing of it.
 */
export function snapshotAsOf(metadata: TableMetadata, asOf: string): Long | null | undefined {
  if (/^\d{5,}$/.test(asOf)) {
    return snapshotOf(metadata, asOf)?.['snapshot-id'];
  }
  const ref = metadata.refs?.[asOf];
  if (ref !== undefined) return ref['snapshot-id'];
  const atMs = timeOf(asOf);
  if (atMs === undefined) return undefined;
  const log = metadata['snapshot-log'] ?? [];
  const newest = log.findLast((entry) => entry['timestamp-ms'] <= atMs);
  if (newest !== undefined) return newest['snapshot-id'];
  // Before the log's first entry the table was empty, unless that entry has an ancestor, which is gone.
  const parent = log[0] && snapshotOf(metadata, String(log[0]['snapshot-id']))?.['parent-snapshot-id'];
  return parent === undefined || parent === null ? null : undefined;
}

function snapshotOf(metadata: TableMetadata, id: string): Snapshot | undefined {
  return metadata.snapshots.find((snapshot) => String(snapshot['snapshot-id']) === id);
}

function timeOf(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/i.test(text) || /^\d{4}-\d{2}-\d{2}$/.test(text);
  const atMs = Date.parse(zoned ? text : `${text.replace(' ', 'T')}Z`);
  return Number.isNaN(atMs) ? undefined : atMs;
}
