import { randomBytes, randomUUID } from 'node:crypto';
import { IcebergError } from './errors.ts';
import { parseJson, stringifyJson } from './json.ts';
import { maxFieldId } from './schema.ts';
import type { Long, PartitionSpec, Schema, Snapshot, SortOrder, TableMetadata } from './types.ts';

/** The current snapshot's id in a table that has none. */
export const noSnapshot = -1;

/** Partition field ids start here; a spec without fields leaves the last id one below. */
const firstPartitionId = 1000;

/** A random snapshot id below 2^53, so that JavaScript readers keep it exact. */
export function newSnapshotId(): number {
  return Number(randomBytes(8).readBigUInt64BE() >> 11n) || 1;
}

/** The metadata of a new, empty table of format version 2. Ids of schema, spec and sort order are 0 (unsorted) or 1. */
export function newTableMetadata(table: {
  location: string;
  schema: Pick<Schema, 'fields' | 'identifier-field-ids'>;
  partitionSpec: Pick<PartitionSpec, 'fields'>;
  sortOrder: Pick<SortOrder, 'fields'>;
  properties?: Record<string, string>;
  timestampMs?: number;
}): TableMetadata {
  const partitionIds = table.partitionSpec.fields.map((field) => field['field-id']);
  const sortOrderId = table.sortOrder.fields.length === 0 ? 0 : 1;
  return {
    'format-version': 2,
    'table-uuid': randomUUID(),
    location: table.location,
    'last-sequence-number': 0,
    'last-updated-ms': table.timestampMs ?? Date.now(),
    'last-column-id': maxFieldId(table.schema.fields),
    schemas: [{ ...table.schema, type: 'struct', 'schema-id': 0 }],
    'current-schema-id': 0,
    'partition-specs': [{ fields: table.partitionSpec.fields, 'spec-id': 0 }],
    'default-spec-id': 0,
    'last-partition-id': Math.max(firstPartitionId - 1, ...partitionIds),
    properties: table.properties ?? {},
    'current-snapshot-id': noSnapshot,
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    'sort-orders': [{ fields: table.sortOrder.fields, 'order-id': sortOrderId }],
    'default-sort-order-id': sortOrderId,
    refs: {},
  };
}

/** Reads a metadata file. Keys unknown to this library are kept; 64-bit ids stay exact. */
export function parseMetadata(text: string): TableMetadata {
  const metadata = parseObject(text);
  const version = metadata['format-version'];
  if (version !== 2) {
    throw new IcebergError(
      'UNSUPPORTED',
      `the table has format version ${String(version)}, this library speaks version 2`,
      "Create or upgrade the table with 'format-version' = '2'.",
    );
  }
  for (const key of [
    'location',
    'table-uuid',
    'last-sequence-number',
    'schemas',
    'current-schema-id',
    'partition-specs',
  ]) {
    if (metadata[key] === undefined) {
      throw new IcebergError('MALFORMED', `the metadata has no ${key}`, 'Point the catalog at a whole file.');
    }
  }
  const current = (metadata['current-snapshot-id'] ?? noSnapshot) as Long;
  // Version 2 makes these optional; the rest of the library relies on them.
  return {
    properties: {},
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    refs: current === noSnapshot ? {} : { main: { 'snapshot-id': current, type: 'branch' } },
    ...metadata,
    'current-snapshot-id': current,
  } as unknown as TableMetadata; // What was checked above; the rest is as its writer left it.
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new IcebergError(
      'MALFORMED',
      'the metadata is not JSON',
      'Point the catalog at a whole file.',
      cause,
    );
  }
  if (typeof value !== 'object' || value === null) {
    throw new IcebergError(
      'MALFORMED',
      'the metadata is not an object',
      'Point the catalog at a metadata file.',
    );
  }
  return value as Record<string, unknown>;
}

/** The text of a metadata file. */
export function serializeMetadata(metadata: TableMetadata): string {
  return stringifyJson(metadata);
}

/** The snapshot with this id, or the current one; undefined only for an empty table without an id asked for. */
export function findSnapshot(metadata: TableMetadata, snapshotId?: Long): Snapshot | undefined {
  const id = snapshotId ?? metadata['current-snapshot-id'];
  if (id === noSnapshot) return undefined;
  const snapshot = metadata.snapshots.findLast((candidate) => candidate['snapshot-id'] === id);
  if (snapshot === undefined) {
    throw new IcebergError(
      'NOT_FOUND',
      `snapshot ${id} is not in the table's metadata`,
      'It was never made or has expired; list the snapshots that are kept.',
    );
  }
  return snapshot;
}
