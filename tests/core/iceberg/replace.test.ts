import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { changesOf, snapshotsSince } from '#core/iceberg/changes.ts';
import { writeManifest } from '#core/iceberg/manifest.ts';
import { newSnapshotId } from '#core/iceberg/metadata.ts';
import { commitReplace, type ReplaceResult } from '#core/iceberg/replace.ts';
import { expireSnapshots, unreachableFiles } from '#core/iceberg/retire.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { DataFile, FileIO, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile } from './table.ts';

async function replaceIn(
  io: FileIO,
  base: TableMetadata,
  remove: readonly string[],
  add: readonly DataFile[],
  options: { operation?: 'overwrite' | 'replace'; smallManifestsMax?: number } = {},
): Promise<ReplaceResult> {
  const { operation = 'overwrite', ...rest } = options;
  const snapshotId = newSnapshotId();
  const location = `memory:table/metadata/${randomUUID()}.avro`;
  return await commitReplace({
    io,
    base,
    manifests: add.length === 0 ? [] : [await writeManifest(io, base, snapshotId, add, location)],
    remove,
    operation,
    snapshotId,
    timestampMs: 3_000,
    manifestListLocation: `memory:table/metadata/snap-${snapshotId}.avro`,
    options: rest,
  });
}

async function livePaths(io: FileIO, metadata: TableMetadata): Promise<string[]> {
  return (await planScan({ io, metadata })).files.map(({ path }) => path).toSorted();
}

const paths = (...files: { path: string }[]): string[] => files.map(({ path }) => path).toSorted();

describe('commitReplace', () => {
  it('takes files out and puts others in, and leaves the rest as it was', async () => {
    const io = memoryIO();
    const [a, b, c, d] = [
      dataFile(1, [1, 10]),
      dataFile(1, [11, 20]),
      dataFile(2, [21, 25]),
      dataFile(1, [1, 12]),
    ];
    const first = await appendTo(io, dailyTable(), [a, b]);
    const second = await appendTo(io, first.metadata, [c]);
    const { metadata, snapshot, removed } = await replaceIn(io, second.metadata, [a.path], [d]);
    expect(await livePaths(io, metadata)).toEqual(paths(b, c, d));
    expect(paths(...removed)).toEqual([a.path]);
    expect(snapshot.summary).toEqual({
      operation: 'overwrite',
      'added-data-files': '1',
      'added-records': '12',
      'added-files-size': '100',
      'deleted-data-files': '1',
      'deleted-records': '10',
      'removed-files-size': '100',
      'total-data-files': '3',
      'total-records': '27',
      'total-files-size': '300',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    });
    const { files } = await planScan({ io, metadata });
    const sequence = new Map(files.map((file) => [file.path, file.sequenceNumber]));
    expect([b, c, d].map((file) => sequence.get(file.path))).toEqual([1, 2, 3]);
    // The earlier snapshot still is what it was.
    expect(await livePaths(io, second.metadata)).toEqual(paths(a, b, c));
  });

  it('may only remove, which is a delete', async () => {
    const io = memoryIO();
    const file = dataFile(1, [1, 10]);
    const first = await appendTo(io, dailyTable(), [file]);
    const { metadata, snapshot } = await replaceIn(io, first.metadata, [file.path], []);
    expect(snapshot.summary).toMatchObject({
      operation: 'delete',
      'total-records': '0',
      'deleted-records': '10',
    });
    expect(await livePaths(io, metadata)).toEqual([]);
  });

  it('refuses files that are not in the base, and then changes nothing', async () => {
    const io = memoryIO();
    const [a, b] = [dataFile(1, [1, 10]), dataFile(1, [11, 20])];
    const first = await appendTo(io, dailyTable(), [a, b]);
    const gone = await replaceIn(io, first.metadata, [a.path], []);
    const again = replaceIn(io, gone.metadata, [a.path, b.path], [dataFile(1, [1, 20])]);
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await livePaths(io, gone.metadata)).toEqual([b.path]);
  });

  it('keeps its own removals apart from manifests that are merged', async () => {
    const io = memoryIO();
    const files = [1, 2, 3, 4].map((n) => dataFile(1, [n * 10, n * 10 + 4]));
    let metadata = dailyTable();
    for (const file of files) metadata = (await appendTo(io, metadata, [file])).metadata;
    const [first] = files;
    const result = await replaceIn(io, metadata, [first?.path ?? ''], [], { smallManifestsMax: 2 });
    expect(await livePaths(io, result.metadata)).toEqual(paths(...files.slice(1)));
    const changes = await changesOf(io, result.metadata, result.snapshot);
    expect(paths(...changes.removed)).toEqual([first?.path]);
    expect(changes.added).toEqual([]);
  });
});

