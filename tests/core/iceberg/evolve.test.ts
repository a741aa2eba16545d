import { describe, expect, it } from 'vitest';
import { evolveSchema, type SchemaChange } from '#core/iceberg/evolve.ts';
import { newTableMetadata } from '#core/iceberg/metadata.ts';
import { currentSchema } from '#core/iceberg/schema.ts';
import type { SchemaField, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { dailyTable } from './table.ts';

function evolve(metadata: TableMetadata, ...changes: SchemaChange[]): TableMetadata {
  return applyUpdates(metadata, evolveSchema(metadata, changes), 5_000);
}

function columns(metadata: TableMetadata): unknown[] {
  return currentSchema(metadata).fields.map(({ id, name }) => [id, name]);
}

function columnOf(metadata: TableMetadata, name: string): SchemaField | undefined {
  return currentSchema(metadata).fields.find((field) => field.name === name);
}

const bare = newTableMetadata({
  location: 'memory:bare',
  schema: {
    'identifier-field-ids': [1],
    fields: [
      { id: 1, name: 'key', type: 'string', required: true },
      { id: 2, name: 'count', type: 'int', required: true },
      { id: 3, name: 'share', type: 'float', required: false },
      { id: 4, name: 'price', type: 'decimal(18, 8)', required: false },
    ],
  },
  partitionSpec: { fields: [] },
  sortOrder: {
    fields: [{ 'source-id': 2, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
  },
});

describe('evolveSchema', () => {
  it('adds columns anywhere, with ids never used before', () => {
    const grown = evolve(
      dailyTable(),
      { change: 'add', name: 'last', type: 'string', doc: 'The last.' },
      { change: 'add', name: 'first', type: 'long', to: 'first' },
      { change: 'add', name: 'middle', type: 'int', to: { after: 'id' } },
    );
    expect(columns(grown)).toEqual([
      [6, 'first'],
      [1, 'id'],
      [7, 'middle'],
      [2, 'price'],
      [3, 'day'],
      [4, 'ratio'],
      [5, 'last'],
    ]);
    expect(columnOf(grown, 'last')).toEqual({
      id: 5,
      name: 'last',
      required: false,
      type: 'string',
      doc: 'The last.',
    });
    expect(grown).toMatchObject({ 'current-schema-id': 1, 'last-column-id': 7 });
    expect(grown.schemas).toHaveLength(2);
    const again = evolve(
      grown,
      { change: 'drop', name: 'middle' },
      { change: 'add', name: 'middle', type: 'int' },
    );
    expect(columnOf(again, 'middle')?.id).toBe(8);
  });

  it('gives fields inside an added column ids of their own', () => {
    const levels = {
      type: 'list' as const,
      'element-id': 1,
      'element-required': true,
      element: {
        type: 'struct' as const,
        fields: [
          { id: 1, name: 'price', required: true, type: 'decimal(38, 18)' },
          {
            id: 2,
            name: 'tags',
            required: false,
            type: {
              type: 'map' as const,
              'key-id': 1,
              key: 'string',
              'value-id': 2,
              value: 'long',
              'value-required': true,
            },
          },
        ],
      },
    };
    const grown = evolve(dailyTable(), { change: 'add', name: 'bids', type: levels });
    expect(columnOf(grown, 'bids')).toMatchObject({
      id: 5,
      type: {
        'element-id': 6,
        element: { fields: [{ id: 7 }, { id: 8, type: { 'key-id': 9, 'value-id': 10 } }] },
      },
    });
    expect(grown['last-column-id']).toBe(10);
  });

  it('drops, renames, moves, describes and makes optional, and leaves ids alone', () => {
    const changed = evolve(
      dailyTable(),
      { change: 'drop', name: 'ratio' },
      { change: 'rename', name: 'price', newName: 'ratio' },
      { change: 'move', name: 'day', to: { before: 'id' } },
      { change: 'make-optional', name: 'id' },
      { change: 'describe', name: 'id', doc: 'Counts up.' },
    );
    expect(columns(changed)).toEqual([
      [3, 'day'],
      [1, 'id'],
      [2, 'ratio'],
    ]);
    expect(columnOf(changed, 'id')).toMatchObject({ required: false, doc: 'Counts up.' });
    expect(changed['last-column-id']).toBe(4);
  });

  it('goes back to an earlier schema that is the same, and changes nothing for nothing', () => {
    const there = evolve(dailyTable(), { change: 'rename', name: 'price', newName: 'cost' });
    const back = evolve(there, { change: 'rename', name: 'cost', newName: 'price' });
    expect(back['current-schema-id']).toBe(0);
    expect(back.schemas).toHaveLength(2);
    expect(evolveSchema(back, [])).toEqual([]);
    expect(evolveSchema(back, [{ change: 'move', name: 'id', to: 'first' }])).toEqual([]);
  });

  it.each([
    ['count', 'long'],
    ['share', 'double'],
    ['price', 'decimal(38, 8)'],
    ['price', 'decimal(18, 8)'],
  ])('widens %s to %s', (name, type) => {
    expect(columnOf(evolve(bare, { change: 'widen', name, type }), name)?.type).toBe(type);
  });

  it.each<[SchemaChange, string]>([
    [{ change: 'widen', name: 'count', type: 'string' }, 'INVALID_ARGUMENT'],
    [{ change: 'widen', name: 'price', type: 'decimal(38, 18)' }, 'INVALID_ARGUMENT'],
    [{ change: 'widen', name: 'price', type: 'decimal(17, 8)' }, 'INVALID_ARGUMENT'],
    [{ change: 'widen', name: 'price', type: 'decimal(39, 8)' }, 'INVALID_ARGUMENT'],
    [{ change: 'drop', name: 'key' }, 'INVALID_ARGUMENT'],
    [{ change: 'drop', name: 'count' }, 'INVALID_ARGUMENT'],
    [{ change: 'make-optional', name: 'key' }, 'INVALID_ARGUMENT'],
    [{ change: 'drop', name: 'nothing' }, 'NOT_FOUND'],
    [{ change: 'add', name: 'key', type: 'int' }, 'CONFLICT'],
    [{ change: 'add', name: '', type: 'int' }, 'INVALID_ARGUMENT'],
    [{ change: 'add', name: 'x', type: 'tinyint' }, 'UNSUPPORTED'],
    [{ change: 'rename', name: 'count', newName: 'key' }, 'CONFLICT'],
    [{ change: 'move', name: 'key', to: { after: 'key' } }, 'NOT_FOUND'],
  ])('refuses %o as %s', (change, code) => {
    expect(() => evolveSchema(bare, [change])).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('keeps the columns that partition the table, also by a spec of the past', () => {
    const table = applyUpdates(
      dailyTable(),
      [
        { action: 'add-spec', spec: { 'spec-id': 1, fields: [] } },
        { action: 'set-default-spec', 'spec-id': -1 },
      ],
      5_000,
    );
    expect(() => evolveSchema(table, [{ change: 'drop', name: 'day' }])).toThrow(/day partitions the table/);
  });
});
