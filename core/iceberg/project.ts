/** Reading files under a schema that is not theirs (https://iceberg.apache.org/spec/#column-projection). */
import { IcebergError } from './errors.ts';
import { parseJson } from './json.ts';
import { specById } from './partition.ts';
import type { FileEntry, Schema, SchemaField, TableMetadata, Value } from './types.ts';

/** A top-level column as a Parquet file has it; without a field id if its writer gave none. */
export interface FileColumn {
  id: number | null;
  name: string;
}

/** Where the values of one of the schema's columns are found. */
export type ColumnSource = { field: SchemaField } & (
  | { from: 'column'; name: string }
  /** The file lies in the partition of this one value. */
  | { from: 'constant'; value: Value }
  /** The file was written before the column was added. */
  | { from: 'null' }
);

/**
 * Where each column of a schema is found in a file: by field id, whatever its name and place there. Columns of the file
 * that the schema lacks are not to be read: they were dropped, and one of the same name in the schema is another. The
 * type in the file may be narrower than the field's: cast it.
 *
 * Where the file has no field ids at all, the table's name mapping gives them, as for files that other engines took in.
 *
 * @param columns the file's own columns, as its footer has them.
 * @throws UNSUPPORTED for a file without ids in a table without name mapping, MALFORMED for one that lacks a required
 *   column.
 */
export function projectColumns(
  metadata: TableMetadata,
  schema: Schema,
  file: Pick<FileEntry, 'path' | 'specId' | 'partition'>,
  columns: readonly FileColumn[],
): ColumnSource[] {
  const names = namesById(metadata, file.path, columns);
  const constants = partitionConstants(metadata, file);
  return schema.fields.map((field): ColumnSource => {
    const name = names.get(field.id);
    if (name !== undefined) return { field, from: 'column', name };
    const value = constants.get(field.id);
    if (value !== undefined) return { field, from: 'constant', value };
    if (!field.required) return { field, from: 'null' };
    throw new IcebergError(
      'MALFORMED',
      `${file.path} lacks the required column ${field.name} (field id ${field.id})`,
      'Its writer broke the schema; remove the file from the table, or make the column optional.',
    );
  });
}

function namesById(
  metadata: TableMetadata,
  path: string,
  columns: readonly FileColumn[],
): ReadonlyMap<number, string> {
  if (columns.some(({ id }) => id !== null)) {
    return new Map(columns.flatMap(({ id, name }) => (id === null ? [] : [[id, name]])));
  }
  const mapping = nameMapping(metadata);
  if (mapping === undefined) {
    throw new IcebergError(
      'UNSUPPORTED',
      `${path} has no field ids, and the table no name mapping`,
      "Write the file with field ids, or set the table property 'schema.name-mapping.default'.",
    );
  }
  return new Map(
    columns.flatMap(({ name }) => {
      const id = mapping.get(name);
      return id === undefined ? [] : [[id, name]];
    }),
  );
}

/** Field ids of the top-level columns by the names they may have in files without ids. */
function nameMapping(metadata: TableMetadata): ReadonlyMap<string, number> | undefined {
  const text = metadata.properties['schema.name-mapping.default'];
  if (text === undefined) return undefined;
  const mapped = parseJson(text) as { 'field-id'?: number; names: string[] }[];
  return new Map(
    mapped.flatMap(({ 'field-id': id, names }) => (id === undefined ? [] : names.map((name) => [name, id]))),
  );
}

/** What the columns that partition a file by identity hold in all of its rows. */
function partitionConstants(
  metadata: TableMetadata,
  { specId, partition }: Pick<FileEntry, 'specId' | 'partition'>,
): ReadonlyMap<number, Value> {
  return new Map(
    specById(metadata, specId).fields.flatMap((field) => {
      const value = partition[field.name] ?? null;
      return field.transform === 'identity' && value !== null ? [[field['source-id'], value]] : [];
    }),
  );
}
