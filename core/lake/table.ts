/** A table of ours as the lake writes it: from it Iceberg's schema and DuckDB's SQL both follow. */
export interface LakeTable {
  namespace: string;
  name: string;
  columns: readonly Column[];
  /** Every data file holds one value of each. */
  partition: readonly PartitionField[];
  /** Order of rows inside a file. */
  sortColumns: readonly string[];
  /** What its coverage counts. */
  key: CoverageKey;
}

export interface Column {
  id: number;
  name: string;
  type: ColumnType;
  required: boolean;
  doc: string;
}

export type ColumnType =
  'string' | 'long' | 'double' | 'boolean' | 'date' | 'timestamptz' | 'decimal(38, 18)';

export interface PartitionField {
  column: string;
  transform: 'identity' | 'month';
}

/**
 * Trades are held by id; bars by their open time in microseconds, each up to the open time of the next. Where `revision`
 * names a column, rows are never replaced: a bar that changed has another row, and the one of the highest revision counts.
 * A table without a key is made of others, and replaced as a whole or in parts; no ledger tells what it holds.
 */
export type CoverageKey =
  | { kind: 'none' }
  | { kind: 'id'; column: string; time: string }
  | { kind: 'bar'; column: string; interval: string; revision?: string };