describe('changes', () => {
  it('are told by snapshot, oldest first, back to an ancestor', async () => {
    const io = memoryIO();
    const [a, b, c] = [dataFile(1, [1, 10]), dataFile(1, [11, 20]), dataFile(2, [1, 20])];
    const first = await appendTo(io, dailyTable(), [a]);
    const second = await appendTo(io, first.metadata, [b]);
    const third = await replaceIn(io, second.metadata, [a.path, b.path], [c]);
    const { metadata } = third;
    const since = snapshotsSince(metadata, first.snapshot['snapshot-id']) ?? [];
    expect(since).toEqual([second.snapshot, third.snapshot]);
    const changes = await Promise.all(since.map((snapshot) => changesOf(io, metadata, snapshot)));
    expect(changes.map(({ added, removed }) => [paths(...added), paths(...removed)])).toEqual([
      [[b.path], []],
      [[c.path], paths(a, b)],
    ]);
    expect(snapshotsSince(metadata, third.snapshot['snapshot-id'])).toEqual([]);
    expect(snapshotsSince(metadata, null)).toHaveLength(3);
  });

  it('cannot be told since a snapshot that was rolled back or has expired', async () => {
    const io = memoryIO();
    const first = await appendTo(io, dailyTable(), [dataFile(1, [1, 10])]);
    const second = await appendTo(io, first.metadata, [dataFile(1, [11, 20])]);
    const back = applyUpdates(
      second.metadata,
      [
        {
          action: 'set-snapshot-ref',
          'ref-name': 'main',
          type: 'branch',
          'snapshot-id': first.snapshot['snapshot-id'],
        },
      ],
      4_000,
    );
    expect(snapshotsSince(back, second.snapshot['snapshot-id'])).toBeUndefined();
    const third = await appendTo(io, second.metadata, [dataFile(1, [21, 30])], { maxSnapshots: 1 });
    expect(snapshotsSince(third.metadata, first.snapshot['snapshot-id'])).toBeUndefined();
    expect(snapshotsSince(third.metadata, null)).toBeUndefined();
  });
});

describe('expiry', () => {
  it('drops what is old and unnamed, but never the newest', async () => {
    const io = memoryIO();
    let metadata = dailyTable();
    const ids: unknown[] = [];
    for (const timestampMs of [2_000, 3_000, 4_000, 5_000]) {
      const appended = await appendTo(io, metadata, [dataFile(1, [1, 10])], { timestampMs });
      metadata = appended.metadata;
      ids.push(appended.snapshot['snapshot-id']);
    }
    const kept = (options: { olderThanMs: number; keepLast: number }, of = metadata): unknown[] =>
      expireSnapshots(of, options).metadata.snapshots.map((snapshot) => snapshot['snapshot-id']);
    expect(kept({ olderThanMs: 4_000, keepLast: 1 })).toEqual(ids.slice(2));
    expect(kept({ olderThanMs: 9_000, keepLast: 1 })).toEqual(ids.slice(3));
    expect(kept({ olderThanMs: 9_000, keepLast: 3 })).toEqual(ids.slice(1));
    const tagged = applyUpdates(
      metadata,
      [
        {
          action: 'set-snapshot-ref',
          'ref-name': 'before',
          type: 'tag',
          'snapshot-id': metadata.snapshots[0]?.['snapshot-id'] ?? 0,
        },
      ],
      5_000,
    );
    expect(kept({ olderThanMs: 9_000, keepLast: 1 }, tagged)).toEqual([ids[0], ids[3]]);
  });

  it('gives up exactly the files that no kept snapshot reaches', async () => {
    const io = memoryIO();
    const [a, b, c, d] = [
      dataFile(1, [1, 10]),
      dataFile(1, [11, 20]),
      dataFile(1, [1, 20]),
      dataFile(2, [1, 5]),
    ];
    const first = await appendTo(io, dailyTable(), [a, b]);
    const second = await appendTo(io, first.metadata, [d]);
    const third = await replaceIn(io, second.metadata, [a.path, b.path], [c], { operation: 'replace' });
    const { metadata, retired } = expireSnapshots(third.metadata, { olderThanMs: 9_000, keepLast: 1 });
    const gone = await unreachableFiles(io, metadata, retired);
    expect(gone.filter((path) => path.endsWith('.parquet')).toSorted()).toEqual(paths(a, b));
    for (const path of gone) io.files.delete(path);
    expect(await livePaths(io, metadata)).toEqual(paths(c, d));
    // A manifest is gone for each of the two files' and both old lists; the manifest of d is still in use.
    expect(gone).toHaveLength(2 + 1 + 2);
  });
});
