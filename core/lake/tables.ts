/** Our tables as the lake writes them: one list from which Iceberg's schema and DuckDB's SQL both follow. */
export interface LakeTable {
  namespace: string;
  name: string;
  columns: readonly Column[];
  /** Identity-partition column; every data file holds one value of it. */
  partitionColumn: string;
  /** Order of rows inside a file. */
  sortColumns: readonly string[];
}

export interface Column {
  id: number;
  name: string;
  type: ColumnType;
  required: boolean;
  doc: string;
}

export type ColumnType = 'string' | 'long' | 'date' | 'timestamptz' | 'decimal(38, 18)';

export const trades: LakeTable = {
  namespace: 'market',
  name: 'trades',
  columns: [
    { id: 1, name: 'symbol', type: 'string', required: true, doc: 'Market, by the name its venue gives it' },
    { id: 2, name: 'timestamp', type: 'timestamptz', required: true, doc: 'Event time at the venue' },
    { id: 3, name: 'price', type: 'decimal(38, 18)', required: true, doc: 'Quote asset per base asset' },
    { id: 4, name: 'volume', type: 'decimal(38, 18)', required: true, doc: 'Quantity in base asset' },
    { id: 5, name: 'side', type: 'string', required: true, doc: "The taker's side: buy or sell" },
    {
      id: 6,
      name: 'trade_id',
      type: 'long',
      required: true,
      doc: "The venue's id, unique per source and symbol",
    },
    { id: 7, name: 'source', type: 'string', required: true, doc: 'Venue' },
    { id: 8, name: 'processing_time', type: 'timestamptz', required: true, doc: 'When its batch was staged' },
    { id: 9, name: 'date', type: 'date', required: true, doc: 'UTC day of timestamp' },
  ],
  partitionColumn: 'date',
  sortColumns: ['symbol', 'trade_id'],
};

export const lakeTables: readonly LakeTable[] = [trades];

/** `market.trades`. */
export function tableId(table: LakeTable): string {
  return `${table.namespace}.${table.name}`;
}

const duckTypes: Record<ColumnType, string> = {
  string: 'varchar',
  long: 'bigint',
  date: 'date',
  timestamptz: 'timestamptz',
  'decimal(38, 18)': 'decimal(38, 18)',
};

/** The column's type as DuckDB names it. */
export function duckType(type: ColumnType): string {
  return duckTypes[type];
}

/** An SQL identifier, quoted. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
