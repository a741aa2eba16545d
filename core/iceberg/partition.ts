import { decodeValue, encodeValue } from './bounds.ts';
import { IcebergError } from './errors.ts';
import { fieldById, parsePrimitive } from './schema.ts';
import type {
  FileEntry,
  ManifestFile,
  PartitionField,
  PartitionSpec,
  PartitionSummary,
  Schema,
  TableMetadata,
  Value,
} from './types.ts';
import { compareValues } from './values.ts';

/** The partition spec with this id. */
export function specById(metadata: TableMetadata, specId: number): PartitionSpec {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === specId);
  if (spec === undefined) {
    throw new IcebergError(
      'NOT_FOUND',
      `partition spec ${specId} is not in the metadata`,
      'Check the spec id.',
    );
  }
  return spec;
}

/** Transforms that keep order, so that a range of values becomes a range of partitions. */
export function isMonotonic(transform: string): boolean {
  return ['identity', 'year', 'month', 'day', 'hour'].includes(transform);
}

/** The type of a partition value: the source's own for identity, `date` for day, `int` for the other time units. */
export function partitionType(schemas: readonly Schema[], field: PartitionField): string {
  const source = fieldById(schemas, field['source-id']);
  if (source === undefined || typeof source.type !== 'string') {
    throw new IcebergError(
      'MALFORMED',
      `partition field ${field.name} has no primitive source column ${field['source-id']}`,
      'Partition by a top-level primitive column.',
    );
  }
  if (field.transform === 'day') return 'date';
  if (['year', 'month', 'hour'].includes(field.transform) || field.transform.startsWith('bucket['))
    return 'int';
  return source.type;
}

/**
 * Applies a transform to a source value (https://iceberg.apache.org/spec/#partition-transforms): months and days are
 * counted from 1970, from a date or from a timestamp in µs.
 */
export function applyTransform(transform: string, type: string, value: Value): Value {
  if (transform === 'identity') return value;
  const { kind } = parsePrimitive(type);
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (kind === 'date' && typeof value === 'number') return fromMs(transform, value * 86_400_000);
    if (kind === 'timestamp' || kind === 'timestamptz') return fromMs(transform, floorToMs(value));
  }
  throw unsupported(transform, type);
}

function fromMs(transform: string, ms: number): number {
  const date = new Date(ms);
  switch (transform) {
    case 'year':
      return date.getUTCFullYear() - 1970;
    case 'month':
      return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
    case 'day':
      return Math.floor(ms / 86_400_000);
    case 'hour':
      return Math.floor(ms / 3_600_000);
    default:
      throw unsupported(transform, 'timestamp');
  }
}

function floorToMs(micros: number | bigint): number {
  const value = BigInt(micros);
  return Number((value - (((value % 1_000n) + 1_000n) % 1_000n)) / 1_000n);
}

function unsupported(transform: string, type: string): IcebergError {
  return new IcebergError(
    'UNSUPPORTED',
    `transform ${transform} of a ${type} is not written by this library`,
    'Partition by identity, year, month, day or hour.',
  );
}

/** Summaries of the partition values in a manifest, one a field of the spec, for the manifest list. */
export function summarizePartitions(
  schemas: readonly Schema[],
  spec: PartitionSpec,
  partitions: readonly Record<string, Value | null>[],
): PartitionSummary[] {
  return spec.fields.map((field) => {
    const type = partitionType(schemas, field);
    let low: Value | null = null;
    let high: Value | null = null;
    let containsNull = false;
    let containsNan = false;
    for (const partition of partitions) {
      const value = partition[field.name] ?? null;
      if (value === null) containsNull = true;
      else if (typeof value === 'number' && Number.isNaN(value)) containsNan = true;
      else {
        if (low === null || compareValues(value, low) < 0) low = value;
        if (high === null || compareValues(value, high) > 0) high = value;
      }
    }
    return {
      containsNull,
      containsNan,
      lowerBound: low === null ? null : encodeValue(type, low),
      upperBound: high === null ? null : encodeValue(type, high),
    };
  });
}

/** The lower and upper partition value a summary promises, null where it promises none. */
export function summaryRange(
  type: string,
  summary: PartitionSummary,
): { low: Value | null; high: Value | null } {
  return {
    low: summary.lowerBound === null ? null : decodeValue(type, summary.lowerBound),
    high: summary.upperBound === null ? null : decodeValue(type, summary.upperBound),
  };
}

/** Whether a manifest can list a file of this partition, by the summaries of its partition values. */
export function manifestMayList(
  metadata: TableMetadata,
  manifest: ManifestFile,
  file: Pick<FileEntry, 'specId' | 'partition'>,
): boolean {
  if (manifest.specId !== file.specId) return false;
  return specById(metadata, manifest.specId).fields.every((field, index) => {
    const summary = manifest.partitions[index];
    if (summary === undefined) return true;
    const value = file.partition[field.name] ?? null;
    if (value === null) return summary.containsNull;
    if (typeof value === 'number' && Number.isNaN(value)) return summary.containsNan !== false;
    const { low, high } = summaryRange(partitionType(metadata.schemas, field), summary);
    return low !== null && high !== null && compareValues(low, value) <= 0 && compareValues(high, value) >= 0;
  });
}

/** A text that two files share if they are of one partition of one spec. */
export function partitionKey(spec: PartitionSpec, partition: Record<string, Value | null>): string {
  const values = spec.fields.map(({ name }) => {
    const value = partition[name] ?? null;
    return value instanceof Uint8Array
      ? Buffer.from(value).toString('hex')
      : value === null
        ? null
        : String(value);
  });
  return JSON.stringify([spec['spec-id'], ...values]);
}
