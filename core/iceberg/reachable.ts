import type { FormatCache } from './cache.ts';
import { mapBounded } from './concurrency.ts';
import { readManifest } from './manifest.ts';
import { readManifestList } from './manifest-list.ts';
import type { FileEntry, FileIO, ManifestFile, Snapshot, TableMetadata } from './types.ts';

const readsInFlight = 16;

/**
 * Every file that the metadata reaches: the metadata files of its log, manifest lists, manifests, live data and delete
 * files of all snapshots, and statistics. The metadata's own file is not among them, as the metadata does not know it.
 * A file of the table's folder that is not in this set, nor being committed, is an orphan.
 *
 * Manifests that snapshots share are read once, and no more than a few at a time.
 */
export async function reachableFiles(
  io: FileIO,
  metadata: TableMetadata,
  cache?: FormatCache,
): Promise<Set<string>> {
  const manifests = await manifestsOf(io, metadata.snapshots, cache);
  const reachable = new Set([
    ...metadata['metadata-log'].map((entry) => entry['metadata-file']),
    ...metadata.snapshots.map((snapshot) => snapshot['manifest-list']),
    ...manifests.keys(),
    ...statisticsFiles(metadata),
  ]);
  await mapBounded([...manifests.values()], readsInFlight, async (manifest) => {
    for (const { path } of await liveEntries(io, metadata, manifest, cache)) reachable.add(path);
  });
  return reachable;
}

/**
 * The files that only retired snapshots reach: manifest lists, manifests, and data and delete files that are live in no
 * snapshot of the metadata. All manifests that are kept are read if there is such a file: nothing else is proof enough
 * to delete it.
 *
 * @param metadata what `expireSnapshots` or a commit returned, without the retired snapshots.
 */
export async function unreachableFiles(
  io: FileIO,
  metadata: TableMetadata,
  retired: readonly Snapshot[],
  cache?: FormatCache,
): Promise<string[]> {
  const kept = await manifestsOf(io, metadata.snapshots, cache);
  const gone = [...(await manifestsOf(io, retired, cache)).values()].filter(({ path }) => !kept.has(path));
  const entries = await mapBounded(gone, readsInFlight, (manifest) =>
    liveEntries(io, metadata, manifest, cache),
  );
  const candidates = new Set(entries.flat().map(({ path }) => path));
  await mapBounded([...kept.values()], readsInFlight, async (manifest) => {
    if (candidates.size === 0) return;
    for (const { path } of await liveEntries(io, metadata, manifest, cache)) candidates.delete(path);
  });
  const lists = new Set(metadata.snapshots.map((snapshot) => snapshot['manifest-list']));
  return [
    ...candidates,
    ...gone.map(({ path }) => path),
    ...retired.map((snapshot) => snapshot['manifest-list']).filter((list) => !lists.has(list)),
  ];
}

/** Metadata files that the log named before and no longer does: its length is bounded. */
export function forgottenMetadata(before: TableMetadata, after: TableMetadata): string[] {
  const named = new Set(after['metadata-log'].map((entry) => entry['metadata-file']));
  return before['metadata-log'].map((entry) => entry['metadata-file']).filter((file) => !named.has(file));
}

async function manifestsOf(
  io: FileIO,
  snapshots: readonly Snapshot[],
  cache: FormatCache | undefined,
): Promise<Map<string, ManifestFile>> {
  const manifests = new Map<string, ManifestFile>();
  await mapBounded(snapshots, readsInFlight, async (snapshot) => {
    for (const manifest of await readManifestList(io, snapshot, cache))
      manifests.set(manifest.path, manifest);
  });
  return manifests;
}

async function liveEntries(
  io: FileIO,
  metadata: TableMetadata,
  manifest: ManifestFile,
  cache: FormatCache | undefined,
): Promise<FileEntry[]> {
  const entries = await readManifest(io, metadata, manifest, cache);
  return entries.filter(({ status }) => status !== 'deleted');
}

function statisticsFiles(metadata: TableMetadata): string[] {
  return [...(metadata.statistics ?? []), ...(metadata['partition-statistics'] ?? [])].map(
    (file) => file['statistics-path'],
  );
}
