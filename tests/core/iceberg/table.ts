import { randomUUID } from 'node:crypto';
import { commitAppend, writeManifest, type AppendOptions, type AppendResult } from '#core/iceberg/append.ts';
import { writeEntries } from '#core/iceberg/manifest.ts';
import { readManifestList, writeManifestList } from '#core/iceberg/manifest-list.ts';
import { findSnapshot, newSnapshotId, newTableMetadata } from '#core/iceberg/metadata.ts';
import { specById } from '#core/iceberg/partition.ts';
import { commitReplace, type Replace, type ReplaceResult } from '#core/iceberg/replace.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { DataFile, FileEntry, FileIO, Snapshot, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';

/** A small table partitioned by day, whose files exist by name only. */
export function dailyTable(): TableMetadata {
  return newTableMetadata({
    location: 'memory:table',
    schema: {
      fields: [
        { id: 1, name: 'id', type: 'long', required: true },
        { id: 2, name: 'price', type: 'decimal(38, 18)', required: false },
        { id: 3, name: 'day', type: 'date', required: true },
        { id: 4, name: 'ratio', type: 'double', required: false },
      ],
    },
    partitionSpec: { fields: [{ 'source-id': 3, 'field-id': 1000, name: 'day', transform: 'identity' }] },
    sortOrder: { fields: [] },
    timestampMs: 1_000,
  });
}

/** A file of one day with ids in a closed range. */
export function dataFile(day: number, ids: [low: number, high: number]): DataFile {
  const recordCount = ids[1] - ids[0] + 1;
  return {
    path: `memory:table/data/${randomUUID()}.parquet`,
    partition: { day },
    recordCount,
    fileSizeBytes: 100,
    valueCounts: new Map([[1, recordCount]]),
    nullValueCounts: new Map([[1, 0]]),
    lowerBounds: new Map([[1, ids[0]]]),
    upperBounds: new Map([[1, ids[1]]]),
  };
}

export async function appendTo(
  io: FileIO,
  base: TableMetadata,
  files: readonly DataFile[],
  options: AppendOptions & { timestampMs?: number; baseLocation?: string } = {},
): Promise<AppendResult> {
  const { timestampMs = 2_000, baseLocation, ...rest } = options;
  const snapshotId = newSnapshotId();
  const manifest = await writeManifest(
    io,
    base,
    snapshotId,
    files,
    `memory:table/metadata/${randomUUID()}.avro`,
  );
  return commitAppend({
    io,
    base,
    ...(baseLocation === undefined ? {} : { baseLocation }),
    manifests: [manifest],
    snapshotId,
    timestampMs,
    manifestListLocation: `memory:table/metadata/snap-${snapshotId}.avro`,
    options: rest,
  });
}

export async function replaceIn(
  io: FileIO,
  base: TableMetadata,
  remove: Replace['remove'],
  add: readonly DataFile[],
  options: AppendOptions &
    Partial<Pick<Replace, 'operation' | 'appliedDeletes' | 'timestampMs' | 'cache'>> = {},
): Promise<ReplaceResult> {
  const { operation = 'overwrite', appliedDeletes, timestampMs = 3_000, cache, ...rest } = options;
  const snapshotId = newSnapshotId();
  const location = `${base.location}/metadata/${randomUUID()}.avro`;
  return await commitReplace({
    io,
    base,
    manifests: add.length === 0 ? [] : [await writeManifest(io, base, snapshotId, add, location)],
    remove,
    operation,
    ...(appliedDeletes === undefined ? {} : { appliedDeletes }),
    ...(cache === undefined ? {} : { cache }),
    snapshotId,
    timestampMs,
    manifestListLocation: `${base.location}/metadata/snap-${snapshotId}.avro`,
    options: rest,
  });
}

/** A delete file like those of other engines, for a data file as `planScan` lists it. */
export function deleteFile(of: FileEntry, deletes: Partial<FileEntry> = {}): FileEntry {
  return {
    ...of,
    status: 'added',
    content: 'position-deletes',
    path: of.path.replace(/[^/]+$/, `${randomUUID()}-deletes.parquet`),
    sequenceNumber: null,
    fileSequenceNumber: null,
    recordCount: 1,
    columnSizes: new Map(),
    valueCounts: new Map(),
    nullValueCounts: new Map(),
    lowerBounds: new Map(),
    upperBounds: new Map(),
    sortOrderId: null,
    ...deletes,
  };
}

/** Commits delete files of one spec, as other engines do: this library writes none. */
export async function deleteFrom(
  io: FileIO,
  base: TableMetadata,
  deletes: readonly FileEntry[],
): Promise<{ metadata: TableMetadata; snapshot: Snapshot }> {
  const snapshotId = newSnapshotId();
  const parent = findSnapshot(base);
  if (parent === undefined) throw new Error('nothing to delete from');
  const entries = deletes.map((entry) => ({ ...entry, snapshotId }));
  const manifest = await writeEntries(io, base, specById(base, deletes[0]?.specId ?? 0), entries, {
    location: `${base.location}/metadata/${randomUUID()}.avro`,
    snapshotId,
    content: 'deletes',
  });
  const list = `${base.location}/metadata/snap-${snapshotId}.avro`;
  const sequenceNumber = Number(base['last-sequence-number']) + 1;
  const manifests = [manifest, ...(await readManifestList(io, parent))];
  await writeManifestList(io, list, { snapshotId, sequenceNumber }, manifests);
  const snapshot: Snapshot = {
    ...parent,
    'snapshot-id': snapshotId,
    'parent-snapshot-id': parent['snapshot-id'],
    'sequence-number': sequenceNumber,
    'manifest-list': list,
    summary: { ...parent.summary, operation: 'delete' },
  };
  const metadata = applyUpdates(
    base,
    [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
    ],
    2_500,
  );
  return { metadata, snapshot };
}

export async function livePaths(io: FileIO, metadata: TableMetadata): Promise<string[]> {
  return paths(...(await planScan({ io, metadata })).files);
}

export function paths(...files: readonly { path: string }[]): string[] {
  return files.map(({ path }) => path).toSorted();
}
