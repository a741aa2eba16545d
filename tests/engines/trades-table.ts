import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DuckDBInstance, type DuckDBConnection, type Json } from '@duckdb/node-api';
import { commitAppend, writeManifest, type AppendOptions } from '#core/iceberg/append.ts';
import type { FormatCache } from '#core/iceberg/cache.ts';
import { newSnapshotId, newTableMetadata, serializeMetadata } from '#core/iceberg/metadata.ts';
import type { DataFile, SchemaField, TableMetadata, Value } from '#core/iceberg/types.ts';
import { parseValue } from '#core/iceberg/values.ts';
import { diskIO } from '#tests/core/iceberg/file-io.ts';

/** The columns of market.trades; `source` may be null here, so that null counts are seen. */
export const tradeFields: SchemaField[] = [
  { id: 1, name: 'symbol', type: 'string', required: true },
  { id: 2, name: 'timestamp', type: 'timestamptz', required: true },
  { id: 3, name: 'price', type: 'decimal(38, 18)', required: true },
  { id: 4, name: 'volume', type: 'decimal(38, 18)', required: true },
  { id: 5, name: 'side', type: 'string', required: true },
  { id: 6, name: 'trade_id', type: 'long', required: true },
  { id: 7, name: 'source', type: 'string', required: false },
  { id: 8, name: 'processing_time', type: 'timestamptz', required: true },
  { id: 9, name: 'date', type: 'date', required: true },
];

/** What every reader is asked for: one row of text over a relation of trades. */
export const totals = `
  count(*)::varchar as trades, sum(price)::varchar as prices, sum(volume)::varchar as volumes,
  min(price)::varchar as lowest, max(price)::varchar as highest, min(timestamp)::varchar as first,
  max(timestamp)::varchar as last, sum(trade_id)::varchar as ids, count(source)::varchar as sourced,
  min(symbol) as symbol, max(date)::varchar as day`;

export type Totals = Record<string, string | null>;

/** Trades of one day and symbol; ids count up from `firstId`, a price may be negative so that its sign is tested. */
export interface Batch {
  day: string;
  symbol: string;
  firstId: number;
  count: number;
  /** SQL for the source column, over the row number `i`. */
  source?: string;
}

export async function openDuckDb(): Promise<DuckDBConnection> {
  const duck = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
  await duck.run("set TimeZone = 'UTC'");
  return duck;
}

/** The totals over Parquet files, as DuckDB in this process sees them. */
export async function totalsOf(duck: DuckDBConnection, files: string[], where = 'true'): Promise<Totals> {
  const list = files.map((file) => `'${file.replace(/^file:\/*/, '/')}'`).join(', ');
  const reader = await duck.runAndReadAll(`select ${totals} from read_parquet([${list}]) where ${where}`);
  return reader.getRowObjectsJson()[0] as Totals;
}

export function newTradesTable(location: string): TableMetadata {
  return newTableMetadata({
    location,
    schema: { fields: tradeFields },
    partitionSpec: { fields: [{ 'source-id': 9, 'field-id': 1000, name: 'date', transform: 'identity' }] },
    sortOrder: {
      fields: [1, 6].map((id) => ({
        'source-id': id,
        transform: 'identity',
        direction: 'asc',
        'null-order': 'nulls-first',
      })),
    },
    properties: { 'write.format.default': 'parquet' },
  });
}

/** Writes a batch as the lake does and returns it with DuckDB's statistics. */
export async function writeTrades(
  duck: DuckDBConnection,
  tableLocation: string,
  batch: Batch,
  fields: readonly SchemaField[] = tradeFields,
): Promise<DataFile> {
  const query = `
    select '${batch.symbol}' as symbol,
           timestamptz '${batch.day} 00:00:00+00' + to_microseconds(i * 61234567) as timestamp,
           ((i * 7919 % 10007 - 5000) / 1000 + ${batch.firstId} / 100000)::decimal(38, 18) as price,
           ((i + 1) / 7)::decimal(38, 18) as volume,
           case when i % 2 = 0 then 'buy' else 'sell' end as side,
           (${batch.firstId} + i)::bigint as trade_id,
           ${batch.source ?? "'binance'"}::varchar as source,
           timestamptz '2026-01-01 00:00:00.000001+00' as processing_time,
           date '${batch.day}' as date
      from (select range::bigint as i from range(${batch.count})) order by symbol, trade_id`;
  return await writeRows(duck, tableLocation, { day: batch.day, query, fields });
}

/** Writes a query's rows, which are of one day, as a data file of the fields. */
export async function writeRows(
  duck: DuckDBConnection,
  tableLocation: string,
  { day, query, fields }: { day: string; query: string; fields: readonly SchemaField[] },
): Promise<DataFile> {
  const path = `${tableLocation}/data/date=${day}/${randomUUID()}.parquet`;
  await mkdir(dirname(path), { recursive: true });
  const fieldIds = fields.map(({ id, name }) => `${name}: ${id}`).join(', ');
  const reader = await duck.runAndReadAll(
    `copy (${query}) to '${path}'
       (format parquet, parquet_version v2, compression zstd, return_stats, field_ids {${fieldIds}})`,
  );
  const written = reader.getRowObjectsJson()[0] ?? {};
  const statistics = new Map(
    entries(written['column_statistics']).map(([name, facts]) => [
      name.replaceAll('"', ''),
      new Map(entries(facts)),
    ]),
  );
  const byId = <T>(fact: string, convert: (text: string, field: SchemaField) => T): Map<number, T> =>
    new Map(
      fields.flatMap((field): [number, T][] => {
        const text = statistics.get(field.name)?.get(fact);
        return typeof text === 'string' ? [[field.id, convert(text, field)]] : [];
      }),
    );
  const bound = (text: string, field: SchemaField): Value => parseValue(field.type as string, text);
  return {
    path,
    partition: { date: parseValue('date', day) },
    recordCount: Number(written['count']),
    fileSizeBytes: Number(written['file_size_bytes']),
    columnSizes: byId('column_size_bytes', Number),
    valueCounts: byId('num_values', Number),
    nullValueCounts: byId('null_count', Number),
    lowerBounds: byId('min', bound),
    upperBounds: byId('max', bound),
    sortOrderId: 1,
  };
}

/** DuckDB's map as JSON. */
function entries(json: Json | undefined): [string, Json][] {
  return (json as { key: string; value: Json }[]).map(({ key, value }) => [key, value]);
}

/** Appends files to a table on disk, without a catalog. */
export async function append(
  base: TableMetadata,
  dataFiles: readonly DataFile[],
  options: AppendOptions & { cache?: FormatCache } = {},
): Promise<TableMetadata> {
  const snapshotId = newSnapshotId();
  const folder = `${base.location}/metadata`;
  const manifest = await writeManifest(
    diskIO,
    base,
    snapshotId,
    dataFiles,
    `${folder}/${randomUUID()}-m0.avro`,
  );
  const { metadata } = await commitAppend({
    io: diskIO,
    base,
    manifests: [manifest],
    snapshotId,
    timestampMs: Date.now(),
    manifestListLocation: `${folder}/snap-${snapshotId}-${randomUUID()}.avro`,
    options,
    ...(options.cache === undefined ? {} : { cache: options.cache }),
  });
  return metadata;
}

/** Writes a metadata file under a new name and returns its location. */
export async function saveMetadata(metadata: TableMetadata): Promise<string> {
  const location = `${metadata.location}/metadata/00001-${randomUUID()}.metadata.json`;
  await diskIO.write(location, new TextEncoder().encode(serializeMetadata(metadata)));
  return location;
}
