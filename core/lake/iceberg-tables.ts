import type { DataFile, PartitionSpec, Schema, SortOrder, Value } from '#core/iceberg/types.ts';
import { applyTransform } from '#core/iceberg/partition.ts';
import { parseValue } from '#core/iceberg/values.ts';
import type { ColumnStatistics, StagedFile } from './stage.ts';
import { columnNamed, partitionName, type LakeTable, type PartitionField } from './tables.ts';

/** Partition field ids start here, by the specification. */
const firstPartitionFieldId = 1000;
const sortOrderId = 1;

/** The table's schema in Iceberg's words. */
export function icebergSchema(table: LakeTable): Schema {
  return {
    type: 'struct',
    'schema-id': 0,
    fields: table.columns.map(({ id, name, required, type, doc }) => ({ id, name, required, type, doc })),
  };
}

export function icebergPartitionSpec(table: LakeTable): PartitionSpec {
  return {
    'spec-id': 0,
    fields: table.partition.map((field, index) => ({
      'source-id': columnNamed(table, field.column).id,
      'field-id': firstPartitionFieldId + index,
      name: partitionName(field),
      transform: field.transform,
    })),
  };
}

export function icebergSortOrder(table: LakeTable): SortOrder {
  return {
    'order-id': sortOrderId,
    fields: table.sortColumns.map((name) => ({
      'source-id': columnNamed(table, name).id,
      transform: 'identity',
      direction: 'asc',
      'null-order': 'nulls-first',
    })),
  };
}

/** A staged file as a manifest lists it, with DuckDB's statistics as typed values. */
export function toDataFile(table: LakeTable, file: StagedFile): DataFile {
  const byId = <T>(pick: (column: ColumnStatistics) => T | undefined): Map<number, T> =>
    new Map(
      file.columns.flatMap((column): [number, T][] => {
        const value = pick(column);
        return value === undefined ? [] : [[column.column.id, value]];
      }),
    );
  const bound = (column: ColumnStatistics, text: string | undefined): Value | undefined =>
    text === undefined ? undefined : parseValue(column.column.type, text);
  return {
    path: file.location,
    partition: Object.fromEntries(
      table.partition.map((field) => [partitionName(field), partitionValue(table, field, file)]),
    ),
    recordCount: file.records,
    fileSizeBytes: file.bytes,
    columnSizes: byId((column) => column.bytes),
    valueCounts: byId((column) => column.values),
    nullValueCounts: byId((column) => column.nulls),
    lowerBounds: byId((column) => bound(column, column.min)),
    upperBounds: byId((column) => bound(column, column.max)),
    sortOrderId,
  };
}

function partitionValue(table: LakeTable, field: PartitionField, file: StagedFile): Value {
  const text = file.partition[partitionName(field)] ?? '';
  const { type } = columnNamed(table, field.column);
  return field.transform === 'identity'
    ? parseValue(type, text)
    : applyTransform(field.transform, type, parseValue(type, `${text}-01 00:00:00+00`));
}
