import { expect, test } from 'vitest';
import { newTableMetadata } from '#core/iceberg/metadata.ts';
import type { Snapshot, TableMetadata } from '#core/iceberg/types.ts';
import { snapshotAsOf } from '#core/lake/as-of.ts';

const [first, second] = [1_111_111, 2_222_222];
const at = (text: string): number => Date.parse(text);

function tableWith(...snapshots: { id: number; parent?: number; at: string }[]): TableMetadata {
  const metadata = newTableMetadata({
    location: 'file:///t',
    schema: { fields: [{ id: 1, name: 'id', type: 'long', required: true }] },
    partitionSpec: { fields: [] },
    sortOrder: { fields: [] },
  });
  return {
    ...metadata,
    snapshots: snapshots.map(({ id, parent, at: time }): Snapshot => ({
      'snapshot-id': id,
      ...(parent === undefined ? {} : { 'parent-snapshot-id': parent }),
      'sequence-number': 1,
      'timestamp-ms': at(time),
      'manifest-list': 'file:///t/list',
      summary: { operation: 'append' },
      'schema-id': 0,
    })),
    'snapshot-log': snapshots.map(({ id, at: time }) => ({ 'snapshot-id': id, 'timestamp-ms': at(time) })),
    refs: {
      main: { 'snapshot-id': snapshots.at(-1)?.id ?? 0, type: 'branch' },
      before: { 'snapshot-id': snapshots[0]?.id ?? 0, type: 'tag' },
    },
  };
}

const table = tableWith(
  { id: first, at: '2026-03-01T10:00:00Z' },
  { id: second, parent: first, at: '2026-03-01T12:00:00Z' },
);

test.each([
  ['an id', String(first), first],
  ['a tag', 'before', first],
  ['a branch', 'main', second],
  ['the moment of a commit', '2026-03-01T12:00:00Z', second],
  ['a moment between commits, taken as UTC', '2026-03-01 11:59:59.999', first],
  ['a moment with its zone', '2026-03-01T13:30:00+02:00', first],
  ['a day', '2026-03-02', second],
  ['a time before the first commit', '2026-02-28', null],
  ['an unknown id', '3333333', undefined],
  ['an unknown name', 'after', undefined],
  ['an impossible time', '2026-13-45', undefined],
])('%s', (_name, asOf, snapshot) => {
  expect(snapshotAsOf(table, asOf)).toBe(snapshot);
});

test('a time whose snapshot is gone is not taken for an empty table', () => {
  const expired = tableWith({ id: second, parent: first, at: '2026-03-01T12:00:00Z' });
  expect(snapshotAsOf(expired, '2026-03-01T11:00:00Z')).toBeUndefined();
});
