import { TicklakeError } from '#core/platform/errors.ts';
import { featureTables, signals } from './feature-tables.ts';
import type { Column, ColumnType, CoverageKey, LakeTable, PartitionField } from './table.ts';
import { orderEvents } from './trading-tables.ts';

export type { Column, ColumnType, CoverageKey, LakeTable, PartitionField } from './table.ts';

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
  partition: [{ column: 'date', transform: 'identity' }],
  sortColumns: ['symbol', 'trade_id'],
  key: { kind: 'id', column: 'trade_id', time: 'timestamp' },
};

export const klines: LakeTable = {
  namespace: 'market',
  name: 'klines',
  columns: [
    { id: 1, name: 'symbol', type: 'string', required: true, doc: 'Market, by the name its venue gives it' },
    { id: 2, name: 'interval', type: 'string', required: true, doc: 'Length of the bar: 1m to 1d' },
    { id: 3, name: 'open_time', type: 'timestamptz', required: true, doc: 'When the bar begins' },
    { id: 4, name: 'open', type: 'decimal(38, 18)', required: true, doc: 'First price' },
    { id: 5, name: 'high', type: 'decimal(38, 18)', required: true, doc: 'Highest price' },
    { id: 6, name: 'low', type: 'decimal(38, 18)', required: true, doc: 'Lowest price' },
    { id: 7, name: 'close', type: 'decimal(38, 18)', required: true, doc: 'Last price' },
    { id: 8, name: 'volume', type: 'decimal(38, 18)', required: true, doc: 'Quantity in base asset' },
    {
      id: 9,
      name: 'close_time',
      type: 'timestamptz',
      required: true,
      doc: 'When the bar ends, as the venue says',
    },
    { id: 10, name: 'quote_volume', type: 'decimal(38, 18)', required: true, doc: 'Quantity in quote asset' },
    { id: 11, name: 'trade_count', type: 'long', required: true, doc: 'Trades in the bar' },
    {
      id: 12,
      name: 'taker_buy_volume',
      type: 'decimal(38, 18)',
      required: true,
      doc: 'Bought by takers, in base asset',
    },
    {
      id: 13,
      name: 'taker_buy_quote_volume',
      type: 'decimal(38, 18)',
      required: true,
      doc: 'Bought by takers, in quote asset',
    },
    { id: 14, name: 'source', type: 'string', required: true, doc: 'Venue' },
    {
      id: 15,
      name: 'is_filled',
      type: 'boolean',
      required: true,
      doc: 'A calendar gap that the venue confirmed and we filled flat',
    },
    { id: 16, name: 'date', type: 'date', required: true, doc: 'UTC day of open_time' },
  ],
  partition: [
    { column: 'interval', transform: 'identity' },
    { column: 'open_time', transform: 'month' },
  ],
  sortColumns: ['symbol', 'open_time'],
  key: { kind: 'bar', column: 'open_time', interval: 'interval' },
};

/** What columns of klines mean for candles, where it is not the same. */
const candleDocs: Readonly<Record<string, string>> = {
  close_time: 'Last microsecond of the bar',
  is_filled: 'Nothing was traded: flat at the last price before, without ids',
};

/** Bars of ours, made from trades; a venue's own are klines. */
export const candles: LakeTable = {
  namespace: 'market',
  name: 'candles',
  columns: [
    ...klines.columns.map((column) => ({ ...column, doc: candleDocs[column.name] ?? column.doc })),
    {
      id: 17,
      name: 'first_trade_id',
      type: 'long',
      required: false,
      doc: 'Lowest id among its trades; null where there are none',
    },
    {
      id: 18,
      name: 'last_trade_id',
      type: 'long',
      required: false,
      doc: 'Highest id among its trades; null where there are none',
    },
    {
      id: 19,
      name: 'is_complete',
      type: 'boolean',
      required: true,
      doc: 'Whether all trades of the bar are held, by their ids',
    },
    {
      id: 20,
      name: 'revision',
      type: 'long',
      required: true,
      doc: '1 for what was made first; the row of the highest counts',
    },
    { id: 21, name: 'computed_at', type: 'timestamptz', required: true, doc: 'When the row was made' },
  ],
  partition: klines.partition,
  sortColumns: klines.sortColumns,
  key: { kind: 'bar', column: 'open_time', interval: 'interval', revision: 'revision' },
};

