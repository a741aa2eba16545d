import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '@duckdb/node-api';
import { literal, type DuckDb } from './duckdb.ts';
import type { ObjectStore } from './object-store.ts';
import {
  partitionName,
  quoted,
  tableId,
  type Column,
  type LakeTable,
  type PartitionField,
} from './tables.ts';

/** A Parquet file that is durable in the store and belongs to no snapshot yet. */
export interface StagedFile {
  location: string;
  /** By partition field, as text: a value of the column, or a month as `2026-03`. */
  partition: Readonly<Record<string, string>>;
  records: number;
  bytes: number;
  sha256: string;
  columns: ColumnStatistics[];
}

/** What DuckDB says of a column it wrote; minimum and maximum as text, absent when the column holds only nulls. */
export interface ColumnStatistics {
  column: Column;
  bytes: number;
  values: number;
  nulls: number;
  min?: string;
  max?: string;
}

/**
 * Writes the rows of a DuckDB relation, which has the table's columns, as one sorted Parquet file for each partition,
 * under names nobody else uses. Nothing refers to the files until a commit does.
 */
export async function stageFiles(
  duck: DuckDb,
  store: ObjectStore,
  table: LakeTable,
  tableLocation: string,
  relation: string,
): Promise<StagedFile[]> {
  const names = table.partition.map(partitionName);
  const fields = table.partition.map((field) => `${partitionKey(field)} as ${quoted(partitionName(field))}`);
  const distinct = `select distinct ${fields.join(', ')} from ${relation} order by all`;
  const partitions = await duck.rows(fields.length > 0 ? distinct : `from ${relation} limit 1`);
  const staged: StagedFile[] = [];
  try {
    for (const values of partitions) {
      const partition = Object.fromEntries(names.map((name) => [name, String(values[name])]));
      staged.push(await stageFile(duck, store, table, tableLocation, relation, partition));
    }
  } catch (error) {
    await discardFiles(store, staged);
    throw error;
  }
  return staged;
}

/** SQL of what rows of one partition have in common. */
function partitionKey({ column, transform }: PartitionField): string {
  return transform === 'identity' ? quoted(column) : `strftime(${quoted(column)}, '%Y-%m')`;
}

/** SQL of which rows are of a partition: of a month by its bounds, as those spare reading the rest. */
function withinPartition({ column, transform }: PartitionField, value: string): string {
  if (transform === 'identity') return `${quoted(column)} = ${literal(value)}`;
  const [year = 0, month = 0] = value.split('-').map(Number);
  const bound = (ms: number) => `${literal(new Date(ms).toISOString())}::timestamptz`;
  const [from, to] = [Date.UTC(year, month - 1), Date.UTC(year, month)].map(bound);
  return `${quoted(column)} >= ${from} and ${quoted(column)} < ${to}`;
}

/** Removes files that no commit took. Failures are left to the sweep for orphans. */
export async function discardFiles(store: ObjectStore, files: readonly StagedFile[]): Promise<void> {
  await Promise.all(files.map((file) => store.remove(file.location).catch(() => undefined)));
}

async function stageFile(
  duck: DuckDb,
  store: ObjectStore,
  table: LakeTable,
  tableLocation: string,
  relation: string,
  partition: Readonly<Record<string, string>>,
): Promise<StagedFile> {
  const name = `${randomUUID()}.parquet`;
  const draft = join(store.stagingDir, name);
  const columns = table.columns.map((column) => quoted(column.name)).join(', ');
  const fieldIds = table.columns.map((column) => `${quoted(column.name)}: ${column.id}`).join(', ');
  const order = table.sortColumns.map(quoted).join(', ');
  const within = [
    'true',
    ...table.partition.map((field) => withinPartition(field, partition[partitionName(field)] ?? '')),
  ];
  try {
    const [written] = await duck.rows(
      `copy (select ${columns} from ${relation} where ${within.join(' and ')}
             order by ${order})
         to ${literal(draft)}
         (format parquet, parquet_version v2, compression zstd, field_ids {${fieldIds}}, return_stats)`,
    );
    if (written === undefined) throw new Error(`DuckDB gave no statistics of ${tableId(table)}`);
    const sha256 = await hashFile(draft);
    const folders = Object.entries(partition).map(
      ([field, value]) => `${field}=${encodeURIComponent(value)}`,
    );
    const location = [tableLocation, 'data', ...folders, name].join('/');
    await store.publish(draft, location);
    return {
      location,
      partition,
      records: Number(written['count']),
      bytes: Number(written['file_size_bytes']),
      sha256,
      columns: columnStatistics(table, written['column_statistics'] ?? null),
    };
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

function columnStatistics(table: LakeTable, json: Json): ColumnStatistics[] {
  const byName = new Map(mapEntries(json).map(([name, facts]) => [name, new Map(mapEntries(facts))]));
  return table.columns.map((column) => {
    const facts = byName.get(quoted(column.name)) ?? new Map<string, Json>();
    const min = facts.get('min');
    const max = facts.get('max');
    return {
      column,
      bytes: Number(facts.get('column_size_bytes') ?? 0),
      values: Number(facts.get('num_values') ?? 0),
      nulls: Number(facts.get('null_count') ?? 0),
      ...(typeof min === 'string' && typeof max === 'string' ? { min, max } : {}),
    };
  });
}

/** DuckDB's MAP as JSON: `[{key, value}, …]`. */
function mapEntries(json: Json): [string, Json][] {
  if (!Array.isArray(json)) return [];
  return json.flatMap((entry): [string, Json][] => {
    if (entry === null || typeof entry !== 'object' || Array.isArray(entry)) return [];
    return [[String(entry['key']), entry['value'] ?? null]];
  });
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
