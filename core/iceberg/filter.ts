import { decodeValue } from './bounds.ts';
import { IcebergError } from './errors.ts';
import { applyTransform, isMonotonic, partitionType, specById, summaryRange } from './partition.ts';
import { columnByName, parsePrimitive, schemaById } from './schema.ts';
import type { FileEntry, ManifestFile, Schema, Snapshot, TableMetadata, Value } from './types.ts';
import { compareValues, parseValue } from './values.ts';

/**
 * A condition on a top-level column. A value is of the column's type (see Value), or text that `parseValue` reads.
 * No condition holds for null, as in SQL.
 */
export type Predicate =
  | { column: string; op: '=' | '<' | '<=' | '>' | '>='; value: Value }
  | { column: string; op: 'in'; value: readonly Value[] };

/** Predicates that all must hold. */
export type ScanFilter = readonly Predicate[];

type Op = Predicate['op'];

/** A predicate whose column and values are known to the table. */
interface BoundPredicate {
  fieldId: number;
  type: string;
  op: Op;
  values: Value[];
}

export interface BoundFilter {
  metadata: TableMetadata;
  schemas: readonly Schema[];
  predicates: BoundPredicate[];
}

/** Resolves a filter's columns in the schema of the snapshot, or the current one for the current snapshot. */
export function bindFilter(metadata: TableMetadata, snapshot: Snapshot, filter: ScanFilter): BoundFilter {
  const isCurrent = snapshot['snapshot-id'] === metadata['current-snapshot-id'];
  const schemaId = isCurrent ? undefined : snapshot['schema-id'];
  const schema = schemaById(metadata, schemaId ?? metadata['current-schema-id']);
  return {
    metadata,
    schemas: metadata.schemas,
    predicates: filter.map((predicate) => bindPredicate(schema, predicate)),
  };
}

function bindPredicate(schema: Schema, predicate: Predicate): BoundPredicate {
  const field = columnByName(schema, predicate.column);
  if (field === undefined || typeof field.type !== 'string') {
    throw new IcebergError(
      'NOT_FOUND',
      `the table has no primitive column ${predicate.column}`,
      `Filter by one of: ${schema.fields.map((candidate) => candidate.name).join(', ')}.`,
    );
  }
  const type = field.type;
  const bind = (value: Value): Value => {
    const isText = typeof value === 'string' && parsePrimitive(type).kind !== 'string';
    return isText ? parseValue(type, value) : value;
  };
  const values = predicate.op === 'in' ? predicate.value.map(bind) : [bind(predicate.value)];
  return { fieldId: field.id, type, op: predicate.op, values };
}

/** Whether a manifest can list a file with matching rows, by the summaries of its partition values. */
export function manifestMayMatch(filter: BoundFilter, manifest: ManifestFile): boolean {
  if (filter.predicates.length === 0) return true;
  const spec = specById(filter.metadata, manifest.specId);
  return filter.predicates.every((predicate) =>
    spec.fields.every((field, index) => {
      const summary = manifest.partitions[index];
      if (
        field['source-id'] !== predicate.fieldId ||
        !isMonotonic(field.transform) ||
        summary === undefined
      ) {
        return true;
      }
      const { low, high } = summaryRange(partitionType(filter.schemas, field), summary);
      // Without bounds every value is null or NaN.
      if (low === null || high === null) return summary.containsNan === true;
      return rangeMayMatch(project(predicate, field.transform), low, high) || summary.containsNan === true;
    }),
  );
}

/**
 * Whether a file can hold matching rows (or, for a delete file, concern them): by its partition values, and for data
 * by its columns' bounds.
 */
export function fileMayMatch(filter: BoundFilter, file: FileEntry): boolean {
  if (filter.predicates.length === 0) return true;
  const spec = specById(filter.metadata, file.specId);
  return filter.predicates.every((predicate) => {
    const matchesPartition = spec.fields.every((field) => {
      if (field['source-id'] !== predicate.fieldId || !isMonotonic(field.transform)) return true;
      const value = file.partition[field.name] ?? null;
      return value !== null && rangeMayMatch(project(predicate, field.transform), value, value);
    });
    return matchesPartition && (file.content !== 'data' || boundsMayMatch(predicate, file));
  });
}

function boundsMayMatch(predicate: BoundPredicate, file: FileEntry): boolean {
  const nulls = file.nullValueCounts.get(predicate.fieldId);
  if (nulls !== undefined && nulls === file.valueCounts.get(predicate.fieldId) && nulls > 0) return false;
  const low = file.lowerBounds.get(predicate.fieldId);
  const high = mayHoldNan(predicate, file) ? undefined : file.upperBounds.get(predicate.fieldId);
  return rangeMayMatch(
    predicate,
    low === undefined ? null : decodeValue(predicate.type, low),
    high === undefined ? null : decodeValue(predicate.type, high),
  );
}

/** Bounds leave NaN out, which engines sort above every number: an upper bound then bounds nothing. */
function mayHoldNan(predicate: BoundPredicate, file: FileEntry): boolean {
  const isFloat = predicate.type === 'float' || predicate.type === 'double';
  return isFloat && file.nanValueCounts.get(predicate.fieldId) !== 0;
}

/** The condition on partition values that follows from one on the source: a strict bound may share its period. */
function project(predicate: BoundPredicate, transform: string): Pick<BoundPredicate, 'op' | 'values'> {
  if (transform === 'identity') return predicate;
  const op = predicate.op === '<' ? '<=' : predicate.op === '>' ? '>=' : predicate.op;
  return { op, values: predicate.values.map((value) => applyTransform(transform, predicate.type, value)) };
}

/** Whether a value in [low, high] can satisfy the condition; null is unbounded. */
function rangeMayMatch(
  predicate: Pick<BoundPredicate, 'op' | 'values'>,
  low: Value | null,
  high: Value | null,
): boolean {
  return predicate.values.some((value) => {
    const lowVersus = low === null ? -1 : compareValues(low, value);
    const highVersus = high === null ? 1 : compareValues(high, value);
    switch (predicate.op) {
      case '=':
      case 'in':
        return lowVersus <= 0 && highVersus >= 0;
      case '<':
        return lowVersus < 0;
      case '<=':
        return lowVersus <= 0;
      case '>':
        return highVersus > 0;
      case '>=':
        return highVersus >= 0;
    }
  });
}
