import { describe, expect, it } from 'vitest';
import { evolveSchema } from '#core/iceberg/evolve.ts';
import { projectColumns, type FileColumn } from '#core/iceberg/project.ts';
import { currentSchema, schemaById } from '#core/iceberg/schema.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { dailyTable } from './table.ts';

const base = dailyTable();
const evolved = applyUpdates(
  base,
  evolveSchema(base, [
    { change: 'drop', name: 'ratio' },
    { change: 'rename', name: 'price', newName: 'ratio' },
    { change: 'add', name: 'price', type: 'double' },
  ]),
  5_000,
);
const file = { path: 'memory:old.parquet', specId: 0, partition: { day: 7 } };
const oldColumns: FileColumn[] = currentSchema(base).fields.map(({ id, name }) => ({ id, name }));

function sources(columns: readonly FileColumn[], metadata = evolved): unknown {
  return Object.fromEntries(
    projectColumns(metadata, currentSchema(metadata), file, columns).map((source) => [
      source.field.name,
      source.from === 'column' ? source.name : source.from === 'constant' ? source.value : null,
    ]),
  );
}

describe('projectColumns', () => {
  it('finds columns by field id, whatever they were called', () => {
    expect(sources(oldColumns)).toEqual({ id: 'id', ratio: 'price', day: 'day', price: null });
    const then = projectColumns(evolved, schemaById(evolved, 0), file, oldColumns);
    expect(then.map((source) => source.from === 'column' && source.name)).toEqual([
      'id',
      'price',
      'day',
      'ratio',
    ]);
  });

  it('takes the value of the partition where a file leaves its column out', () => {
    const columns = oldColumns.filter(({ name }) => name !== 'day');
    expect(sources(columns)).toMatchObject({ day: 7 });
  });

  it('refuses a file without a required column', () => {
    const columns = oldColumns.filter(({ name }) => name !== 'id');
    expect(() => sources(columns)).toThrow(/lacks the required column id \(field id 1\)/);
  });

  it("reads files without field ids by the table's name mapping, or refuses them", () => {
    const columns = ['id', 'cost', 'day', 'more'].map((name) => ({ id: null, name }));
    expect(() => sources(columns)).toThrow(/no field ids/);
    const mapping = JSON.stringify([
      { 'field-id': 1, names: ['id'] },
      { 'field-id': 2, names: ['price', 'cost'] },
      { names: ['more'] },
    ]);
    const mapped = { ...evolved, properties: { 'schema.name-mapping.default': mapping } };
    expect(sources(columns, mapped)).toEqual({ id: 'id', ratio: 'cost', day: 7, price: null });
  });
});
