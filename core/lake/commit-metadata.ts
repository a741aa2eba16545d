import { randomUUID } from 'node:crypto';
import { commitAppend, writeManifest } from '#core/iceberg/append.ts';
import { changesOf, snapshotsSince } from '#core/iceberg/changes.ts';
import { commitReplace } from '#core/iceberg/replace.ts';
import { setTag } from '#core/iceberg/refs.ts';
import type { TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { currentSnapshotId, type TableVersion } from './catalog.ts';
import { isReplacement, replacementOf, type CommitRequest, type ReplaceRequest } from './commit-request.ts';
import { toDataFile } from './iceberg-tables.ts';
import type { Lake } from './lake.ts';
import { tableId } from './tables.ts';

/** A commit writes all snapshots it keeps into the metadata; more of them make every commit slower. */
const snapshotsMax = 200;

/** Writes manifests and manifest list of the commit on its base, and returns the new metadata. */
export async function produceMetadata(
  lake: Lake,
  { metadata: untagged, metadataLocation: baseLocation }: TableVersion,
  snapshotId: number,
  request: CommitRequest | ReplaceRequest,
): Promise<TableMetadata> {
  const { io } = lake;
  const base = request.tagBefore === undefined ? untagged : tagged(untagged, request.tagBefore);
  const folder = `${base.location}/metadata`;
  const files = request.files.map((file) => toDataFile(request.table, file));
  const location = `${folder}/${randomUUID()}-m0.avro`;
  const change = {
    io,
    base,
    baseLocation,
    manifests: files.length === 0 ? [] : [await writeManifest(io, base, snapshotId, files, location)],
    snapshotId,
    timestampMs: Math.max(Date.now(), base['last-updated-ms'] + 1),
    summary: { ...request.summary, 'ticklake.commit-id': request.commitId },
    manifestListLocation: `${folder}/snap-${snapshotId}-1-${randomUUID()}.avro`,
    options: { maxSnapshots: snapshotsMax },
    cache: lake.formatCache,
  };
  if (!isReplacement(request)) return (await commitAppend(change)).metadata;
  const { metadata } = await commitReplace({
    ...change,
    remove: request.replaced,
    operation: replacementOf(request),
  });
  return metadata;
}

function tagged(base: TableMetadata, tag: string): TableMetadata {
  const snapshotId = currentSnapshotId(base);
  if (snapshotId === null || Object.hasOwn(base.refs, tag)) return base;
  return applyUpdates(base, [setTag(base, tag, snapshotId)], base['last-updated-ms']);
}

/**
 * Nothing may have come in between that the replacement ought to have seen.
 * @throws PLAN_STALE
 */
export async function assertStillFits(
  lake: Lake,
  base: TableMetadata,
  request: ReplaceRequest,
): Promise<void> {
  const stale = (reason: string): TicklakeError =>
    new TicklakeError(
      'PLAN_STALE',
      `${tableId(request.table)} changed since the replacement was made: ${reason}`,
    );
  const since = snapshotsSince(base, request.basis);
  if (since === undefined) throw stale('its snapshot is no longer an ancestor');
  const replaced = new Set(request.replaced.map(({ path }) => path));
  for (const snapshot of since) {
    const { added, removed } = await changesOf(lake.io, base, snapshot, lake.formatCache);
    if (removed.some(({ path }) => replaced.has(path))) throw stale('a file it replaces is gone');
    if (added.some((file) => request.overlaps(file))) throw stale('a file came that belongs to it');
  }
}
