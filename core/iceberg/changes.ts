import type { FormatCache } from './cache.ts';
import { mapBounded } from './concurrency.ts';
import { readManifest } from './manifest.ts';
import { readManifestList } from './manifest-list.ts';
import type { FileEntry, FileIO, Long, Snapshot, TableMetadata } from './types.ts';

/** What one snapshot did to its parent. */
export interface SnapshotChanges {
  added: FileEntry[];
  removed: FileEntry[];
  addedDeletes: FileEntry[];
}

const readsInFlight = 16;

/**
 * The snapshots that led from an ancestor (not included; null for the empty table) to the current one, oldest first.
 * Undefined where the ancestor is not on the way: it was rolled back, or snapshots between have expired.
 */
export function snapshotsSince(metadata: TableMetadata, ancestorId: Long | null): Snapshot[] | undefined {
  const byId = new Map(metadata.snapshots.map((snapshot) => [String(snapshot['snapshot-id']), snapshot]));
  const since: Snapshot[] = [];
  let id: Long | null = metadata['current-snapshot-id'];
  if (String(id) === '-1') id = null;
  while (id !== null && String(id) !== String(ancestorId)) {
    const snapshot = byId.get(String(id));
    if (snapshot === undefined) return undefined;
    since.push(snapshot);
    id = snapshot['parent-snapshot-id'] ?? null;
  }
  return id === null && ancestorId !== null ? undefined : since.reverse();
}

/** The files that a snapshot added and removed, by the entries that name it. */
export async function changesOf(
  io: FileIO,
  metadata: TableMetadata,
  snapshot: Snapshot,
  cache?: FormatCache,
): Promise<SnapshotChanges> {
  const id = String(snapshot['snapshot-id']);
  const manifests = (await readManifestList(io, snapshot, cache)).filter(
    (manifest) => String(manifest.addedSnapshotId) === id,
  );
  const entries = (
    await mapBounded(manifests, readsInFlight, (manifest) => readManifest(io, metadata, manifest, cache))
  )
    .flat()
    .filter((entry) => String(entry.snapshotId) === id);
  const added = entries.filter(({ status }) => status === 'added');
  return {
    added: added.filter(({ content }) => content === 'data'),
    removed: entries.filter(({ status, content }) => status === 'deleted' && content === 'data'),
    addedDeletes: added.filter(({ content }) => content !== 'data'),
  };
}
