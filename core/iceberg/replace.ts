import { mapBounded } from './concurrency.ts';
import { deletesByFile } from './deletes.ts';
import { IcebergError } from './errors.ts';
import { readManifest, writeEntries } from './manifest.ts';
import { readManifestList } from './manifest-list.ts';
import { findSnapshot } from './metadata.ts';
import { manifestMayList, specById } from './partition.ts';
import { besideList, produceSnapshot, type Commit, type CommitResult } from './snapshot.ts';
import type { FileEntry, ManifestFile } from './types.ts';

/** A data file by its path as the manifests have it; with its partition, fewer manifests need to be read to find it. */
export type FileName = string | Pick<FileEntry, 'path' | 'specId' | 'partition'>;

export interface Replace extends Commit {
  /** The data files that go. All of them must be live in the base. */
  remove: readonly FileName[];
  /** `replace` where the rows stay the same (compaction), `overwrite` where they change. */
  operation: 'overwrite' | 'replace';
  /** Paths of delete files whose rows are left out of what is added, as the files' replacement has to. */
  appliedDeletes?: readonly string[];
}

export interface ReplaceResult extends CommitResult {
  /** The files that went, as they were listed. */
  removed: FileEntry[];
}

/** A manifest of the base; if it lists files that go, with these and all its live entries. */
interface Candidate {
  manifest: ManifestFile;
  live: FileEntry[];
  removed: FileEntry[];
}

const filesInFlight = 16;

/**
 * Takes data files out of the table and puts those of the commit's manifests (there may be none) in their place.
 * Manifests that list none of the removed files are taken over as they are; the others are written anew. Files that
 * stay keep their snapshot and sequence numbers. The snapshot says `delete` if nothing is added, `append` if nothing
 * is removed.
 *
 * Added files take the snapshot's sequence number, so that earlier delete files do not reach them: what these delete
 * must have been left out by the caller.
 *
 * @throws CONFLICT when a file to remove is not live in the base, or a delete file applies to it that is not among
 *   those applied: the change was made on an older state of the table. UNSUPPORTED when delete files apply and none
 *   was said to be applied. INVALID_ARGUMENT when a `replace` changes the number of rows, or nothing is changed.
 */
export async function commitReplace(replace: Replace): Promise<ReplaceResult> {
  const { io, base, cache } = replace;
  if (replace.manifests.length === 0 && replace.remove.length === 0) {
    throw invalid('a replacement needs files to add or to remove', 'Skip the snapshot if nothing changes.');
  }
  const parent = findSnapshot(base);
  const manifests = parent === undefined ? [] : await readManifestList(io, parent, cache);
  const candidates = await mapBounded(manifests, filesInFlight, (manifest) => search(replace, manifest));
  const removed = candidates.flatMap((candidate) => candidate.removed);
  assertAllFound(replace, removed);
  if (replace.manifests.length > 0) {
    await assertDeletesApplied(replace, manifests, removed);
    if (replace.operation === 'replace') assertSameRows(replace, removed);
  }
  const inherited = await mapBounded([...candidates.entries()], filesInFlight, async ([n, candidate]) =>
    candidate.removed.length === 0 ? candidate.manifest : await writeRest(replace, candidate, n),
  );
  const result = await produceSnapshot(replace, { operation: operationOf(replace), inherited, removed });
  const rewritten = inherited.filter((manifest) => !manifests.includes(manifest));
  return { ...result, removed, written: [...result.written, ...rewritten.map(({ path }) => path)] };
}

function operationOf({ manifests, remove, operation }: Replace): 'append' | 'delete' | Replace['operation'] {
  if (manifests.length === 0) return 'delete';
  return remove.length === 0 ? 'append' : operation;
}

async function search(
  { io, base, cache, remove }: Pick<Replace, 'io' | 'base' | 'cache' | 'remove'>,
  manifest: ManifestFile,
): Promise<Candidate> {
  const wanted = new Set(
    remove
      .filter((file) => typeof file === 'string' || manifestMayList(base, manifest, file))
      .map((file) => pathOf(file)),
  );
  if (manifest.content !== 'data' || wanted.size === 0) return { manifest, live: [], removed: [] };
  const entries = await readManifest(io, base, manifest, cache);
  const live = entries.filter(({ status }) => status !== 'deleted');
  const removed = live.filter(({ path }) => wanted.has(path));
  return { manifest, live: removed.length === 0 ? [] : live, removed };
}

function pathOf(file: FileName): string {
  return typeof file === 'string' ? file : file.path;
}

function assertAllFound({ remove }: Replace, removed: readonly FileEntry[]): void {
  const found = new Set(removed.map(({ path }) => path));
  const missing = remove.map(pathOf).filter((path) => !found.has(path));
  if (missing.length === 0) return;
  throw conflict(
    `${missing.slice(0, 3).join(', ')} ${missing.length === 1 ? 'is' : `and others (${missing.length} files) are`} not in the table`,
  );
}

async function assertDeletesApplied(
  { io, base, cache, appliedDeletes }: Replace,
  manifests: readonly ManifestFile[],
  removed: readonly FileEntry[],
): Promise<void> {
  const lists = manifests.filter(({ content }) => content === 'deletes');
  const entries = await mapBounded(lists, filesInFlight, (manifest) =>
    readManifest(io, base, manifest, cache),
  );
  const deletesOf = deletesByFile(
    base,
    entries.flat().filter(({ status }) => status !== 'deleted'),
  );
  const applied = new Set(appliedDeletes);
  const ignored = removed.flatMap(deletesOf).find(({ path }) => !applied.has(path));
  if (ignored === undefined) return;
  if (appliedDeletes !== undefined) throw conflict(`${ignored.path} deletes rows of a file that is replaced`);
  throw new IcebergError(
    'UNSUPPORTED',
    `delete files such as ${ignored.path} apply to files that are replaced`,
    'Leave the deleted rows out of what is added and name the delete files, or rewrite the table without them with the engine that made them.',
  );
}

/** Compaction leaves out no row but those that delete files delete. */
function assertSameRows({ manifests, appliedDeletes = [] }: Replace, removed: readonly FileEntry[]): void {
  const added = manifests.reduce((sum, manifest) => sum + manifest.addedRows, 0);
  const gone = removed.reduce((sum, file) => sum + file.recordCount, 0);
  if (added === gone || (added < gone && appliedDeletes.length > 0)) return;
  throw invalid(
    `a replacement of ${gone} rows by ${added} does not leave the rows as they were`,
    "Commit it as 'overwrite', or add exactly the rows of the files that go.",
  );
}

/** Writes the candidate's manifest without the files that go. Entries deleted by earlier snapshots told of those only. */
async function writeRest(
  { io, base, snapshotId, manifestListLocation }: Replace,
  { manifest, live, removed }: Candidate,
  n: number,
): Promise<ManifestFile> {
  const gone = new Set(removed);
  const entries = live.map((entry): FileEntry =>
    gone.has(entry) ? { ...entry, status: 'deleted', snapshotId } : { ...entry, status: 'existing' },
  );
  return await writeEntries(io, base, specById(base, manifest.specId), entries, {
    location: besideList({ manifestListLocation }, `rest-${n}`),
    snapshotId,
    content: 'data',
  });
}

function invalid(message: string, remedy: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, remedy);
}

function conflict(message: string): IcebergError {
  return new IcebergError(
    'CONFLICT',
    message,
    'Load the table again and make the change on the files it has.',
  );
}
