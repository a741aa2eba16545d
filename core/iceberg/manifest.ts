import { type AvroSchema, readAvro, writeAvro } from './avro.ts';
import { encodeValue } from './bounds.ts';
import type { FormatCache } from './cache.ts';
import { IcebergError } from './errors.ts';
import { type EntryRecord, fromRecord, toRecord } from './manifest-record.ts';
import { manifestEntrySchema } from './manifest-schema.ts';
import { specById, summarizePartitions } from './partition.ts';
import { currentSchema, fieldById } from './schema.ts';
import type { DataFile, FileEntry, FileIO, Long, ManifestFile } from './types.ts';
import type { PartitionSpec, Schema, TableMetadata, Value } from './types.ts';

/** A manifest of files that a snapshot is to add, with what the snapshot's summary needs to know. */
export interface AddedManifest extends ManifestFile {
  addedFilesSize: number;
}

/**
 * Writes a manifest of files to be added by a snapshot. Sequence numbers stay null: readers inherit them from the
 * snapshot that takes the manifest in, so it can be written before the base is known and outlives failed tries.
 */
export async function writeManifest(
  io: FileIO,
  metadata: TableMetadata,
  snapshotId: Long,
  dataFiles: readonly DataFile[],
  location: string,
): Promise<AddedManifest> {
  if (dataFiles.length === 0) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      'a manifest needs a file',
      'Skip the snapshot if nothing is added.',
    );
  }
  const spec = specById(metadata, metadata['default-spec-id']);
  const entries = dataFiles.map((file) => addedEntry(metadata.schemas, spec, snapshotId, file));
  const manifest = await writeEntries(io, metadata, spec, entries, { location, snapshotId, content: 'data' });
  return { ...manifest, addedFilesSize: dataFiles.reduce((sum, file) => sum + file.fileSizeBytes, 0) };
}

/** Writes entries as a manifest of one spec and returns the line for the manifest list. */
export async function writeEntries(
  io: FileIO,
  metadata: TableMetadata,
  spec: PartitionSpec,
  entries: readonly FileEntry[],
  target: { location: string; snapshotId: Long; content: ManifestFile['content'] },
): Promise<ManifestFile> {
  const schema = currentSchema(metadata);
  const header = {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: target.content,
  };
  const avroSchema: AvroSchema = manifestEntrySchema(metadata.schemas, spec);
  const records = entries.map((entry) => toRecord(metadata.schemas, spec, entry));
  const bytes = writeAvro(avroSchema, header, records);
  await io.write(target.location, bytes);
  const sequenceNumbers = entries.flatMap((entry) =>
    entry.sequenceNumber === null ? [] : [entry.sequenceNumber],
  );
  const files = (status: FileEntry['status']): FileEntry[] =>
    entries.filter((entry) => entry.status === status);
  const rows = (status: FileEntry['status']): number =>
    files(status).reduce((sum, entry) => sum + entry.recordCount, 0);
  return {
    path: target.location,
    length: bytes.byteLength,
    specId: spec['spec-id'],
    content: target.content,
    sequenceNumber: null,
    minSequenceNumber:
      sequenceNumbers.length === 0 ? null : sequenceNumbers.reduce((a, b) => (b < a ? b : a)),
    addedSnapshotId: target.snapshotId,
    addedFiles: files('added').length,
    existingFiles: files('existing').length,
    deletedFiles: files('deleted').length,
    addedRows: rows('added'),
    existingRows: rows('existing'),
    deletedRows: rows('deleted'),
    partitions: summarizePartitions(
      metadata.schemas,
      spec,
      entries.map((entry) => entry.partition),
    ),
    keyMetadata: null,
  };
}

/** Reads a manifest's entries, with what they inherit from its line in the manifest list filled in. */
export async function readManifest(
  io: FileIO,
  metadata: TableMetadata,
  manifest: ManifestFile,
  cache?: FormatCache,
): Promise<FileEntry[]> {
  let entries = cache?.manifests.get(manifest.path);
  if (entries === undefined) {
    const spec = specById(metadata, manifest.specId);
    const { header, records } = readAvro(await io.read(manifest.path), manifest.path);
    // A table that was upgraded keeps its version 1 manifests, whose files count as added at sequence number 0.
    const sequenceNumber = (header['format-version'] ?? '1') === '1' ? 0 : null;
    entries = records.map((record) =>
      fromRecord(metadata.schemas, spec, record as EntryRecord, sequenceNumber),
    );
    cache?.manifests.set(manifest.path, entries);
  }
  return entries.map((entry) => inherit(entry, manifest));
}

/** Added entries take snapshot and sequence numbers of their manifest where they have none of their own. */
function inherit(entry: FileEntry, manifest: ManifestFile): FileEntry {
  const added = entry.status === 'added';
  const inherited = {
    ...entry,
    snapshotId: entry.snapshotId ?? manifest.addedSnapshotId,
    sequenceNumber: entry.sequenceNumber ?? (added ? manifest.sequenceNumber : null),
    fileSequenceNumber: entry.fileSequenceNumber ?? (added ? manifest.sequenceNumber : null),
  };
  if (inherited.sequenceNumber === null) {
    throw new IcebergError(
      'MALFORMED',
      `${manifest.path} lists ${entry.path} as ${entry.status} without a sequence number`,
      'Its writer broke the format; rewrite the manifest.',
    );
  }
  return inherited;
}

function addedEntry(
  schemas: readonly Schema[],
  spec: PartitionSpec,
  snapshotId: Long,
  file: DataFile,
): FileEntry {
  const encode = (bounds: ReadonlyMap<number, Value> = new Map()): Map<number, Uint8Array> =>
    new Map([...bounds].map(([id, value]) => [id, encodeValue(primitiveType(schemas, id), value)]));
  return {
    status: 'added',
    snapshotId,
    sequenceNumber: null,
    fileSequenceNumber: null,
    content: 'data',
    path: file.path,
    format: 'PARQUET',
    specId: spec['spec-id'],
    partition: partitionOf(spec, file),
    recordCount: file.recordCount,
    fileSizeBytes: file.fileSizeBytes,
    columnSizes: file.columnSizes ?? new Map(),
    valueCounts: file.valueCounts ?? new Map(),
    nullValueCounts: file.nullValueCounts ?? new Map(),
    nanValueCounts: new Map(),
    lowerBounds: encode(file.lowerBounds),
    upperBounds: encode(file.upperBounds),
    keyMetadata: null,
    splitOffsets: null,
    equalityIds: null,
    sortOrderId: file.sortOrderId ?? null,
    referencedDataFile: null,
  };
}

function partitionOf(spec: PartitionSpec, file: DataFile): Record<string, Value | null> {
  return Object.fromEntries(
    spec.fields.map(({ name }) => {
      const value = file.partition[name];
      if (value === undefined) {
        throw new IcebergError(
          'INVALID_ARGUMENT',
          `${file.path} has no value for the partition field ${name}`,
          'Give every field of the partition spec a value, null if it has none.',
        );
      }
      return [name, value];
    }),
  );
}

function primitiveType(schemas: readonly Schema[], id: number): string {
  const type = fieldById(schemas, id)?.type;
  if (typeof type === 'string') return type;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `column ${id} has no bounds`,
    'Give bounds of primitive columns only.',
  );
}
