import type { FormatCache } from './cache.ts';
import { mapBounded } from './concurrency.ts';
import { readManifest } from './manifest.ts';
import { readManifestList } from './manifest-list.ts';
import { noSnapshot } from './metadata.ts';
import type { FileEntry, FileIO, Long, Snapshot, TableMetadata } from './types.ts';

/** The way from a snapshot to the current one. */
export interface History {
  /** Snapshots that were left behind by setting the table back, newest first. */
  undone: Snapshot[];
  /** Snapshots made since, oldest first. */
  done: Snapshot[];
}

/** What one snapshot did to its parent. Files of a merged or rewritten manifest that only moved are not in it. */
export interface SnapshotChanges {
  added: FileEntry[];
  removed: FileEntry[];
  addedDeletes: FileEntry[];
  removedDeletes: FileEntry[];
}

const readsInFlight = 16;

/**
 * The way from a snapshot (null for the empty table) to the current one: back to the ancestor that both share, then
 * forward. Undefined where it cannot be followed, because snapshots on it have expired; the snapshot itself may have.
 */
export function historyFrom(metadata: TableMetadata, snapshotId: Long | null): History | undefined {
  const forward = lineOf(metadata, metadata['current-snapshot-id']);
  const back = lineOf(metadata, snapshotId ?? noSnapshot);
  const positions = new Map(forward.map(({ id }, index) => [id, index]));
  const turn = back.findIndex(({ id }) => positions.has(id));
  const ancestor = back[turn];
  if (ancestor === undefined) return undefined;
  const made = forward.slice(0, positions.get(ancestor.id));
  return { undone: snapshotsOf(back.slice(0, turn)), done: snapshotsOf(made).reverse() };
}

/**
 * The snapshots that led from an ancestor (not included; null for the empty table) to the current one, oldest first.
 * Undefined where the ancestor is not on the way: it was rolled back (see `historyFrom`), or snapshots between have
 * expired.
 */
export function snapshotsSince(metadata: TableMetadata, ancestorId: Long | null): Snapshot[] | undefined {
  const history = historyFrom(metadata, ancestorId);
  return history?.undone.length === 0 ? history.done : undefined;
}

/** A snapshot and its ancestors, newest first. Ends with the empty table, or with the first that has expired. */
function lineOf(metadata: TableMetadata, from: Long): { id: string; snapshot: Snapshot | undefined }[] {
  const byId = new Map(metadata.snapshots.map((snapshot) => [String(snapshot['snapshot-id']), snapshot]));
  const line = new Map<string, Snapshot | undefined>();
  let id = String(from);
  while (!line.has(id)) {
    const snapshot = byId.get(id);
    line.set(id, snapshot);
    if (snapshot === undefined) break;
    id = String(snapshot['parent-snapshot-id'] ?? noSnapshot);
  }
  return [...line].map(([key, snapshot]) => ({ id: key, snapshot }));
}

function snapshotsOf(line: readonly { snapshot: Snapshot | undefined }[]): Snapshot[] {
  return line.flatMap(({ snapshot }) => (snapshot === undefined ? [] : [snapshot]));
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
  const pick = (status: FileEntry['status'], isData: boolean): FileEntry[] =>
    entries.filter((entry) => entry.status === status && (entry.content === 'data') === isData);
  return {
    added: pick('added', true),
    removed: pick('deleted', true),
    addedDeletes: pick('added', false),
    removedDeletes: pick('deleted', false),
  };
}
