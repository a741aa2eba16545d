/** Which snapshots a table keeps (https://iceberg.apache.org/spec/#snapshot-retention-policy). */
import type { Long, Snapshot, SnapshotRef, TableMetadata } from './types.ts';
import { applyUpdates, type Update } from './updates.ts';

export interface Retirement {
  metadata: TableMetadata;
  updates: Update[];
  retired: Snapshot[];
}

export interface Expiry {
  /** Snapshots from this moment on are kept; for the ancestors of a branch its own `max-snapshot-age-ms` goes before. */
  olderThanMs: number;
  /** How many snapshots a branch keeps whatever their age, the newest included; its own `min-snapshots-to-keep` goes before. */
  keepLast: number;
  /** What ages are counted back from. */
  nowMs: number;
}

/**
 * Drops the snapshots that are older than a moment, but none that a tag or branch names or keeps as an ancestor, and
 * before that the tags and branches that are past their own `max-ref-age-ms`. Snapshots that were rolled back are
 * ancestors of nothing, and go by their age.
 */
export function expireSnapshots(metadata: TableMetadata, expiry: Expiry): Retirement {
  const agedRefs = Object.entries(metadata.refs)
    .filter(([name, ref]) => name !== 'main' && isPast(metadata, ref, expiry.nowMs))
    .map(([name]): Update => ({ action: 'remove-snapshot-ref', 'ref-name': name }));
  const current = applyUpdates(metadata, agedRefs, metadata['last-updated-ms']);
  const kept = keptByRefs(current, expiry);
  const retired = current.snapshots.filter(
    (snapshot) => !kept.has(snapshot['snapshot-id']) && snapshot['timestamp-ms'] < expiry.olderThanMs,
  );
  return without(current, agedRefs, retired);
}

/**
 * Drops the oldest snapshots beyond a count, so that the metadata does not grow with history. What a tag or branch
 * names, or by its own settings keeps, is kept and does not count.
 *
 * @param maxSnapshots how many of the others to keep, the current one among them.
 */
export function retireSnapshots(metadata: TableMetadata, maxSnapshots: number, nowMs: number): Retirement {
  if (metadata.snapshots.length <= maxSnapshots) return { metadata, updates: [], retired: [] };
  const kept = keptByRefs(metadata, { keepLast: 1, olderThanMs: Infinity, nowMs });
  const others = metadata.snapshots
    .filter((snapshot) => !kept.has(snapshot['snapshot-id']))
    .toSorted((a, b) => (a['sequence-number'] < b['sequence-number'] ? -1 : 1));
  return without(metadata, [], others.slice(0, Math.max(0, others.length - Math.max(0, maxSnapshots - 1))));
}

function isPast(metadata: TableMetadata, ref: SnapshotRef, nowMs: number): boolean {
  const snapshot = metadata.snapshots.find((candidate) => candidate['snapshot-id'] === ref['snapshot-id']);
  const ageMsMax = ref['max-ref-age-ms'];
  return snapshot !== undefined && ageMsMax !== undefined && nowMs - snapshot['timestamp-ms'] > ageMsMax;
}

/** Snapshots that refs name, and the ancestors that branches keep: the newest by count, and on from there the young ones. */
function keptByRefs(metadata: TableMetadata, { olderThanMs, keepLast, nowMs }: Expiry): Set<Long> {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const kept = new Set<Long>([metadata['current-snapshot-id']]);
  for (const ref of Object.values(metadata.refs)) {
    kept.add(ref['snapshot-id']);
    if (ref.type === 'tag') continue;
    const ageMsMax = ref['max-snapshot-age-ms'];
    const oldestMs = ageMsMax === undefined ? olderThanMs : nowMs - ageMsMax;
    const countMin = ref['min-snapshots-to-keep'] ?? keepLast;
    let snapshot = byId.get(ref['snapshot-id']);
    for (let count = 0; snapshot !== undefined; count += 1) {
      if (count > 0 && count >= countMin && snapshot['timestamp-ms'] < oldestMs) break;
      // A line of parents is never longer than the table's snapshots, unless it is a circle.
      if (count >= metadata.snapshots.length) break;
      kept.add(snapshot['snapshot-id']);
      const parentId = snapshot['parent-snapshot-id'];
      snapshot = parentId === undefined ? undefined : byId.get(parentId);
    }
  }
  return kept;
}

function without(metadata: TableMetadata, before: Update[], retired: Snapshot[]): Retirement {
  if (retired.length === 0) return { metadata, updates: before, retired };
  const removal: Update = {
    action: 'remove-snapshots',
    'snapshot-ids': retired.map((snapshot) => snapshot['snapshot-id']),
  };
  return {
    metadata: applyUpdates(metadata, [removal], metadata['last-updated-ms']),
    updates: [...before, removal],
    retired,
  };
}
