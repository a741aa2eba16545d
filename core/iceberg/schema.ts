import { IcebergError } from './errors.ts';
import type { Schema, SchemaField, TableMetadata, Type } from './types.ts';

/** A primitive type taken apart. */
export type Primitive =
  | { kind: 'boolean' | 'int' | 'long' | 'float' | 'double' | 'date' | 'time' | 'string' | 'uuid' | 'binary' }
  | { kind: 'timestamp' | 'timestamptz' }
  | { kind: 'decimal'; precision: number; scale: number }
  | { kind: 'fixed'; length: number };

const plain = new Set<string>([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
]);

const parsed = new Map<string, Primitive>();

/** Takes a primitive's name apart: `decimal(38, 18)` is a decimal of precision 38 and scale 18. */
export function parsePrimitive(type: string): Primitive {
  const known = parsed.get(type);
  if (known !== undefined) return known;
  const primitive = readPrimitive(type);
  // Type names come from tables, so the memory of them is bounded.
  if (parsed.size < 1_000) parsed.set(type, primitive);
  return primitive;
}

function readPrimitive(type: string): Primitive {
  if (plain.has(type)) return { kind: type } as Primitive;
  const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type);
  if (decimal !== null) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) };
  const fixed = /^fixed\[(\d+)\]$/.exec(type);
  if (fixed !== null) return { kind: 'fixed', length: Number(fixed[1]) };
  throw new IcebergError('UNSUPPORTED', `type ${type} is not one of Iceberg v2`, 'Use a version 2 type.');
}

/** The schema with this id. */
export function schemaById(metadata: TableMetadata, schemaId: number): Schema {
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === schemaId);
  if (schema === undefined) {
    throw new IcebergError('NOT_FOUND', `schema ${schemaId} is not in the metadata`, 'Check the schema id.');
  }
  return schema;
}

/** The schema new files are written with. */
export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata['current-schema-id']);
}

/** The top-level column with this name, if there is one. */
export function columnByName(schema: Schema, name: string): SchemaField | undefined {
  return schema.fields.find((field) => field.name === name);
}

/** The field with this id at any depth, in the newest schema that has it: dropped columns keep their type. */
export function fieldById(schemas: readonly Schema[], id: number): SchemaField | undefined {
  for (const schema of schemas.toReversed()) {
    const found = findField(schema.fields, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findField(fields: readonly SchemaField[], id: number): SchemaField | undefined {
  for (const field of fields) {
    if (field.id === id) return field;
    const inner = findField(children(field.type), id);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** The fields directly inside a nested type; a list's element and a map's key and value count as fields. */
export function children(type: Type): SchemaField[] {
  if (typeof type === 'string') return [];
  switch (type.type) {
    case 'struct':
      return type.fields;
    case 'list':
      return [
        { id: type['element-id'], name: 'element', required: type['element-required'], type: type.element },
      ];
    case 'map':
      return [
        { id: type['key-id'], name: 'key', required: true, type: type.key },
        { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value },
      ];
  }
}

/** The largest field id in use, at any depth; 0 for no fields. */
export function maxFieldId(fields: readonly SchemaField[]): number {
  return fields.reduce((max, field) => Math.max(max, field.id, maxFieldId(children(field.type))), 0);
}
