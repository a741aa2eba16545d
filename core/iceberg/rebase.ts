import type { FormatCache } from './cache.ts';
import { snapshotsSince } from './changes.ts';
import { mapBounded } from './concurrency.ts';
import { deletesByFile } from './deletes.ts';
import { readManifest } from './manifest.ts';
import { readManifestList } from './manifest-list.ts';
import { findSnapshot } from './metadata.ts';
import { manifestMayList } from './partition.ts';
import type { FileName } from './replace.ts';
import type { FileEntry, FileIO, Long, ManifestFile, TableMetadata } from './types.ts';

/** What became of the state on which a replacement was made. */
export type Rebase =
  /** The state was set back, or too much has expired to tell: the replacement is to be made again. */
  | { descends: false }
  | {
      descends: true;
      /** The wanted files that are live. */
      live: FileEntry[];
      /** Paths of those that are not. */
      gone: string[];
      /** Live data files that came since, with partition values and bounds (see `decodeValue`). */
      added: FileEntry[];
      /** Delete files that came since and apply to a wanted file. */
      addedDeletes: FileEntry[];
    };

const readsInFlight = 16;

/**
 * Compares the table with an earlier state of it: which of the files wanted are still live, and what came since. A file
 * that came and went in between is not told of. Reads only manifests that are newer or can list a wanted file.
 *
 * @param check.basis the snapshot of the earlier state; null for the empty table.
 */
export async function rebaseCheck(check: {
  io: FileIO;
  metadata: TableMetadata;
  basis: Long | null;
  wanted: readonly FileName[];
  cache?: FormatCache;
}): Promise<Rebase> {
  const { io, metadata, basis, wanted, cache } = check;
  const since = snapshotsSince(metadata, basis);
  if (since === undefined) return { descends: false };
  const snapshot = findSnapshot(metadata);
  const manifests = snapshot === undefined ? [] : await readManifestList(io, snapshot, cache);
  // Snapshots are numbered by their order over all branches; the basis itself may have expired.
  const firstSince = since[0]?.['sequence-number'];
  const isSince = (sequenceNumber: Long | null): boolean =>
    firstSince !== undefined && sequenceNumber !== null && sequenceNumber >= firstSince;
  const mayTell = (manifest: ManifestFile): boolean =>
    isSince(manifest.sequenceNumber) ||
    (manifest.content === 'data' &&
      wanted.some((file) => typeof file === 'string' || manifestMayList(metadata, manifest, file)));
  const entries = (
    await mapBounded(manifests.filter(mayTell), readsInFlight, (manifest) =>
      readManifest(io, metadata, manifest, cache),
    )
  )
    .flat()
    .filter(({ status }) => status !== 'deleted');
  const paths = new Set(wanted.map((file) => (typeof file === 'string' ? file : file.path)));
  const data = entries.filter(({ content }) => content === 'data');
  // Compaction may give a file the sequence number of the rows in it: when it came says the file's own.
  const came = entries.filter((entry) => isSince(entry.fileSequenceNumber ?? entry.sequenceNumber));
  const live = data.filter(({ path }) => paths.has(path));
  const deletesOf = deletesByFile(
    metadata,
    came.filter(({ content }) => content !== 'data'),
  );
  for (const { path } of live) paths.delete(path);
  return {
    descends: true,
    live,
    gone: [...paths],
    added: came.filter(({ content }) => content === 'data'),
    addedDeletes: [...new Set(live.flatMap(deletesOf))],
  };
}
