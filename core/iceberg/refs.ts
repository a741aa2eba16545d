/** Tags, branches, rollback and time travel, as updates to be applied. */
import { snapshotsSince } from './changes.ts';
import { IcebergError } from './errors.ts';
import { findSnapshot } from './metadata.ts';
import type { Long, Snapshot, SnapshotRef, TableMetadata } from './types.ts';
import type { Update } from './updates.ts';

export interface TagOptions {
  /** Moves a tag that is there already; else that is a CONFLICT. */
  replace?: boolean;
  /** Expiry drops the tag when its snapshot is older. Never, unless told. */
  maxRefAgeMs?: number;
}

export interface BranchOptions extends TagOptions {
  /** Ancestors that expiry keeps whatever their age, the branch's own snapshot included. */
  minSnapshotsToKeep?: number;
  /** Ancestors that expiry keeps by their age. */
  maxSnapshotAgeMs?: number;
}

/** A snapshot's id; the name of a tag or branch; or a moment at which the snapshot was the newest. */
export type SnapshotName = { snapshotId: Long } | { name: string } | { atMs: number };

const mainBranch = 'main';

/** Names a snapshot, which expiry then keeps. */
export function setTag(
  metadata: TableMetadata,
  name: string,
  snapshotId: Long,
  options: TagOptions = {},
): Update {
  return setRef(metadata, name, { type: 'tag', 'snapshot-id': snapshotId }, options);
}

/** Starts or moves a branch other than `main`, which moves by commits and `rollbackTo`. */
export function setBranch(
  metadata: TableMetadata,
  name: string,
  snapshotId: Long,
  options: BranchOptions = {},
): Update {
  const { minSnapshotsToKeep, maxSnapshotAgeMs } = options;
  const ref: SnapshotRef = {
    type: 'branch',
    'snapshot-id': snapshotId,
    ...(minSnapshotsToKeep === undefined ? {} : { 'min-snapshots-to-keep': minSnapshotsToKeep }),
    ...(maxSnapshotAgeMs === undefined ? {} : { 'max-snapshot-age-ms': maxSnapshotAgeMs }),
  };
  return setRef(metadata, name, ref, options);
}

/** Drops a tag or a branch; its snapshot stays until it expires. */
export function dropRef(metadata: TableMetadata, name: string): Update {
  refuseMain(name);
  refNamed(metadata, name);
  return { action: 'remove-snapshot-ref', 'ref-name': name };
}

/**
 * Sets the table back to an ancestor of its current snapshot. The snapshots after it stay in the metadata until they
 * expire, and keep their sequence numbers.
 *
 * @param options.isAncestor the caller knows that it is one, where the snapshots between have expired.
 */
export function rollbackTo(
  metadata: TableMetadata,
  snapshotId: Long,
  { isAncestor = false }: { isAncestor?: boolean } = {},
): Update {
  findSnapshot(metadata, snapshotId);
  if (!isAncestor && snapshotsSince(metadata, snapshotId) === undefined) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `snapshot ${snapshotId} is not an ancestor of the current one`,
      'Roll back to a snapshot that led to the current one.',
    );
  }
  return {
    action: 'set-snapshot-ref',
    'ref-name': mainBranch,
    ...metadata.refs[mainBranch],
    ...main(snapshotId),
  };
}

function main(snapshotId: Long): Pick<SnapshotRef, 'type' | 'snapshot-id'> {
  return { type: 'branch', 'snapshot-id': snapshotId };
}

/**
 * The snapshot that is meant; undefined where the table was empty at that moment.
 * @throws NOT_FOUND when there is none, or the table's history does not reach back that far.
 */
export function resolveRef(metadata: TableMetadata, target: SnapshotName): Snapshot | undefined {
  if ('snapshotId' in target) return findSnapshot(metadata, target.snapshotId);
  if ('name' in target) return findSnapshot(metadata, refNamed(metadata, target.name)['snapshot-id']);
  const log = metadata['snapshot-log'];
  const entry = log.findLast((candidate) => candidate['timestamp-ms'] <= target.atMs);
  if (entry !== undefined) return findSnapshot(metadata, entry['snapshot-id']);
  const [oldest] = log;
  if (oldest === undefined && findSnapshot(metadata) === undefined) return undefined;
  // Without an ancestor, the log's first snapshot was the table's first.
  if (
    oldest !== undefined &&
    findSnapshot(metadata, oldest['snapshot-id'])?.['parent-snapshot-id'] === undefined
  )
    return undefined;
  throw new IcebergError(
    'NOT_FOUND',
    `the table's history does not reach back to ${new Date(target.atMs).toISOString()}`,
    'Its snapshots of then have expired; name a later time, or a tag.',
  );
}

function setRef(metadata: TableMetadata, name: string, ref: SnapshotRef, options: TagOptions): Update {
  refuseMain(name);
  findSnapshot(metadata, ref['snapshot-id']);
  const present = findRef(metadata, name);
  if (present !== undefined && (options.replace !== true || present.type !== ref.type)) {
    throw new IcebergError(
      'CONFLICT',
      `the table has a ${present.type} ${name} at snapshot ${present['snapshot-id']}`,
      'Choose another name, or say that it is to be replaced by one of its kind.',
    );
  }
  return {
    action: 'set-snapshot-ref',
    'ref-name': name,
    ...ref,
    ...(options.maxRefAgeMs === undefined ? {} : { 'max-ref-age-ms': options.maxRefAgeMs }),
  };
}

function findRef(metadata: TableMetadata, name: string): SnapshotRef | undefined {
  // Names come from users: `constructor` is not one of the table's.
  return Object.hasOwn(metadata.refs, name) ? metadata.refs[name] : undefined;
}

function refNamed(metadata: TableMetadata, name: string): SnapshotRef {
  const ref = findRef(metadata, name);
  if (ref !== undefined) return ref;
  throw new IcebergError(
    'NOT_FOUND',
    `the table has no tag or branch ${name}`,
    `Name one of: ${Object.keys(metadata.refs).join(', ')}.`,
  );
}

function refuseMain(name: string): void {
  if (name !== mainBranch && name !== '') return;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `a tag or branch cannot be named "${name}"`,
    'The branch main is the table; it moves by commits and rollback.',
  );
}
