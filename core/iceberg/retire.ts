import type { FormatCache } from './cache.ts';
import { mapBounded } from './concurrency.ts';
import { readManifest } from './manifest.ts';
import { readManifestList } from './manifest-list.ts';
import type { FileIO, Long, ManifestFile, Snapshot, TableMetadata } from './types.ts';
import { applyUpdates } from './updates.ts';

export interface Retirement {
  metadata: TableMetadata;
  retired: Snapshot[];
}

const readsInFlight = 16;

/**
 * Drops the oldest snapshots from the metadata, so that it does not grow with history. What a tag or another branch
 * names is kept, and does not count.
 *
 * @param maxSnapshots how many of the others to keep, at least one.
 */
export function retireSnapshots(metadata: TableMetadata, maxSnapshots: number): Retirement {
  const unnamed = retirable(metadata);
  return without(metadata, unnamed.slice(0, Math.max(0, unnamed.length - Math.max(0, maxSnapshots - 1))));
}

/**
 * Drops snapshots that are older than a moment, but keeps the newest ones, the current one, and what tags and branches
 * name.
 *
 * @param keepLast how many to keep whatever their age, the current one among them.
 */
export function expireSnapshots(
  metadata: TableMetadata,
  options: { olderThanMs: number; keepLast: number },
): Retirement {
  const unnamed = retirable(metadata);
  const excess = unnamed.slice(0, Math.max(0, unnamed.length - Math.max(0, options.keepLast - 1)));
  return without(
    metadata,
    excess.filter((snapshot) => snapshot['timestamp-ms'] < options.olderThanMs),
  );
}

/** Snapshots that nothing names, oldest first: neither a tag, nor a branch, nor the table as its current one. */
function retirable(metadata: TableMetadata): Snapshot[] {
  const named = new Set<Long>(Object.values(metadata.refs).map((ref) => ref['snapshot-id']));
  named.add(metadata['current-snapshot-id']);
  return metadata.snapshots
    .filter((snapshot) => !named.has(snapshot['snapshot-id']))
    .toSorted((a, b) => (a['sequence-number'] < b['sequence-number'] ? -1 : 1));
}

function without(metadata: TableMetadata, retired: Snapshot[]): Retirement {
  if (retired.length === 0) return { metadata, retired };
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

/**
 * The files that only retired snapshots reach: manifest lists, manifests, and data and delete files that are live in no
 * snapshot of the metadata. Manifests that kept snapshots share are not read for it.
 */
export async function unreachableFiles(
  io: FileIO,
  metadata: TableMetadata,
  retired: readonly Snapshot[],
  cache?: FormatCache,
): Promise<string[]> {
  const listOf = (snapshot: Snapshot): Promise<readonly ManifestFile[]> =>
    readManifestList(io, snapshot, cache);
  const keptLists = await mapBounded(metadata.snapshots, readsInFlight, listOf);
  const kept = new Map(keptLists.flat().map((manifest) => [manifest.path, manifest]));
  const retiredLists = await mapBounded(retired, readsInFlight, listOf);
  const gone = new Map(
    retiredLists
      .flat()
      .filter((manifest) => !kept.has(manifest.path))
      .map((manifest) => [manifest.path, manifest]),
  );
  const candidates = await livePaths(io, metadata, [...gone.values()], cache);
  if (candidates.size > 0) {
    for (const path of await livePaths(io, metadata, [...kept.values()], cache)) candidates.delete(path);
  }
  const lists = new Set(metadata.snapshots.map((snapshot) => snapshot['manifest-list']));
  return [
    ...candidates,
    ...gone.keys(),
    ...retired.map((snapshot) => snapshot['manifest-list']).filter((list) => !lists.has(list)),
  ];
}

async function livePaths(
  io: FileIO,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  cache: FormatCache | undefined,
): Promise<Set<string>> {
  const entries = await mapBounded(manifests, readsInFlight, (manifest) =>
    readManifest(io, metadata, manifest, cache),
  );
  return new Set(
    entries
      .flat()
      .filter(({ status }) => status !== 'deleted')
      .map(({ path }) => path),
  );
}
