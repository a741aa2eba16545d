import type { DataFile, PartitionSpec, Schema, SortOrder, Value } from '#core/iceberg/types.ts';
import { parseValue } from '#core/iceberg/values.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { ColumnStatistics, StagedFile } from './stage.ts';
import type { Column, LakeTable } from './tables.ts';

/** Partition field ids start here, by the specification. */
const partitionFieldId = 1000;
const sortOrderId = 1;

/** The table's schema in Iceberg's words. */
export function icebergSchema(table: LakeTable): Schema {
  return {
    type: 'struct',
    'schema-id': 0,
    fields: table.columns.map(({ id, name, required, type, doc }) => ({ id, name, required, type, doc })),
  };
}

/** Identity on the partition column. */
export function icebergPartitionSpec(table: LakeTable): PartitionSpec {
  const column = columnNamed(table, table.partitionColumn);
  return {
    'spec-id': 0,
    fields: [
      { 'source-id': column.id, 'field-id': partitionFieldId, name: column.name, transform: 'identity' },
    ],
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
    partition: {
      [table.partitionColumn]: parseValue(
        columnNamed(table, table.partitionColumn).type,
        file.partitionValue,
      ),
    },
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

function columnNamed(table: LakeTable, name: string): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new TicklakeError('INTERNAL', `${table.name} has no column ${name}`);
  return column;
}
