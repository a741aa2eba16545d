import type { AvroSchema } from './avro.ts';
import { decimalByteLength } from './bounds.ts';
import { IcebergError } from './errors.ts';
import { partitionType } from './partition.ts';
import { parsePrimitive } from './schema.ts';
import type { PartitionSpec, Schema } from './types.ts';

/** A field of an Avro record with the field id that Iceberg readers resolve it by. */
export function avroField(id: number, name: string, type: AvroSchema): AvroSchema & object {
  return { name, 'field-id': id, type };
}

/** An optional field: null unless given. */
export function optionalField(id: number, name: string, type: AvroSchema): AvroSchema & object {
  return { name, 'field-id': id, type: ['null', type], default: null };
}

/** A map with integer keys, which Avro lacks: an array of key-value records that says so. */
function intMap(keyId: number, valueId: number, value: AvroSchema): AvroSchema {
  return {
    type: 'array',
    logicalType: 'map',
    items: {
      type: 'record',
      name: `k${keyId}_v${valueId}`,
      fields: [avroField(keyId, 'key', 'int'), avroField(valueId, 'value', value)],
    },
  };
}

/** The schema of a version 2 manifest (https://iceberg.apache.org/spec/#manifests) for a partition spec. */
export function manifestEntrySchema(schemas: readonly Schema[], spec: PartitionSpec): AvroSchema {
  const partition: AvroSchema = {
    type: 'record',
    name: 'r102',
    fields: spec.fields.map((field) =>
      optionalField(
        field['field-id'],
        avroName(field.name),
        avroPrimitive(partitionType(schemas, field), field['field-id']),
      ),
    ),
  };
  const dataFile: AvroSchema = {
    type: 'record',
    name: 'r2',
    fields: [
      avroField(134, 'content', 'int'),
      avroField(100, 'file_path', 'string'),
      avroField(101, 'file_format', 'string'),
      avroField(102, 'partition', partition),
      avroField(103, 'record_count', 'long'),
      avroField(104, 'file_size_in_bytes', 'long'),
      optionalField(108, 'column_sizes', intMap(117, 118, 'long')),
      optionalField(109, 'value_counts', intMap(119, 120, 'long')),
      optionalField(110, 'null_value_counts', intMap(121, 122, 'long')),
      optionalField(137, 'nan_value_counts', intMap(138, 139, 'long')),
      optionalField(125, 'lower_bounds', intMap(126, 127, 'bytes')),
      optionalField(128, 'upper_bounds', intMap(129, 130, 'bytes')),
      optionalField(131, 'key_metadata', 'bytes'),
      optionalField(132, 'split_offsets', { type: 'array', items: 'long', 'element-id': 133 }),
      optionalField(135, 'equality_ids', { type: 'array', items: 'int', 'element-id': 136 }),
      optionalField(140, 'sort_order_id', 'int'),
      optionalField(143, 'referenced_data_file', 'string'),
    ],
  };
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      avroField(0, 'status', 'int'),
      optionalField(1, 'snapshot_id', 'long'),
      optionalField(3, 'sequence_number', 'long'),
      optionalField(4, 'file_sequence_number', 'long'),
      avroField(2, 'data_file', dataFile),
    ],
  };
}

/** A column name as Avro allows it: other characters become `_x` and their code, as in the Java implementation. */
export function avroName(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/gu, escape).replace(/^\d/, (digit) => `_${digit}`);
}

function escape(character: string): string {
  return `_x${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}`;
}

function avroPrimitive(type: string, fieldId: number): AvroSchema {
  const primitive = parsePrimitive(type);
  switch (primitive.kind) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return primitive.kind;
    case 'date':
      return { type: 'int', logicalType: 'date' };
    case 'time':
      return { type: 'long', logicalType: 'time-micros' };
    case 'timestamp':
    case 'timestamptz':
      return {
        type: 'long',
        logicalType: 'timestamp-micros',
        'adjust-to-utc': primitive.kind === 'timestamptz',
      };
    case 'decimal':
      return {
        type: 'fixed',
        name: `decimal_${fieldId}`,
        size: decimalByteLength(primitive.precision),
        logicalType: 'decimal',
        precision: primitive.precision,
        scale: primitive.scale,
      };
    case 'uuid':
    case 'fixed':
    case 'binary':
      throw new IcebergError(
        'UNSUPPORTED',
        `partitions of type ${type} are not written by this library`,
        'Partition by a boolean, number, date, time or text.',
      );
  }
}
