import type { Snapshot, TableMetadata } from './types.ts';
import { applyUpdates } from './updates.ts';

/**
 * Drops the oldest snapshots from the metadata, so that it does not grow with history. What a tag or another branch
 * names is kept, and does not count.
 *
 * @param maxSnapshots how many of the others to keep, at least one.
 */
export function retireSnapshots(
  metadata: TableMetadata,
  maxSnapshots: number,
): { metadata: TableMetadata; retired: Snapshot[] } {
  const refs = Object.entries(metadata.refs).filter(([name]) => name !== 'main');
  const named = new Set(refs.map(([, ref]) => ref['snapshot-id']));
  const unnamed = metadata.snapshots.filter((snapshot) => !named.has(snapshot['snapshot-id']));
  const excess = unnamed.length - Math.max(1, maxSnapshots);
  if (excess <= 0) return { metadata, retired: [] };
  const current = metadata['current-snapshot-id'];
  const retired = unnamed
    .toSorted((a, b) => (a['sequence-number'] < b['sequence-number'] ? -1 : 1))
    .slice(0, excess)
    .filter((snapshot) => snapshot['snapshot-id'] !== current);
  const ids = retired.map((snapshot) => snapshot['snapshot-id']);
  return {
    metadata: applyUpdates(
      metadata,
      [{ action: 'remove-snapshots', 'snapshot-ids': ids }],
      metadata['last-updated-ms'],
    ),
    retired,
  };
}