export const symbols: LakeTable = {
  namespace: 'market',
  name: 'symbols',
  columns: [
    { id: 1, name: 'source', type: 'string', required: true, doc: 'Venue' },
    { id: 2, name: 'symbol', type: 'string', required: true, doc: 'Market, by the name its venue gives it' },
    {
      id: 3,
      name: 'listing_id',
      type: 'string',
      required: true,
      doc: 'Which coin had the name: <symbol>#<n>',
    },
    { id: 4, name: 'base', type: 'string', required: true, doc: 'Asset that is traded' },
    { id: 5, name: 'quote', type: 'string', required: true, doc: 'Asset in which prices are' },
    { id: 6, name: 'status', type: 'string', required: true, doc: "The venue's word: TRADING, HALT, ..." },
    { id: 7, name: 'tick_size', type: 'decimal(38, 18)', required: true, doc: 'Smallest step of price' },
    { id: 8, name: 'lot_size', type: 'decimal(38, 18)', required: true, doc: 'Smallest step of quantity' },
    { id: 9, name: 'min_quantity', type: 'decimal(38, 18)', required: true, doc: 'Smallest quantity' },
    {
      id: 10,
      name: 'min_notional',
      type: 'decimal(38, 18)',
      required: true,
      doc: 'Smallest price times quantity',
    },
    { id: 11, name: 'rank', type: 'long', required: true, doc: '1 for the most liquid of its universe' },
    {
      id: 12,
      name: 'liquidity',
      type: 'double',
      required: true,
      doc: 'Traded in 24 hours in all markets of the coin, in the common quote',
    },
    { id: 13, name: 'valid_from', type: 'timestamptz', required: true, doc: 'Holds at the venue from then' },
    {
      id: 14,
      name: 'valid_to',
      type: 'timestamptz',
      required: false,
      doc: 'Holds until then; null until further notice',
    },
    { id: 15, name: 'recorded_at', type: 'timestamptz', required: true, doc: 'Known to us from then' },
    {
      id: 16,
      name: 'superseded_at',
      type: 'timestamptz',
      required: false,
      doc: 'Known to us until then; null for what is known',
    },
  ],
  partition: [],
  sortColumns: ['source', 'symbol', 'valid_from', 'recorded_at'],
  key: { kind: 'none' },
};

export const lakeTables: readonly LakeTable[] = [
  ...[trades, klines, candles, symbols],
  ...[...featureTables, signals, orderEvents],
];

/** `market.trades`. */
export function tableId(table: LakeTable): string {
  return `${table.namespace}.${table.name}`;
}

const duckTypes: Record<ColumnType, string> = {
  string: 'varchar',
  long: 'bigint',
  double: 'double',
  boolean: 'boolean',
  date: 'date',
  timestamptz: 'timestamptz',
  'decimal(38, 18)': 'decimal(38, 18)',
};

/** A partition field's name, in Iceberg's spec and in paths: the column's, with its transform unless that is identity. */
export function partitionName({ column, transform }: PartitionField): string {
  return transform === 'identity' ? column : `${column}_${transform}`;
}

/** The column of this name. */
export function columnNamed(table: LakeTable, name: string): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new TicklakeError('INTERNAL', `${tableId(table)} has no column ${name}`);
  return column;
}

/** The key of a table whose rows are held by one. */
export function keyOf(table: LakeTable): Exclude<CoverageKey, { kind: 'none' }> {
  if (table.key.kind !== 'none') return table.key;
  throw new TicklakeError('INTERNAL', `${tableId(table)} has no key`);
}

/** SQL of a row's place: its id, or its open time in microseconds. */
export function positionSql(table: LakeTable): string {
  const { kind, column } = keyOf(table);
  return kind === 'id' ? quoted(column) : `epoch_us(${quoted(column)})`;
}

/** The column's type as DuckDB names it. */
export function duckType(type: ColumnType): string {
  return duckTypes[type];
}

/** An SQL identifier, quoted. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
