/**
 * Table metadata and its parts, in the shape and with the key names of the Iceberg table specification, version 2
 * (https://iceberg.apache.org/spec/#table-metadata-and-snapshots). Keys this library does not know are carried along
 * untouched.
 */
import type { Long } from './json.ts';

export type { Long } from './json.ts';

export interface ListType {
  type: 'list';
  'element-id': number;
  element: Type;
  'element-required': boolean;
}

export interface MapType {
  type: 'map';
  'key-id': number;
  key: Type;
  'value-id': number;
  value: Type;
  'value-required': boolean;
}

export interface StructType {
  type: 'struct';
  fields: SchemaField[];
}

/** A primitive by its name (`long`, `decimal(38, 18)`, `timestamptz`, ...) or a nested type. */
export type Type = string | ListType | MapType | StructType;

export interface SchemaField {
  id: number;
  name: string;
  required: boolean;
  type: Type;
  doc?: string;
}

export interface Schema {
  type: 'struct';
  'schema-id': number;
  'identifier-field-ids'?: number[];
  fields: SchemaField[];
}

export interface PartitionField {
  'source-id': number;
  'field-id': number;
  name: string;
  /** `identity`, `year`, `month`, `day`, `hour`, `void`, `bucket[n]`, `truncate[n]`. */
  transform: string;
}

export interface PartitionSpec {
  'spec-id': number;
  fields: PartitionField[];
}

export interface SortField {
  'source-id': number;
  transform: string;
  direction: 'asc' | 'desc';
  'null-order': 'nulls-first' | 'nulls-last';
}

export interface SortOrder {
  'order-id': number;
  fields: SortField[];
}

export interface Snapshot {
  'snapshot-id': Long;
  'parent-snapshot-id'?: Long;
  'sequence-number': Long;
  'timestamp-ms': number;
  'manifest-list': string;
  summary: Record<string, string>;
  'schema-id'?: number;
}

export interface SnapshotRef {
  'snapshot-id': Long;
  type: 'branch' | 'tag';
  'min-snapshots-to-keep'?: number;
  'max-snapshot-age-ms'?: number;
  'max-ref-age-ms'?: number;
}

export interface TableMetadata {
  'format-version': 2;
  'table-uuid': string;
  location: string;
  'last-sequence-number': Long;
  'last-updated-ms': number;
  'last-column-id': number;
  schemas: Schema[];
  'current-schema-id': number;
  'partition-specs': PartitionSpec[];
  'default-spec-id': number;
  'last-partition-id': number;
  properties: Record<string, string>;
  'current-snapshot-id': Long;
  snapshots: Snapshot[];
  'snapshot-log': { 'snapshot-id': Long; 'timestamp-ms': number }[];
  'metadata-log': { 'metadata-file': string; 'timestamp-ms': number }[];
  'sort-orders': SortOrder[];
  'default-sort-order-id': number;
  refs: Record<string, SnapshotRef>;
  /** Files that other engines wrote about a snapshot. */
  statistics?: StatisticsFile[];
  'partition-statistics'?: StatisticsFile[];
}

export interface StatisticsFile {
  'snapshot-id': Long;
  'statistics-path': string;
}

/**
 * A single value of a primitive type: boolean; int, date (days since 1970) as number; long, time, timestamp and
 * timestamptz (µs since 1970) as Long; float and double as number; decimal as its unscaled bigint; string and uuid
 * as text; binary and fixed as bytes.
 */
export type Value = boolean | number | bigint | string | Uint8Array;

/** How files are reached. Locations are opaque text; whoever implements this knows disks and clouds. */
export interface FileIO {
  read(location: string): Promise<Uint8Array>;
  /** Creates a file. Fails if the location is taken: files of a table never change. */
  write(location: string, bytes: Uint8Array): Promise<void>;
}

/** A data file to be added. Maps go by field id; values are typed and encoded when the manifest is written. */
export interface DataFile {
  path: string;
  /** By partition field name of the default spec, as the transform made it (a month is months since 1970). */
  partition: Record<string, Value | null>;
  recordCount: number;
  fileSizeBytes: number;
  columnSizes?: ReadonlyMap<number, number>;
  valueCounts?: ReadonlyMap<number, number>;
  nullValueCounts?: ReadonlyMap<number, number>;
  lowerBounds?: ReadonlyMap<number, Value>;
  upperBounds?: ReadonlyMap<number, Value>;
  sortOrderId?: number;
}

/** What a file in a manifest holds: rows, rows removed by position, or rows removed by equality. */
export type FileContent = 'data' | 'position-deletes' | 'equality-deletes';

/** A file as a manifest lists it. Bounds stay encoded until a filter asks for them. */
export interface FileEntry {
  status: 'existing' | 'added' | 'deleted';
  /** Snapshot that added (or, if deleted, removed) the file; null until inherited. */
  snapshotId: Long | null;
  sequenceNumber: Long | null;
  fileSequenceNumber: Long | null;
  content: FileContent;
  path: string;
  format: string;
  specId: number;
  partition: Record<string, Value | null>;
  recordCount: number;
  fileSizeBytes: number;
  columnSizes: ReadonlyMap<number, number>;
  valueCounts: ReadonlyMap<number, number>;
  nullValueCounts: ReadonlyMap<number, number>;
  nanValueCounts: ReadonlyMap<number, number>;
  lowerBounds: ReadonlyMap<number, Uint8Array>;
  upperBounds: ReadonlyMap<number, Uint8Array>;
  keyMetadata: Uint8Array | null;
  splitOffsets: Long[] | null;
  equalityIds: number[] | null;
  sortOrderId: number | null;
  /** The one data file a position-delete file speaks of, if it speaks of one only. */
  referencedDataFile: string | null;
}

export interface PartitionSummary {
  containsNull: boolean;
  containsNan: boolean | null;
  lowerBound: Uint8Array | null;
  upperBound: Uint8Array | null;
}

/** A manifest as the manifest list names it. */
export interface ManifestFile {
  path: string;
  length: number;
  specId: number;
  content: 'data' | 'deletes';
  /** Null until the manifest is in a snapshot. */
  sequenceNumber: Long | null;
  minSequenceNumber: Long | null;
  addedSnapshotId: Long;
  addedFiles: number;
  existingFiles: number;
  deletedFiles: number;
  addedRows: number;
  existingRows: number;
  deletedRows: number;
  partitions: PartitionSummary[];
  keyMetadata: Uint8Array | null;
}
