import { describe, expect, it } from 'vitest';
import { deletedPathFieldId, deletesByFile } from '#core/iceberg/deletes.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { FileEntry, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile, deleteFile, deleteFrom } from './table.ts';

/** A data file of day 1 at sequence number 5, in a table that has an unpartitioned spec beside the daily one. */
async function table(): Promise<{ metadata: TableMetadata; data: FileEntry }> {
  const io = memoryIO();
  const evolved = applyUpdates(
    dailyTable(),
    [
      { action: 'add-spec', spec: { 'spec-id': 1, fields: [] } },
      {
        action: 'add-spec',
        spec: {
          'spec-id': 2,
          fields: [{ 'source-id': 3, 'field-id': 1000, name: 'day', transform: 'void' }],
        },
      },
    ],
    1_000,
  );
  const { metadata } = await appendTo(io, evolved, [dataFile(1, [1, 10])]);
  const [file] = (await planScan({ io, metadata })).files;
  return { metadata, data: { ...(file ?? expect.fail('no file')), sequenceNumber: 5 } };
}

describe('deletesByFile', () => {
  it.each<[string, (data: FileEntry) => Partial<FileEntry>, boolean]>([
    ['positions of the same commit', () => ({ sequenceNumber: 5 }), true],
    ['positions of an older commit', () => ({ sequenceNumber: 4 }), false],
    ['positions in another partition', () => ({ sequenceNumber: 6, partition: { day: 2 } }), false],
    ['positions in another spec', () => ({ sequenceNumber: 6, specId: 1, partition: {} }), false],
    ['positions of this file', ({ path }) => ({ sequenceNumber: 6, referencedDataFile: path }), true],
    ['positions of one other file', () => ({ sequenceNumber: 6, referencedDataFile: 'memory:x' }), false],
    ['positions of paths around it', () => pathBounds('memory:a', 'memory:z'), true],
    ['positions of paths before it', () => pathBounds('memory:a', 'memory:b'), false],
    ['positions of paths after it', () => pathBounds('memory:u', 'memory:z'), false],
    ['equality, newer', () => equality({ sequenceNumber: 6 }), true],
    ['equality of the same commit', () => equality({ sequenceNumber: 5 }), false],
    ['equality in another partition', () => equality({ sequenceNumber: 6, partition: { day: 2 } }), false],
    ['equality for the whole table', () => equality({ sequenceNumber: 6, specId: 1, partition: {} }), true],
    [
      'equality for the whole table, by void',
      () => equality({ sequenceNumber: 6, specId: 2, partition: { day: null } }),
      true,
    ],
    ['equality, of 63 bits', () => equality({ sequenceNumber: 9_007_199_254_740_993n }), true],
  ])('%s', async (_name, deletes, applies) => {
    const { metadata, data } = await table();
    const file = deleteFile(data, deletes(data));
    expect(deletesByFile(metadata, [file])(data)).toEqual(applies ? [file] : []);
  });

  it('works on the plan of a scan, whose filter spares what may concern its files', async () => {
    const io = memoryIO();
    const first = await appendTo(io, dailyTable(), [dataFile(1, [1, 10]), dataFile(2, [1, 10])]);
    const files = (await planScan({ io, metadata: first.metadata })).files;
    const deletes = files.map((file) => deleteFile(file));
    const { metadata } = await deleteFrom(io, first.metadata, deletes);
    const later = await appendTo(io, metadata, [dataFile(2, [11, 20])]);
    const plan = await planScan({
      io,
      metadata: later.metadata,
      filter: [{ column: 'day', op: '=', value: 2 }],
    });
    const deletesOf = deletesByFile(later.metadata, plan.deleteFiles);
    expect(plan.files.map((file) => [file.sequenceNumber, deletesOf(file).map(({ path }) => path)])).toEqual([
      [3, []],
      [1, [deletes[files.findIndex((file) => file.partition['day'] === 2)]?.path]],
    ]);
  });
});

function pathBounds(low: string, high: string): Partial<FileEntry> {
  const bound = (text: string): Map<number, Uint8Array> =>
    new Map([[deletedPathFieldId, new TextEncoder().encode(text)]]);
  return { sequenceNumber: 6, lowerBounds: bound(low), upperBounds: bound(high) };
}

function equality(entry: Partial<FileEntry>): Partial<FileEntry> {
  return { content: 'equality-deletes', equalityIds: [1], ...entry };
}
