import { describe, expect, it } from 'vitest';
import { dropRef, resolveRef, rollbackTo, setBranch, setTag } from '#core/iceberg/refs.ts';
import type { Long, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates, type Update } from '#core/iceberg/updates.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile } from './table.ts';

async function threeAppends(): Promise<{ metadata: TableMetadata; ids: [Long, Long, Long] }> {
  const io = memoryIO();
  let metadata = dailyTable();
  for (const timestampMs of [2_000, 3_000, 4_000]) {
    ({ metadata } = await appendTo(io, metadata, [dataFile(1, [1, 10])], { timestampMs }));
  }
  const [a = 0, b = 0, c = 0] = metadata.snapshots.map((snapshot) => snapshot['snapshot-id']);
  return { metadata, ids: [a, b, c] };
}

function apply(metadata: TableMetadata, ...updates: Update[]): TableMetadata {
  return applyUpdates(metadata, updates, 5_000);
}

describe('tags and branches', () => {
  it('are created, moved if that is said, and dropped', async () => {
    const { metadata, ids } = await threeAppends();
    const tagged = apply(metadata, setTag(metadata, 'before', ids[0]));
    expect(tagged.refs['before']).toEqual({ type: 'tag', 'snapshot-id': ids[0] });
    expect(() => setTag(tagged, 'before', ids[1])).toThrow(/tag before/);
    const moved = apply(tagged, setTag(tagged, 'before', ids[1], { replace: true, maxRefAgeMs: 9 }));
    expect(moved.refs['before']).toEqual({ type: 'tag', 'snapshot-id': ids[1], 'max-ref-age-ms': 9 });
    expect(() => setBranch(moved, 'before', ids[1], { replace: true })).toThrow(/tag before/);
    expect(apply(moved, dropRef(moved, 'before')).refs).toEqual(metadata.refs);
    const options = { minSnapshotsToKeep: 3, maxSnapshotAgeMs: 7 };
    expect(apply(metadata, setBranch(metadata, 'audit', ids[1], options)).refs['audit']).toEqual({
      type: 'branch',
      'snapshot-id': ids[1],
      'min-snapshots-to-keep': 3,
      'max-snapshot-age-ms': 7,
    });
    expect(metadata['current-snapshot-id']).toBe(ids[2]);
  });

  it('refuse main, unknown names and unknown snapshots', async () => {
    const { metadata, ids } = await threeAppends();
    expect(() => setTag(metadata, 'main', ids[0])).toThrow(/main/);
    expect(() => dropRef(metadata, 'main')).toThrow(/main/);
    expect(() => dropRef(metadata, 'constructor')).toThrow(/no tag or branch constructor/);
    expect(() => setTag(metadata, 'x', 7)).toThrow(/snapshot 7/);
  });
});

describe('rollbackTo', () => {
  it('sets main to an ancestor and keeps what main says of expiry', async () => {
    const { metadata, ids } = await threeAppends();
    const main = { type: 'branch' as const, 'snapshot-id': ids[2], 'min-snapshots-to-keep': 5 };
    const base = { ...metadata, refs: { main } };
    const back = apply(base, rollbackTo(base, ids[0]));
    expect(back['current-snapshot-id']).toBe(ids[0]);
    expect(back.refs).toEqual({ main: { ...main, 'snapshot-id': ids[0] } });
    expect(back['last-sequence-number']).toBe(3);
    expect(() => rollbackTo(back, ids[1])).toThrow(/not an ancestor/);
    expect(() => rollbackTo(back, 7)).toThrow(/snapshot 7/);
  });
});

describe('resolveRef', () => {
  it('finds by id, name and time, across a rollback', async () => {
    const { metadata, ids } = await threeAppends();
    const back = apply(metadata, rollbackTo(metadata, ids[0]), setTag(metadata, 'undone', ids[2]));
    const idOf = (...target: Parameters<typeof resolveRef>): unknown =>
      resolveRef(...target)?.['snapshot-id'];
    expect(idOf(back, { snapshotId: ids[1] })).toBe(ids[1]);
    expect(idOf(back, { name: 'undone' })).toBe(ids[2]);
    expect(idOf(back, { name: 'main' })).toBe(ids[0]);
    expect([1_999, 2_000, 3_500, 4_999, 5_000].map((atMs) => idOf(back, { atMs }))).toEqual([
      undefined,
      ids[0],
      ids[1],
      ids[2],
      ids[0],
    ]);
    expect(resolveRef(dailyTable(), { atMs: 9_000 })).toBeUndefined();
  });

  it('does not take expired history for an empty table', async () => {
    const { metadata, ids } = await threeAppends();
    const expired = apply(metadata, { action: 'remove-snapshots', 'snapshot-ids': [ids[0], ids[1]] });
    expect(() => resolveRef(expired, { atMs: 3_500 })).toThrow(
      /does not reach back to 1970-01-01T00:00:03.500Z/,
    );
    expect(() => resolveRef(expired, { snapshotId: ids[0] })).toThrow(/not in the table's metadata/);
    expect(() => resolveRef(expired, { name: 'nobody' })).toThrow(/no tag or branch nobody/);
  });
});
