import type { FileEntry, Long } from '#core/iceberg/types.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Explanation, IdRange, TapeDay } from './coverage.ts';
import type { StagedFile } from './stage.ts';
import type { LakeTable } from './tables.ts';

/** What a commit brings. */
export interface CommitRequest {
  /** Chosen by the caller and kept over its retries: proof that the commit happened when its answer was lost. */
  commitId: string;
  table: LakeTable;
  /** May be empty: a batch of nothing but duplicates or refused records has no snapshot, but moves its offsets. */
  files: readonly StagedFile[];
  /** What becomes held, as disjoint ranges. */
  added: readonly IdRange[];
  /** Bars that are held and of which the files have another revision: each row once. */
  revised?: readonly IdRange[];
  days: readonly TapeDay[];
  explained: readonly Explanation[];
  /** Where the batch came from, for the ledger of commits. */
  offsets: readonly unknown[];
  summary: Readonly<Record<string, string>>;
  /** A tag for the snapshot before this one, which then outlives expiry; one that is there stays. An empty table has none. */
  tagBefore?: string;
  /** What must also be checked or moved, in the same transaction; its error undoes everything. */
  guard: (tx: Transaction) => Promise<void>;
}

/** Files that take the place of others. */
export interface ReplaceRequest extends CommitRequest {
  /** The snapshot on which the replacement was made; null for the empty table. */
  basis: Long | null;
  /** Files of that snapshot that go. */
  replaced: readonly FileEntry[];
  /** What is no longer held, before `added` is. */
  removed: readonly IdRange[];
  /** Of a table without a key: the files hold other rows than those they replace. */
  rowsChange?: boolean;
  /** Whether rows in a file that came after the basis would belong to what was replaced. */
  overlaps: (file: FileEntry) => boolean;
}

/** What a commit does to the table's files, in Iceberg's words. */
export function operationOf(request: CommitRequest | ReplaceRequest): 'append' | 'overwrite' | 'replace' {
  return isReplacement(request) ? replacementOf(request) : 'append';
}

/** A replacement that leaves what is held as it is only moves rows between files. */
export function replacementOf({ added, removed, rowsChange }: ReplaceRequest): 'overwrite' | 'replace' {
  return added.length === 0 && removed.length === 0 && rowsChange !== true ? 'replace' : 'overwrite';
}

export function isReplacement(request: CommitRequest | ReplaceRequest): request is ReplaceRequest {
  return 'replaced' in request;
}
