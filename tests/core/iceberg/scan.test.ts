import { describe, expect, it } from 'vitest';
import { createFormatCache } from '#core/iceberg/cache.ts';
import { writeEntries } from '#core/iceberg/manifest.ts';
import { readManifestList, writeManifestList } from '#core/iceberg/manifest-list.ts';
import { specById } from '#core/iceberg/partition.ts';
import { planScan, type ScanFilter } from '#core/iceberg/scan.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile } from './table.ts';

describe('planScan', () => {
  it('finds nothing in a table without a snapshot', async () => {
    const io = memoryIO();
    expect(await planScan({ io, metadata: dailyTable() })).toEqual({
      snapshot: undefined,
      files: [],
      deleteFiles: [],
    });
  });

  it.each<[ScanFilter, number[]]>([
    [[], [0, 10, 20]],
    [[{ column: 'day', op: '=', value: 2 }], [10]],
    [[{ column: 'day', op: '=', value: '1970-01-03' }], [10]],
    [[{ column: 'day', op: 'in', value: [1, 3] }], [0, 20]],
    [[{ column: 'id', op: '>', value: 19 }], [20]],
    [[{ column: 'id', op: '>=', value: 19n }], [10, 20]],
    [[{ column: 'id', op: '<', value: 10 }], [0]],
    [[{ column: 'id', op: '<=', value: 10 }], [0, 10]],
    [[{ column: 'id', op: '=', value: 30 }], []],
    [
      [
        { column: 'day', op: '>=', value: 2 },
        { column: 'id', op: '<', value: 15 },
      ],
      [10],
    ],
    // No bounds and no counts: any value is possible.
    [[{ column: 'price', op: '>', value: '1.5' }], [0, 10, 20]],
  ])('prunes by filter %#', async (filter, lows) => {
    const io = memoryIO();
    const files = [dataFile(1, [0, 9]), dataFile(2, [10, 19]), dataFile(3, [20, 29])];
    const { metadata } = await appendTo(io, dailyTable(), files);
    const plan = await planScan({ io, metadata, filter });
    expect(plan.files.map((file) => file.lowerBounds.get(1)?.[0])).toEqual(lows);
  });

  it('does not read a manifest whose partitions cannot match, nor a cached one twice', async () => {
    const io = memoryIO();
    let { metadata } = await appendTo(io, dailyTable(), [dataFile(1, [0, 9])]);
    ({ metadata } = await appendTo(io, metadata, [dataFile(5, [0, 9])]));
    const cache = createFormatCache();
    io.reads.length = 0;
    const filter: ScanFilter = [{ column: 'day', op: '<', value: 5 }];
    expect((await planScan({ io, metadata, filter, cache })).files).toHaveLength(1);
    expect(io.reads).toHaveLength(2);
    await planScan({ io, metadata, filter, cache });
    expect(io.reads).toHaveLength(2);
  });

  it('keeps files that may hold NaN, which has no bounds, and drops those of only nulls', async () => {
    const io = memoryIO();
    const file = {
      ...dataFile(1, [0, 9]),
      lowerBounds: new Map([[4, 0.5]]),
      upperBounds: new Map([[4, 1.5]]),
    };
    const nulls = {
      ...dataFile(1, [0, 9]),
      valueCounts: new Map([[4, 10]]),
      nullValueCounts: new Map([[4, 10]]),
    };
    const { metadata } = await appendTo(io, dailyTable(), [file, nulls]);
    const planned = async (op: '<' | '>', value: number): Promise<string[]> =>
      (await planScan({ io, metadata, filter: [{ column: 'ratio', op, value }] })).files.map(
        ({ path }) => path,
      );
    expect(await planned('>', 2)).toEqual([file.path]);
    expect(await planned('<', 0.5)).toEqual([]);
  });

  it('lists delete files, for the caller to apply or refuse', async () => {
    const io = memoryIO();
    const { metadata, snapshot } = await appendTo(io, dailyTable(), [dataFile(1, [0, 9])]);
    const [data] = (await planScan({ io, metadata })).files;
    if (data === undefined) expect.fail('no file');
    const deletes = {
      ...data,
      content: 'position-deletes' as const,
      path: 'memory:deletes.parquet',
      status: 'added' as const,
    };
    const manifest = await writeEntries(io, metadata, specById(metadata, 0), [deletes], {
      location: 'memory:deletes.avro',
      snapshotId: snapshot['snapshot-id'],
      content: 'deletes',
    });
    const manifests = [...(await readManifestList(io, snapshot)), manifest];
    await writeManifestList(io, 'memory:list.avro', { snapshotId: 1, sequenceNumber: 2 }, manifests);
    const withDeletes = { ...metadata, snapshots: [{ ...snapshot, 'manifest-list': 'memory:list.avro' }] };
    const plan = await planScan({ io, metadata: withDeletes });
    expect(plan.files.map(({ path }) => path)).toEqual([data.path]);
    expect(plan.deleteFiles.map(({ path, content }) => [path, content])).toEqual([
      ['memory:deletes.parquet', 'position-deletes'],
    ]);
  });

  it('refuses a column or a snapshot that is not there', async () => {
    const io = memoryIO();
    const { metadata } = await appendTo(io, dailyTable(), [dataFile(1, [0, 9])]);
    const filter: ScanFilter = [{ column: 'colour', op: '=', value: 'red' }];
    await expect(planScan({ io, metadata, filter })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(planScan({ io, metadata, snapshotId: 7 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
