import { IcebergError } from './errors.ts';
import { readManifest, writeEntries } from './manifest.ts';
import { readManifestList } from './manifest-list.ts';
import { findSnapshot } from './metadata.ts';
import { specById } from './partition.ts';
import { besideList, produceSnapshot, type Commit, type CommitResult } from './snapshot.ts';
import type { FileEntry, ManifestFile } from './types.ts';

export interface Replace extends Commit {
  /** Paths of the data files that go, as the manifests have them. All of them must be live in the base. */
  remove: readonly string[];
  /** `replace` where the rows stay the same (compaction), `overwrite` where they change. */
  operation: 'overwrite' | 'replace';
}

export interface ReplaceResult extends CommitResult {
  /** The files that went, as they were listed. */
  removed: FileEntry[];
}

/**
 * Takes data files out of the table and puts those of the commit's manifests (there may be none) in their place.
 * Manifests that list none of the removed files are taken over as they are; the others are written anew. Files that
 * stay keep their snapshot and sequence numbers.
 *
 * @throws CONFLICT when a file to remove is not live in the base: the change was made on an older state of the table.
 *   UNSUPPORTED when the table has delete files, whose reach would change with the files.
 */
export async function commitReplace(replace: Replace): Promise<ReplaceResult> {
  const { io, base, cache } = replace;
  const parent = findSnapshot(base);
  const manifests = parent === undefined ? [] : await readManifestList(io, parent, cache);
  if (manifests.some(({ content }) => content === 'deletes')) {
    throw new IcebergError(
      'UNSUPPORTED',
      'the table has delete files, and files under them cannot be replaced',
      'Rewrite the table without delete files (copy-on-write) with the engine that made them.',
    );
  }
  const wanted = new Set(replace.remove);
  const removed: FileEntry[] = [];
  const inherited: ManifestFile[] = [];
  const rewritten: string[] = [];
  for (const manifest of manifests) {
    const without =
      wanted.size === 0 ? undefined : await removeFrom(replace, manifest, wanted, rewritten.length);
    if (without === undefined) {
      inherited.push(manifest);
    } else {
      removed.push(...without.removed);
      inherited.push(without.manifest);
      rewritten.push(without.manifest.path);
    }
  }
  if (wanted.size > 0) {
    throw new IcebergError(
      'CONFLICT',
      `${[...wanted].slice(0, 3).join(', ')} ${wanted.size === 1 ? 'is' : `and others (${wanted.size} files) are`} not in the table`,
      'Load the table again and make the change on the files it has.',
    );
  }
  const operation = replace.manifests.length === 0 ? 'delete' : replace.operation;
  const result = await produceSnapshot(replace, { operation, inherited, removed });
  return { ...result, removed, written: [...result.written, ...rewritten] };
}

/** The manifest without the wanted files, which are taken out of `wanted`; undefined where it lists none of them. */
async function removeFrom(
  { io, base, snapshotId, cache, manifestListLocation }: Replace,
  manifest: ManifestFile,
  wanted: Set<string>,
  n: number,
): Promise<{ manifest: ManifestFile; removed: FileEntry[] } | undefined> {
  const live = (await readManifest(io, base, manifest, cache)).filter(({ status }) => status !== 'deleted');
  const removed = live.filter(({ path }) => wanted.delete(path));
  if (removed.length === 0) return undefined;
  const gone = new Set(removed);
  // Entries deleted by earlier snapshots are dropped: they told of those snapshots only.
  const entries = live.map((entry): FileEntry =>
    gone.has(entry) ? { ...entry, status: 'deleted', snapshotId } : { ...entry, status: 'existing' },
  );
  const location = besideList({ manifestListLocation }, `rest-${n}`);
  const spec = specById(base, manifest.specId);
  const rest = await writeEntries(io, base, spec, entries, { location, snapshotId, content: 'data' });
  return { manifest: rest, removed };
}
