import type { FormatCache } from './cache.ts';
import { IcebergError } from './errors.ts';
import type { AddedManifest } from './manifest.ts';
import { readManifestList, writeManifestList } from './manifest-list.ts';
import { mergeManifests, type MergeOptions } from './merge.ts';
import { findSnapshot } from './metadata.ts';
import { retireSnapshots } from './retire.ts';
import type { FileIO, Long, Snapshot, TableMetadata } from './types.ts';
import { applyUpdates, logPreviousMetadata, type Update } from './updates.ts';

export { type AddedManifest, writeManifest } from './manifest.ts';

export interface AppendOptions extends MergeOptions {
  /** Snapshots kept in the metadata; older ones that no tag or other branch names are retired. 500 unless told. */
  maxSnapshots?: number;
  /** Entries kept in the metadata log; 100 unless told. */
  metadataLogMax?: number;
}

export interface Append {
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
  /** Must be new for every try; merged manifests are named after it. */
  manifestListLocation: string;
  options?: AppendOptions;
  cache?: FormatCache;
}

/** A commit as a value: nothing is visible until the caller's catalog points at this metadata. */
export interface AppendResult {
  metadata: TableMetadata;
  snapshot: Snapshot;
  updates: Update[];
  manifestListLocation: string;
  /** Files this try wrote, beside the manifests given: garbage if the commit fails. */
  written: string[];
  /** Snapshots that the new metadata no longer has; their files are for maintenance to delete. */
  retired: Snapshot[];
}

/** Appends manifests of new files to the base: writes the manifest list (and merged manifests) and returns the new metadata. */
export async function commitAppend(append: Append): Promise<AppendResult> {
  const { io, base, snapshotId, options = {}, cache } = append;
  if (append.manifests.length === 0 || append.manifests.some((m) => m.addedSnapshotId !== snapshotId)) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `snapshot ${snapshotId} needs manifests that were written for it`,
      'Pass the snapshot id that the manifests were written with.',
    );
  }
  const parent = findSnapshot(base);
  const inherited = parent === undefined ? [] : await readManifestList(io, parent, cache);
  const kept = await mergeManifests({
    io,
    metadata: base,
    snapshotId,
    manifests: inherited,
    location: (n) => append.manifestListLocation.replace(/(\.avro)?$/, `-merged-${n}.avro`),
    options,
    cache,
  });
  const sequenceNumber = next(base['last-sequence-number']);
  const manifests = await writeManifestList(
    io,
    append.manifestListLocation,
    {
      snapshotId,
      ...(parent === undefined ? {} : { parentSnapshotId: parent['snapshot-id'] }),
      sequenceNumber,
    },
    [...append.manifests, ...kept],
  );
  cache?.manifestLists.set(append.manifestListLocation, manifests);
  const snapshot: Snapshot = {
    'snapshot-id': snapshotId,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': Math.max(append.timestampMs, base['last-updated-ms']),
    'manifest-list': append.manifestListLocation,
    summary: summarize(parent, append.manifests, append.summary ?? {}),
    'schema-id': base['current-schema-id'],
  };
  const added: Update[] = [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
  ];
  const grown = applyUpdates(base, added, append.timestampMs);
  const { metadata, retired } = retireSnapshots(grown, options.maxSnapshots ?? 500);
  const updates: Update[] =
    retired.length === 0
      ? added
      : [...added, { action: 'remove-snapshots', 'snapshot-ids': retired.map((old) => old['snapshot-id']) }];
  return {
    metadata:
      append.baseLocation === undefined
        ? metadata
        : logPreviousMetadata(
            metadata,
            { location: append.baseLocation, updatedMs: base['last-updated-ms'] },
            options.metadataLogMax,
          ),
    snapshot,
    updates,
    manifestListLocation: append.manifestListLocation,
    written: [
      append.manifestListLocation,
      ...kept.filter((manifest) => manifest.sequenceNumber === null).map((manifest) => manifest.path),
    ],
    retired,
  };
}

function next(sequenceNumber: Long): Long {
  return typeof sequenceNumber === 'number' ? sequenceNumber + 1 : sequenceNumber + 1n;
}

/**
 * The summary of an append: what was added, and totals rolled forward from the parent. A total that the parent does
 * not state stays unstated.
 */
function summarize(
  parent: Snapshot | undefined,
  manifests: readonly AddedManifest[],
  extra: Record<string, string>,
): Record<string, string> {
  const sum = (count: (manifest: AddedManifest) => number): number =>
    manifests.reduce((total, manifest) => total + count(manifest), 0);
  const added = {
    'data-files': sum((manifest) => manifest.addedFiles),
    records: sum((manifest) => manifest.addedRows),
    'files-size': sum((manifest) => manifest.addedFilesSize),
  };
  const totals = {
    ...added,
    'delete-files': 0,
    'position-deletes': 0,
    'equality-deletes': 0,
  };
  const rolled = Object.entries(totals).flatMap(([name, count]) => {
    const before = parent === undefined ? '0' : parent.summary[`total-${name}`];
    return before === undefined ? [] : [[`total-${name}`, String(BigInt(before) + BigInt(count))]];
  });
  return {
    ...extra,
    operation: 'append',
    ...Object.fromEntries(Object.entries(added).map(([name, count]) => [`added-${name}`, String(count)])),
    ...(Object.fromEntries(rolled) as Record<string, string>),
  };
}
