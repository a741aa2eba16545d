import { describe, expect, it } from 'vitest';
import { newSnapshotId, parseMetadata, serializeMetadata } from '#core/iceberg/metadata.ts';
import type { Snapshot } from '#core/iceberg/types.ts';
import { applyUpdates, type Update } from '#core/iceberg/updates.ts';
import { dailyTable } from './table.ts';

const snapshot = (id: number | bigint, sequenceNumber: number): Snapshot => ({
  'snapshot-id': id,
  'sequence-number': sequenceNumber,
  'timestamp-ms': 5_000,
  'manifest-list': `memory:${id}.avro`,
  summary: { operation: 'append' },
});

const main = (id: number | bigint): Update => ({
  action: 'set-snapshot-ref',
  'ref-name': 'main',
  type: 'branch',
  'snapshot-id': id,
});

describe('metadata files', () => {
  it('keep ids of 63 bits and keys of other writers', () => {
    const text = serializeMetadata(
      applyUpdates(
        dailyTable(),
        [
          { action: 'add-snapshot', snapshot: snapshot(8_123_456_789_012_345_679n, 1) },
          main(8_123_456_789_012_345_679n),
        ],
        5_000,
      ),
    ).replace('{', '{"statistics":[{"snapshot-id":8123456789012345679}],');
    expect(text).toContain('"current-snapshot-id":8123456789012345679');
    expect(serializeMetadata(parseMetadata(text)).length).toBe(text.length);
    expect(parseMetadata(text)['current-snapshot-id']).toBe(8_123_456_789_012_345_679n);
    expect(parseMetadata(text)).toHaveProperty('statistics', [{ 'snapshot-id': 8_123_456_789_012_345_679n }]);
  });

  it('without refs or a current snapshot read as empty or as main', () => {
    const bare = JSON.parse(serializeMetadata(dailyTable())) as Record<string, unknown>;
    delete bare['refs'];
    delete bare['current-snapshot-id'];
    expect(parseMetadata(JSON.stringify(bare))).toMatchObject({ refs: {}, 'current-snapshot-id': -1 });
    const current = JSON.stringify({ ...bare, 'current-snapshot-id': 4 });
    expect(parseMetadata(current).refs).toEqual({ main: { type: 'branch', 'snapshot-id': 4 } });
  });

  it.each([
    ['{', 'MALFORMED'],
    ['7', 'MALFORMED'],
    ['{"format-version":2}', 'MALFORMED'],
    ['{"format-version":3}', 'UNSUPPORTED'],
  ])('like %s are refused as %s', (text, code) => {
    expect(() => parseMetadata(text)).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('get snapshot ids below 2^53', () => {
    const ids = Array.from({ length: 100 }, newSnapshotId);
    expect(ids.every((id) => Number.isSafeInteger(id) && id > 0)).toBe(true);
    expect(new Set(ids).size).toBe(100);
  });
});

describe('applyUpdates', () => {
  it('refuses a snapshot that is not newer, or there already', () => {
    const one = applyUpdates(dailyTable(), [{ action: 'add-snapshot', snapshot: snapshot(1, 4) }], 5_000);
    const add = (id: number, sequenceNumber: number) => () =>
      applyUpdates(one, [{ action: 'add-snapshot', snapshot: snapshot(id, sequenceNumber) }], 5_000);
    expect(add(2, 4)).toThrow(/sequence number 4/);
    expect(add(1, 5)).toThrow(/in the table already/);
    expect(add(2, 5)()['last-sequence-number']).toBe(5);
  });

  it('rolls main back and notes it; a snapshot that a ref names cannot be removed', () => {
    const two = applyUpdates(
      dailyTable(),
      [
        { action: 'add-snapshot', snapshot: snapshot(1, 1) },
        main(1),
        { action: 'add-snapshot', snapshot: snapshot(2, 2) },
        main(2),
      ],
      5_000,
    );
    const back = applyUpdates(two, [main(1)], 7_000);
    expect(back['current-snapshot-id']).toBe(1);
    expect(back['snapshot-log'].map((entry) => [entry['snapshot-id'], entry['timestamp-ms']])).toEqual([
      [1, 5_000],
      [2, 5_000],
      [1, 7_000],
    ]);
    expect(() => applyUpdates(back, [{ action: 'remove-snapshots', 'snapshot-ids': [1] }], 8_000)).toThrow(
      /branch main/,
    );
    const removed = applyUpdates(back, [{ action: 'remove-snapshots', 'snapshot-ids': [2] }], 8_000);
    expect(removed['snapshot-log']).toEqual([{ 'snapshot-id': 1, 'timestamp-ms': 7_000 }]);
  });

  it('evolves schema, spec, sort order and properties', () => {
    const base = dailyTable();
    const [first] = base.schemas;
    if (first === undefined) expect.fail('no schema');
    const grown = applyUpdates(
      base,
      [
        {
          action: 'add-schema',
          schema: {
            ...first,
            'schema-id': 1,
            fields: [
              ...first.fields,
              {
                id: 5,
                name: 'tags',
                required: false,
                type: { type: 'list', 'element-id': 6, element: 'string', 'element-required': true },
              },
            ],
          },
        },
        { action: 'set-current-schema', 'schema-id': -1 },
        {
          action: 'add-spec',
          spec: {
            'spec-id': 1,
            fields: [{ 'source-id': 3, 'field-id': 1001, name: 'month', transform: 'month' }],
          },
        },
        { action: 'set-default-spec', 'spec-id': -1 },
        { action: 'add-sort-order', 'sort-order': { 'order-id': 1, fields: [] } },
        { action: 'set-default-sort-order', 'sort-order-id': -1 },
        { action: 'set-properties', updates: { a: '1', b: '2' } },
        { action: 'remove-properties', removals: ['a'] },
      ],
      5_000,
    );
    expect(grown).toMatchObject({
      'current-schema-id': 1,
      'last-column-id': 6,
      'default-spec-id': 1,
      'last-partition-id': 1001,
      'default-sort-order-id': 1,
      properties: { b: '2' },
    });
    expect(grown.properties).not.toHaveProperty('a');
    expect(() => applyUpdates(base, [{ action: 'set-current-schema', 'schema-id': 9 }], 5_000)).toThrow(
      /schema 9/,
    );
  });
});
