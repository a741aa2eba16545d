import type { FormatCache } from './cache.ts';
import { mapBounded } from './concurrency.ts';
import { readManifest, writeEntries } from './manifest.ts';
import { specById } from './partition.ts';
import type { FileIO, Long, ManifestFile, TableMetadata } from './types.ts';

export interface MergeOptions {
  /** Manifests of about one size that may stand beside each other before they become one; 100 unless told. */
  smallManifestsMax?: number;
  /** Manifests with this many files or more are left alone; 10,000 unless told. */
  filesMax?: number;
}

const readsInFlight = 16;

/**
 * Keeps a manifest list short, as Iceberg's own MergeAppend does: manifests of one spec and one order of magnitude are
 * rewritten as one when there are too many. A file is rewritten once a magnitude, so the list and the work of a commit
 * grow with the logarithm of the table's files. The entries keep their snapshot and sequence numbers.
 */
export async function mergeManifests(target: {
  io: FileIO;
  metadata: TableMetadata;
  snapshotId: Long;
  manifests: readonly ManifestFile[];
  /** Where the nth merged manifest goes. */
  location: (n: number) => string;
  options?: MergeOptions;
  cache?: FormatCache | undefined;
}): Promise<ManifestFile[]> {
  const { smallManifestsMax = 100, filesMax = 10_000 } = target.options ?? {};
  const groups = Map.groupBy(target.manifests, (manifest) => {
    const files = manifest.addedFiles + manifest.existingFiles;
    const isMergeable = manifest.content === 'data' && manifest.keyMetadata === null && files < filesMax;
    return isMergeable ? `${manifest.specId}/${magnitude(files, smallManifestsMax)}` : undefined;
  });
  let manifests = [...target.manifests];
  let n = 0;
  for (const [key, group] of groups) {
    if (key === undefined || group.length <= smallManifestsMax) continue;
    const merged = await mergeGroup(target, group, target.location(n));
    n += 1;
    // The merged manifest stands where its newest part stood.
    manifests = manifests.flatMap((manifest) => {
      if (manifest === group[0]) return merged === undefined ? [] : [merged];
      return group.includes(manifest) ? [] : [manifest];
    });
  }
  return manifests;
}

/** 0 below the base, 1 below its square, and so on. */
function magnitude(files: number, base: number): number {
  return Math.floor(Math.log(Math.max(files, 1)) / Math.log(Math.max(base, 2)));
}

async function mergeGroup(
  target: Parameters<typeof mergeManifests>[0],
  group: readonly ManifestFile[],
  location: string,
): Promise<ManifestFile | undefined> {
  const { io, metadata, snapshotId, cache } = target;
  const parts = await mapBounded(group, readsInFlight, (manifest) =>
    readManifest(io, metadata, manifest, cache),
  );
  const live = parts
    .flat()
    .filter((entry) => entry.status !== 'deleted')
    .map((entry) => ({ ...entry, status: 'existing' as const }));
  const [first] = group;
  if (live.length === 0 || first === undefined) return undefined;
  return writeEntries(io, metadata, specById(metadata, first.specId), live, {
    location,
    snapshotId,
    content: 'data',
  });
}
