import { describe, expect, it } from 'vitest';
import type { AppendResult } from '#core/iceberg/append.ts';
import { changesOf, historyFrom, snapshotsSince } from '#core/iceberg/changes.ts';
import { rollbackTo } from '#core/iceberg/refs.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { Long } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile, deleteFile, deleteFrom, paths, replaceIn } from './table.ts';

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

  it('lead back to the ancestor that was rolled back to, and forward from there', async () => {
    const io = memoryIO();
    const first = await appendTo(io, dailyTable(), [dataFile(1, [1, 10])]);
    const second = await appendTo(io, first.metadata, [dataFile(1, [11, 20])]);
    const third = await appendTo(io, second.metadata, [dataFile(1, [21, 30])]);
    const id = (result: AppendResult): Long => result.snapshot['snapshot-id'];
    const back = applyUpdates(third.metadata, [rollbackTo(third.metadata, id(first))], 4_000);
    expect(historyFrom(back, id(third))).toEqual({ undone: [third.snapshot, second.snapshot], done: [] });
    const { metadata, snapshot } = await appendTo(io, back, [dataFile(2, [1, 5])]);
    expect(historyFrom(metadata, id(third))).toEqual({
      undone: [third.snapshot, second.snapshot],
      done: [snapshot],
    });
    expect(snapshotsSince(metadata, id(first))).toEqual([snapshot]);
    // Without the snapshot that was undone, what is known of it is gone.
    const forgotten = applyUpdates(
      metadata,
      [{ action: 'remove-snapshots', 'snapshot-ids': [id(third)] }],
      5_000,
    );
    expect(historyFrom(forgotten, id(third))).toBeUndefined();
    expect(historyFrom(forgotten, id(second))).toEqual({ undone: [second.snapshot], done: [snapshot] });
  });

  it('can be told since an ancestor that has expired, if none after it has', async () => {
    const io = memoryIO();
    const first = await appendTo(io, dailyTable(), [dataFile(1, [1, 10])]);
    const second = await appendTo(io, first.metadata, [dataFile(1, [11, 20])], { maxSnapshots: 1 });
    expect(second.metadata.snapshots).toHaveLength(1);
    expect(snapshotsSince(second.metadata, first.snapshot['snapshot-id'])).toEqual([second.snapshot]);
    expect(snapshotsSince(dailyTable(), null)).toEqual([]);
  });

  it('tell of delete files, apart from data', async () => {
    const io = memoryIO();
    const first = await appendTo(io, dailyTable(), [dataFile(1, [1, 10])]);
    const [file] = (await planScan({ io, metadata: first.metadata })).files;
    const deletes = deleteFile(file ?? expect.fail('no file'));
    const { metadata, snapshot } = await deleteFrom(io, first.metadata, [deletes]);
    const changes = await changesOf(io, metadata, snapshot);
    expect([changes.added, changes.removed, changes.removedDeletes]).toEqual([[], [], []]);
    expect(paths(...changes.addedDeletes)).toEqual([deletes.path]);
  });
});
