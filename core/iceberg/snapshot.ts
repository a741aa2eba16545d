import type { FormatCache } from './cache.ts';
import { IcebergError } from './errors.ts';
import type { AddedManifest } from './manifest.ts';
import { writeManifestList } from './manifest-list.ts';
import { mergeManifests, type MergeOptions } from './merge.ts';
import { findSnapshot } from './metadata.ts';
import { retireSnapshots } from './retire.ts';
import type { FileEntry, FileIO, Long, ManifestFile, Snapshot, TableMetadata } from './types.ts';
import { applyUpdates, logPreviousMetadata, type Update } from './updates.ts';

export interface CommitOptions extends MergeOptions {
  /** Snapshots kept in the metadata; older ones that no tag or other branch names are retired. 500 unless told. */
  maxSnapshots?: number;
  /** Entries kept in the metadata log; 100 unless told. */
  metadataLogMax?: number;
}

/** What every commit of files needs. */
export interface Commit {
  io: FileIO;
  /** The table as the catalog has it now. */
  base: TableMetadata;
  /** The base's own metadata file, noted in the new metadata's log. */
  baseLocation?: string;
  /** What `writeManifest` returned, for the same snapshot id. */
  manifests: readonly AddedManifest[];
  snapshotId: Long;
  timestampMs: number;
  /** Added to the snapshot's summary; operation, counts and totals are set here. */
  summary?: Record<string, string>;
  /** Must be new for every try; rewritten manifests are named after it. */
  manifestListLocation: string;
  options?: CommitOptions;
  cache?: FormatCache;
}

/** A commit as a value: nothing is visible until the caller's catalog points at this metadata. */
export interface CommitResult {
  metadata: TableMetadata;
  snapshot: Snapshot;
  updates: Update[];
  manifestListLocation: string;
  /** Files this try wrote, beside the manifests given: garbage if the commit fails. */
  written: string[];
  /** Snapshots that the new metadata no longer has; their files are for maintenance to delete. */
  retired: Snapshot[];
}

/** What a snapshot does to its parent, beside adding the commit's manifests. */
interface Change {
  operation: 'append' | 'overwrite' | 'replace' | 'delete';
  /** The parent's manifests as the snapshot takes them over; those that were written anew tell of it and stay apart. */
  inherited: readonly ManifestFile[];
  /** Files that the parent had and the snapshot has not. */
  removed: readonly FileEntry[];
}

/** Writes the manifest list (and merged manifests) of a new snapshot on the base, and returns the new metadata. */
export async function produceSnapshot(commit: Commit, change: Change): Promise<CommitResult> {
  const { io, base, snapshotId, options = {}, cache } = commit;
  if (commit.manifests.some((manifest) => manifest.addedSnapshotId !== snapshotId)) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `snapshot ${snapshotId} needs manifests that were written for it`,
      'Pass the snapshot id that the manifests were written with.',
    );
  }
  const parent = findSnapshot(base);
  const kept = await mergeManifests({
    io,
    metadata: base,
    snapshotId,
    manifests: change.inherited.filter((manifest) => !isNew(manifest) && !isSpent(manifest)),
    location: (n) => besideList(commit, `merged-${n}`),
    options,
    cache,
  });
  const sequenceNumber = next(base['last-sequence-number']);
  const manifests = await writeManifestList(
    io,
    commit.manifestListLocation,
    {
      snapshotId,
      ...(parent === undefined ? {} : { parentSnapshotId: parent['snapshot-id'] }),
      sequenceNumber,
    },
    [...commit.manifests, ...change.inherited.filter(isNew), ...kept],
  );
  cache?.manifestLists.set(commit.manifestListLocation, manifests);
  const snapshot: Snapshot = {
    'snapshot-id': snapshotId,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': Math.max(commit.timestampMs, base['last-updated-ms']),
    'manifest-list': commit.manifestListLocation,
    summary: summarize(parent, commit, change),
    'schema-id': base['current-schema-id'],
  };
  const added: Update[] = [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
  ];
  const grown = applyUpdates(base, added, commit.timestampMs);
  const { metadata, updates, retired } = retireSnapshots(
    grown,
    options.maxSnapshots ?? 500,
    snapshot['timestamp-ms'],
  );
  return {
    metadata:
      commit.baseLocation === undefined
        ? metadata
        : logPreviousMetadata(
            metadata,
            { location: commit.baseLocation, updatedMs: base['last-updated-ms'] },
            options.metadataLogMax,
          ),
    snapshot,
    updates: [...added, ...updates],
    manifestListLocation: commit.manifestListLocation,
    written: [commit.manifestListLocation, ...kept.filter(isNew).map((manifest) => manifest.path)],
    retired,
  };
}

function isNew(manifest: ManifestFile): boolean {
  return manifest.sequenceNumber === null;
}

/** Whether a manifest lists only files that an earlier snapshot removed. */
function isSpent({ addedFiles, existingFiles, deletedFiles }: ManifestFile): boolean {
  return addedFiles + existingFiles === 0 && deletedFiles > 0;
}

/** A location for a rewritten manifest, new for every try as the manifest list is. */
export function besideList(commit: Pick<Commit, 'manifestListLocation'>, name: string): string {
  return commit.manifestListLocation.replace(/(\.avro)?$/, `-${name}.avro`);
}

function next(sequenceNumber: Long): Long {
  return typeof sequenceNumber === 'number' ? sequenceNumber + 1 : sequenceNumber + 1n;
}

interface Sizes {
  'data-files': number;
  records: number;
  'files-size': number;
}

/**
 * The summary of a snapshot: what was added and removed, and totals rolled forward from the parent. A total that the
 * parent does not state stays unstated.
 */
function summarize(
  parent: Snapshot | undefined,
  { manifests, summary = {} }: Commit,
  { operation, removed }: Change,
): Record<string, string> {
  const added = sizes(manifests, (m) => [m.addedFiles, m.addedRows, m.addedFilesSize]);
  const gone = sizes(removed, (file) => [1, file.recordCount, file.fileSizeBytes]);
  const names = ['data-files', 'records', 'files-size'] as const;
  const totals = [
    ...names.map((name) => [name, added[name] - gone[name]] as const),
    ...(['delete-files', 'position-deletes', 'equality-deletes'] as const).map((name) => [name, 0] as const),
  ];
  const rolled = totals.flatMap(([name, change]) => {
    const before = parent === undefined ? '0' : parent.summary[`total-${name}`];
    return before === undefined ? [] : [[`total-${name}`, String(BigInt(before) + BigInt(change))]];
  });
  // The words are Iceberg's own: what goes is deleted, but its size is removed.
  const deleted = {
    'deleted-data-files': gone['data-files'],
    'deleted-records': gone.records,
    'removed-files-size': gone['files-size'],
  };
  return {
    ...summary,
    operation,
    ...(manifests.length === 0
      ? {}
      : texts(Object.fromEntries(names.map((name) => [`added-${name}`, added[name]])))),
    ...(removed.length === 0 ? {} : texts(deleted)),
    ...(Object.fromEntries(rolled) as Record<string, string>),
  };
}

function sizes<T>(
  items: readonly T[],
  of: (item: T) => [files: number, records: number, bytes: number],
): Sizes {
  const sum = { 'data-files': 0, records: 0, 'files-size': 0 };
  for (const item of items) {
    const [files, records, bytes] = of(item);
    sum['data-files'] += files;
    sum.records += records;
    sum['files-size'] += bytes;
  }
  return sum;
}

function texts(counts: Record<string, number>): Record<string, string> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
}
