import { describe, expect, it } from 'vitest';
import { changesOf } from '#core/iceberg/changes.ts';
import { deletesByFile } from '#core/iceberg/deletes.ts';
import { readManifestList } from '#core/iceberg/manifest-list.ts';
import type { ReplaceResult } from '#core/iceberg/replace.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { DataFile } from '#core/iceberg/types.ts';
import { memoryIO } from './file-io.ts';
import {
  appendTo,
  dailyTable,
  dataFile,
  deleteFile,
  deleteFrom,
  livePaths,
  paths,
  replaceIn,
} from './table.ts';

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

  it('says append where nothing is removed, and refuses to do nothing', async () => {
    const io = memoryIO();
    const { snapshot, metadata } = await replaceIn(io, dailyTable(), [], [dataFile(1, [1, 10])]);
    expect(snapshot.summary).toMatchObject({ operation: 'append', 'total-records': '10' });
    expect(snapshot.summary).not.toHaveProperty('deleted-records');
    await expect(replaceIn(io, metadata, [], [])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('lets a compaction change no row', async () => {
    const io = memoryIO();
    const file = dataFile(1, [1, 10]);
    const { metadata } = await appendTo(io, dailyTable(), [file]);
    const compact = (add: DataFile): Promise<ReplaceResult> =>
      replaceIn(io, metadata, [file.path], [add], { operation: 'replace' });
    await expect(compact(dataFile(1, [1, 9]))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await compact(dataFile(1, [1, 10]))).snapshot.summary).toMatchObject({ operation: 'replace' });
  });

  it('leaves manifests of other partitions unread and as they are', async () => {
    const io = memoryIO();
    let metadata = dailyTable();
    for (const day of [1, 2, 3]) {
      ({ metadata } = await appendTo(io, metadata, [dataFile(day, [1, 5]), dataFile(day, [6, 9])]));
    }
    const before = await readManifestList(io, metadata.snapshots[2] ?? expect.fail('no snapshot'));
    const [target] = (await planScan({ io, metadata, filter: [{ column: 'day', op: '=', value: 2 }] })).files;
    io.reads.length = 0;
    const result = await replaceIn(io, metadata, [target ?? expect.fail('no file')], []);
    // The manifest list and the manifest of that day.
    expect(io.reads).toHaveLength(2);
    const after = await readManifestList(io, result.snapshot);
    expect(after.slice(1).map(({ path }) => path)).toEqual([before[0]?.path, before[2]?.path]);
    expect(after[0]).toMatchObject({ existingFiles: 1, deletedFiles: 1, addedFiles: 0, sequenceNumber: 4 });
    expect(result.written).toEqual([result.snapshot['manifest-list'], after[0]?.path]);
  });

  it('drops manifests that tell of nothing but earlier removals', async () => {
    const io = memoryIO();
    const [a, b] = [dataFile(1, [1, 10]), dataFile(2, [1, 10])];
    const first = await appendTo(io, (await appendTo(io, dailyTable(), [a])).metadata, [b]);
    const removed = await replaceIn(io, first.metadata, [a.path], []);
    expect((await readManifestList(io, removed.snapshot)).map(({ deletedFiles }) => deletedFiles)).toEqual([
      1, 0,
    ]);
    const next = await appendTo(io, removed.metadata, [dataFile(3, [1, 10])]);
    expect((await readManifestList(io, next.snapshot)).map(({ addedFiles }) => addedFiles)).toEqual([1, 1]);
    expect(await livePaths(io, next.metadata)).toHaveLength(2);
  });

  it('replaces files under delete files only if these were applied, all of them', async () => {
    const io = memoryIO();
    const [a, b] = [dataFile(1, [1, 10]), dataFile(2, [1, 10])];
    const first = await appendTo(io, dailyTable(), [a, b]);
    const entries = new Map(
      (await planScan({ io, metadata: first.metadata })).files.map((file) => [file.path, file]),
    );
    const deletes = deleteFile(entries.get(a.path) ?? expect.fail('no file'));
    const { metadata } = await deleteFrom(io, first.metadata, [deletes]);
    const replace = (of: DataFile, add: DataFile[], appliedDeletes?: string[]): Promise<ReplaceResult> =>
      replaceIn(io, metadata, [of.path], add, {
        operation: 'replace',
        ...(appliedDeletes === undefined ? {} : { appliedDeletes }),
      });
    await expect(replace(a, [dataFile(1, [1, 10])])).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(replace(a, [dataFile(1, [1, 10])], [])).rejects.toMatchObject({ code: 'CONFLICT' });
    const compacted = await replace(a, [dataFile(1, [2, 10])], [deletes.path]);
    // The delete file stays listed, but reaches no file any more.
    const plan = await planScan({ io, metadata: compacted.metadata });
    expect(paths(...plan.deleteFiles)).toEqual([deletes.path]);
    expect(plan.files.flatMap(deletesByFile(compacted.metadata, plan.deleteFiles))).toEqual([]);
    // Other files, and files that go for good, are not concerned.
    await expect(replace(b, [dataFile(2, [1, 10])])).resolves.toBeDefined();
    await expect(replace(a, [])).resolves.toBeDefined();
  });
});
