import type { FormatCache } from './cache.ts';
import { mapBounded } from './concurrency.ts';
import { manifestMayMatch, fileMayMatch, bindFilter, type ScanFilter } from './filter.ts';
import { readManifest } from './manifest.ts';
import { readManifestList } from './manifest-list.ts';
import { findSnapshot } from './metadata.ts';
import type { FileEntry, FileIO, Long, Snapshot, TableMetadata } from './types.ts';

export type { Predicate, ScanFilter } from './filter.ts';

export interface Scan {
  io: FileIO;
  metadata: TableMetadata;
  /** The current snapshot unless told. */
  snapshotId?: Long;
  /** Predicates that all must hold. */
  filter?: ScanFilter;
  cache?: FormatCache;
}

export type DataFileEntry = FileEntry;

export interface ScanPlan {
  /** Undefined for a table without a snapshot. */
  snapshot: Snapshot | undefined;
  /** Live data files that can hold matching rows; rows in them still need the filter. */
  files: DataFileEntry[];
  /** Live delete files that can concern them. A caller applies these or refuses: the data files alone are not the table. */
  deleteFiles: FileEntry[];
}

const readsInFlight = 16;

/** Plans which files a query has to read: prunes manifests and files by partition values, and files by their bounds. */
export async function planScan(scan: Scan): Promise<ScanPlan> {
  const { io, metadata, cache } = scan;
  const snapshot = findSnapshot(metadata, scan.snapshotId);
  if (snapshot === undefined) return { snapshot, files: [], deleteFiles: [] };
  const filter = bindFilter(metadata, snapshot, scan.filter ?? []);
  const manifests = (await readManifestList(io, snapshot, cache)).filter((manifest) =>
    manifestMayMatch(filter, manifest),
  );
  const entries = await mapBounded(manifests, readsInFlight, (manifest) =>
    readManifest(io, metadata, manifest, cache),
  );
  const live = entries.flat().filter((entry) => entry.status !== 'deleted');
  return {
    snapshot,
    files: live.filter((entry) => entry.content === 'data' && fileMayMatch(filter, entry)),
    deleteFiles: live.filter((entry) => entry.content !== 'data' && fileMayMatch(filter, entry)),
  };
}
