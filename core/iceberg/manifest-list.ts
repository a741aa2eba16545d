import { type AvroSchema, readAvro, writeAvro } from './avro.ts';
import type { FormatCache } from './cache.ts';
import { avroField, optionalField } from './manifest-schema.ts';
import type { FileIO, Long, ManifestFile, Snapshot } from './types.ts';

/** The schema of a version 2 manifest list (https://iceberg.apache.org/spec/#manifest-lists). */
const schema: AvroSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    avroField(500, 'manifest_path', 'string'),
    avroField(501, 'manifest_length', 'long'),
    avroField(502, 'partition_spec_id', 'int'),
    avroField(517, 'content', 'int'),
    avroField(515, 'sequence_number', 'long'),
    avroField(516, 'min_sequence_number', 'long'),
    avroField(503, 'added_snapshot_id', 'long'),
    avroField(504, 'added_files_count', 'int'),
    avroField(505, 'existing_files_count', 'int'),
    avroField(506, 'deleted_files_count', 'int'),
    avroField(512, 'added_rows_count', 'long'),
    avroField(513, 'existing_rows_count', 'long'),
    avroField(514, 'deleted_rows_count', 'long'),
    optionalField(507, 'partitions', {
      type: 'array',
      'element-id': 508,
      items: {
        type: 'record',
        name: 'r508',
        fields: [
          avroField(509, 'contains_null', 'boolean'),
          optionalField(518, 'contains_nan', 'boolean'),
          optionalField(510, 'lower_bound', 'bytes'),
          optionalField(511, 'upper_bound', 'bytes'),
        ],
      },
    }),
    optionalField(519, 'key_metadata', 'bytes'),
  ],
};

interface ListRecord {
  manifest_path: string;
  manifest_length: number;
  partition_spec_id: number;
  content?: number;
  sequence_number?: Long;
  min_sequence_number?: Long;
  added_snapshot_id: Long;
  added_files_count?: number | null;
  existing_files_count?: number | null;
  deleted_files_count?: number | null;
  /** Older writers' names of the three counts above. */
  added_data_files_count?: number | null;
  existing_data_files_count?: number | null;
  deleted_data_files_count?: number | null;
  added_rows_count?: number | null;
  existing_rows_count?: number | null;
  deleted_rows_count?: number | null;
  partitions?:
    | {
        contains_null: boolean;
        contains_nan?: boolean | null;
        lower_bound?: Uint8Array | null;
        upper_bound?: Uint8Array | null;
      }[]
    | null;
  key_metadata?: Uint8Array | null;
}

/** Writes a snapshot's manifest list. Manifests that are new in it (without a sequence number) take the snapshot's. */
export async function writeManifestList(
  io: FileIO,
  location: string,
  snapshot: { snapshotId: Long; parentSnapshotId?: Long; sequenceNumber: Long },
  manifests: readonly ManifestFile[],
): Promise<ManifestFile[]> {
  const listed = manifests.map((manifest) => ({
    ...manifest,
    sequenceNumber: manifest.sequenceNumber ?? snapshot.sequenceNumber,
    minSequenceNumber: manifest.minSequenceNumber ?? manifest.sequenceNumber ?? snapshot.sequenceNumber,
  }));
  const header = {
    'format-version': '2',
    'snapshot-id': String(snapshot.snapshotId),
    'parent-snapshot-id':
      snapshot.parentSnapshotId === undefined ? 'null' : String(snapshot.parentSnapshotId),
    'sequence-number': String(snapshot.sequenceNumber),
  };
  await io.write(location, writeAvro(schema, header, listed.map(toRecord)));
  return listed;
}

/** The manifests of a snapshot, in the list's order: newest first, as every writer keeps it. */
export async function readManifestList(
  io: FileIO,
  snapshot: Snapshot,
  cache?: FormatCache,
): Promise<readonly ManifestFile[]> {
  const location = snapshot['manifest-list'];
  const known = cache?.manifestLists.get(location);
  if (known !== undefined) return known;
  const { records } = readAvro(await io.read(location), location);
  const manifests = records.map((record) => fromRecord(record as ListRecord));
  cache?.manifestLists.set(location, manifests);
  return manifests;
}

function toRecord(manifest: ManifestFile & { sequenceNumber: Long; minSequenceNumber: Long }): ListRecord {
  return {
    manifest_path: manifest.path,
    manifest_length: manifest.length,
    partition_spec_id: manifest.specId,
    content: manifest.content === 'data' ? 0 : 1,
    sequence_number: manifest.sequenceNumber,
    min_sequence_number: manifest.minSequenceNumber,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: manifest.deletedFiles,
    added_rows_count: manifest.addedRows,
    existing_rows_count: manifest.existingRows,
    deleted_rows_count: manifest.deletedRows,
    partitions: manifest.partitions.map((summary) => ({
      contains_null: summary.containsNull,
      contains_nan: summary.containsNan,
      lower_bound: summary.lowerBound === null ? null : Buffer.from(summary.lowerBound),
      upper_bound: summary.upperBound === null ? null : Buffer.from(summary.upperBound),
    })),
    key_metadata: manifest.keyMetadata === null ? null : Buffer.from(manifest.keyMetadata),
  };
}

function fromRecord(record: ListRecord): ManifestFile {
  return {
    path: record.manifest_path,
    length: record.manifest_length,
    specId: record.partition_spec_id,
    content: (record.content ?? 0) === 0 ? 'data' : 'deletes',
    sequenceNumber: record.sequence_number ?? 0,
    minSequenceNumber: record.min_sequence_number ?? 0,
    addedSnapshotId: record.added_snapshot_id,
    addedFiles: record.added_files_count ?? record.added_data_files_count ?? 0,
    existingFiles: record.existing_files_count ?? record.existing_data_files_count ?? 0,
    deletedFiles: record.deleted_files_count ?? record.deleted_data_files_count ?? 0,
    addedRows: record.added_rows_count ?? 0,
    existingRows: record.existing_rows_count ?? 0,
    deletedRows: record.deleted_rows_count ?? 0,
    partitions: (record.partitions ?? []).map((summary) => ({
      containsNull: summary.contains_null,
      containsNan: summary.contains_nan ?? null,
      lowerBound: summary.lower_bound ?? null,
      upperBound: summary.upper_bound ?? null,
    })),
    keyMetadata: record.key_metadata ?? null,
  };
}
