import { randomUUID } from 'node:crypto';
import { commitAppend, writeManifest, type AppendOptions, type AppendResult } from '#core/iceberg/append.ts';
import { newSnapshotId, newTableMetadata } from '#core/iceberg/metadata.ts';
import type { DataFile, FileIO, TableMetadata } from '#core/iceberg/types.ts';

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
