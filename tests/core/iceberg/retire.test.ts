import { describe, expect, it } from 'vitest';
import { rollbackTo, setBranch, setTag } from '#core/iceberg/refs.ts';
import { expireSnapshots, retireSnapshots } from '#core/iceberg/retire.ts';
import type { FileIO, Long, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile } from './table.ts';

/** A table with an append at each of these times. */
async function history(
  io: FileIO,
  times: readonly number[],
): Promise<{ metadata: TableMetadata; ids: Long[] }> {
  let metadata = dailyTable();
  for (const timestampMs of times) {
    ({ metadata } = await appendTo(io, metadata, [dataFile(1, [1, 10])], { timestampMs }));
  }
  return { metadata, ids: idsOf(metadata) };
}

function idsOf(metadata: TableMetadata): Long[] {
  return metadata.snapshots.map((snapshot) => snapshot['snapshot-id']);
}

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
      expireSnapshots(of, { ...options, nowMs: 10_000 }).metadata.snapshots.map(
        (snapshot) => snapshot['snapshot-id'],
      );
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

  it('keeps what a branch claims by count or age, and drops refs past their own age', async () => {
    const io = memoryIO();
    const { metadata, ids } = await history(io, [2_000, 3_000, 4_000, 5_000, 6_000]);
    const [a, b, c] = ids;
    const updates = [
      setBranch(metadata, 'counted', c ?? 0, { minSnapshotsToKeep: 2 }),
      setTag(metadata, 'passing', a ?? 0, { maxRefAgeMs: 5_000 }),
    ];
    const named = applyUpdates(metadata, updates, 6_000);
    const strict = { olderThanMs: 9_000, keepLast: 1 };
    const young = expireSnapshots(named, { ...strict, nowMs: 7_000 });
    expect(idsOf(young.metadata)).toEqual([a, b, c, ids[4]]);
    const { metadata: later, updates: applied } = expireSnapshots(named, { ...strict, nowMs: 7_001 });
    expect(idsOf(later)).toEqual([b, c, ids[4]]);
    expect(Object.keys(later.refs)).toEqual(['main', 'counted']);
    expect(applyUpdates(named, applied, 6_000)).toEqual(later);
    const aged = applyUpdates(
      metadata,
      [setBranch(metadata, 'aged', c ?? 0, { maxSnapshotAgeMs: 5_000 })],
      6_000,
    );
    expect(idsOf(expireSnapshots(aged, { ...strict, nowMs: 8_000 }).metadata)).toEqual([b, c, ids[4]]);
  });

  it('drops snapshots that were rolled back by their age, not their number', async () => {
    const io = memoryIO();
    const { metadata, ids } = await history(io, [2_000, 3_000, 4_000]);
    const back = applyUpdates(metadata, [rollbackTo(metadata, ids[0] ?? 0)], 5_000);
    const left = (olderThanMs: number): unknown[] =>
      idsOf(expireSnapshots(back, { olderThanMs, keepLast: 10, nowMs: 9_000 }).metadata);
    expect(left(4_000)).toEqual([ids[0], ids[2]]);
    expect(left(5_000)).toEqual([ids[0]]);
  });

  it('by number spares what a branch claims', async () => {
    const io = memoryIO();
    const { metadata, ids } = await history(io, [2_000, 3_000, 4_000, 5_000]);
    const claimed = applyUpdates(
      metadata,
      [setBranch(metadata, 'old', ids[1] ?? 0, { minSnapshotsToKeep: 2 })],
      5_000,
    );
    expect(idsOf(retireSnapshots(claimed, 1, 9_000).metadata)).toEqual([ids[0], ids[1], ids[3]]);
    expect(idsOf(retireSnapshots(metadata, 2, 9_000).metadata)).toEqual(ids.slice(2));
  });

  it('never drops main, whatever age it is given', async () => {
    const { metadata, ids } = await history(memoryIO(), [2_000, 3_000]);
    const main = { type: 'branch' as const, 'snapshot-id': ids[1] ?? 0, 'max-ref-age-ms': 1 };
    const expired = expireSnapshots(
      { ...metadata, refs: { main } },
      { olderThanMs: 9_000, keepLast: 1, nowMs: 9_000 },
    );
    expect(expired.metadata.refs).toEqual({ main });
    expect(expired.metadata['current-snapshot-id']).toBe(ids[1]);
  });

  it('takes the statistics of a snapshot along', async () => {
    const io = memoryIO();
    const { metadata, ids } = await history(io, [2_000, 3_000]);
    const statistics = ids.map((id) => ({ 'snapshot-id': id, 'statistics-path': `memory:${id}.stats` }));
    const expired = expireSnapshots(
      { ...metadata, statistics },
      { olderThanMs: 9_000, keepLast: 1, nowMs: 9_000 },
    );
    expect(expired.metadata.statistics).toEqual(statistics.slice(1));
    expect(expired.metadata).not.toHaveProperty('partition-statistics');
  });
});
