import { decimalByteLength, decodeUnscaled } from './bounds.ts';
import { IcebergError } from './errors.ts';
import { avroName } from './manifest-schema.ts';
import { partitionType } from './partition.ts';
import { parsePrimitive } from './schema.ts';
import type { FileContent, FileEntry, Long, PartitionSpec, Schema, Value } from './types.ts';

const statuses = ['existing', 'added', 'deleted'] as const;
const contents: readonly FileContent[] = ['data', 'position-deletes', 'equality-deletes'];

interface Pair<V> {
  key: number;
  value: V;
}

/** A manifest entry as Avro has it; what another writer left out is undefined. */
export interface EntryRecord {
  status: number;
  snapshot_id?: Long | null;
  sequence_number?: Long | null;
  file_sequence_number?: Long | null;
  data_file: {
    content?: number;
    file_path: string;
    file_format: string;
    partition: Record<string, Value | null>;
    record_count: number;
    file_size_in_bytes: number;
    column_sizes?: Pair<number>[] | null;
    value_counts?: Pair<number>[] | null;
    null_value_counts?: Pair<number>[] | null;
    nan_value_counts?: Pair<number>[] | null;
    lower_bounds?: Pair<Uint8Array>[] | null;
    upper_bounds?: Pair<Uint8Array>[] | null;
    key_metadata?: Uint8Array | null;
    split_offsets?: Long[] | null;
    equality_ids?: number[] | null;
    sort_order_id?: number | null;
    referenced_data_file?: string | null;
  };
}

/** An entry as it is written. */
export function toRecord(schemas: readonly Schema[], spec: PartitionSpec, entry: FileEntry): EntryRecord {
  return {
    status: statuses.indexOf(entry.status),
    snapshot_id: entry.snapshotId,
    sequence_number: entry.sequenceNumber,
    file_sequence_number: entry.fileSequenceNumber,
    data_file: {
      content: contents.indexOf(entry.content),
      file_path: entry.path,
      file_format: entry.format,
      partition: Object.fromEntries(
        spec.fields.map((field) => [
          avroName(field.name),
          toAvroValue(partitionType(schemas, field), entry.partition[field.name] ?? null),
        ]),
      ),
      record_count: entry.recordCount,
      file_size_in_bytes: entry.fileSizeBytes,
      column_sizes: pairs(entry.columnSizes),
      value_counts: pairs(entry.valueCounts),
      null_value_counts: pairs(entry.nullValueCounts),
      nan_value_counts: pairs(entry.nanValueCounts),
      lower_bounds: pairs(entry.lowerBounds, asBuffer),
      upper_bounds: pairs(entry.upperBounds, asBuffer),
      key_metadata: entry.keyMetadata === null ? null : asBuffer(entry.keyMetadata),
      split_offsets: entry.splitOffsets,
      equality_ids: entry.equalityIds,
      sort_order_id: entry.sortOrderId,
      referenced_data_file: entry.referencedDataFile,
    },
  };
}

/** An entry as it was read. `sequenceNumber` is what it has if the record states none. */
export function fromRecord(
  schemas: readonly Schema[],
  spec: PartitionSpec,
  record: EntryRecord,
  sequenceNumber: number | null,
): FileEntry {
  const file = record.data_file;
  const status = statuses[record.status];
  const content = contents[file.content ?? 0];
  if (status === undefined || content === undefined) {
    throw new IcebergError(
      'MALFORMED',
      `${file.file_path} has status ${record.status} and content ${file.content ?? 0}`,
      'Its writer broke the format; rewrite the manifest.',
    );
  }
  return {
    status,
    snapshotId: record.snapshot_id ?? null,
    sequenceNumber: record.sequence_number ?? sequenceNumber,
    fileSequenceNumber: record.file_sequence_number ?? sequenceNumber,
    content,
    path: file.file_path,
    format: file.file_format.toUpperCase(),
    specId: spec['spec-id'],
    partition: Object.fromEntries(
      spec.fields.map((field) => [
        field.name,
        fromAvroValue(partitionType(schemas, field), file.partition[avroName(field.name)] ?? null),
      ]),
    ),
    recordCount: file.record_count,
    fileSizeBytes: file.file_size_in_bytes,
    columnSizes: toMap(file.column_sizes),
    valueCounts: toMap(file.value_counts),
    nullValueCounts: toMap(file.null_value_counts),
    nanValueCounts: toMap(file.nan_value_counts),
    lowerBounds: toMap(file.lower_bounds),
    upperBounds: toMap(file.upper_bounds),
    keyMetadata: file.key_metadata ?? null,
    splitOffsets: file.split_offsets ?? null,
    equalityIds: file.equality_ids ?? null,
    sortOrderId: file.sort_order_id ?? null,
    referencedDataFile: file.referenced_data_file ?? null,
  };
}

function toAvroValue(type: string, value: Value | null): Value | null {
  const primitive = parsePrimitive(type);
  if (primitive.kind !== 'decimal' || typeof value !== 'bigint') return value;
  const length = decimalByteLength(primitive.precision);
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );
}

function fromAvroValue(type: string, value: Value | null): Value | null {
  return parsePrimitive(type).kind === 'decimal' && value instanceof Uint8Array
    ? decodeUnscaled(value)
    : value;
}

function pairs<V>(
  map: ReadonlyMap<number, V>,
  convert: (value: V) => V = (value) => value,
): Pair<V>[] | null {
  return map.size === 0 ? null : [...map].map(([key, value]) => ({ key, value: convert(value) }));
}

function toMap<V>(list: Pair<V>[] | null | undefined): Map<number, V> {
  return new Map(list?.map(({ key, value }) => [key, value]));
}

/** avsc writes Buffers only. */
function asBuffer(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
