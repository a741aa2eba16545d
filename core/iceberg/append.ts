import { IcebergError } from './errors.ts';
import { readManifestList } from './manifest-list.ts';
import { findSnapshot } from './metadata.ts';
import { produceSnapshot, type Commit, type CommitOptions, type CommitResult } from './snapshot.ts';

export { type AddedManifest, writeManifest } from './manifest.ts';
export type AppendOptions = CommitOptions;
export type Append = Commit;
export type AppendResult = CommitResult;

/** Appends manifests of new files to the base: writes the manifest list (and merged manifests) and returns the new metadata. */
export async function commitAppend(append: Append): Promise<AppendResult> {
  if (append.manifests.length === 0) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      'an append needs files',
      'Skip the snapshot if nothing is added.',
    );
  }
  const parent = findSnapshot(append.base);
  const inherited = parent === undefined ? [] : await readManifestList(append.io, parent, append.cache);
  return await produceSnapshot(append, { operation: 'append', inherited, removed: [] });
}
