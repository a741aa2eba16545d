import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '@duckdb/node-api';
import { literal, type DuckDb } from './duckdb.ts';
import type { ObjectStore } from './object-store.ts';
import { quoted, tableId, type Column, type LakeTable } from './tables.ts';

/** A Parquet file that is durable in the store and belongs to no snapshot yet. */
export interface StagedFile {
  location: string;
  partitionValue: string;
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
 * Writes the rows of a DuckDB relation, which has the table's columns, as one sorted Parquet file for each value
 * of the partition column, under names nobody else uses. Nothing refers to the files until a commit does.
 */
export async function stageFiles(
  duck: DuckDb,
  store: ObjectStore,
  table: LakeTable,
  tableLocation: string,
  relation: string,
): Promise<StagedFile[]> {
  const partition = quoted(table.partitionColumn);
  const values = await duck.rows(
    `select distinct ${partition}::varchar as value from ${relation} order by 1`,
  );
  const staged: StagedFile[] = [];
  try {
    for (const { value } of values) {
      staged.push(await stageFile(duck, store, table, tableLocation, relation, String(value)));
    }
  } catch (error) {
    await discardFiles(store, staged);
    throw error;
  }
  return staged;
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
  value: string,
): Promise<StagedFile> {
  const name = `${randomUUID()}.parquet`;
  const draft = join(store.stagingDir, name);
  const columns = table.columns.map((column) => quoted(column.name)).join(', ');
  const fieldIds = table.columns.map((column) => `${quoted(column.name)}: ${column.id}`).join(', ');
  const order = table.sortColumns.map(quoted).join(', ');
  try {
    const [written] = await duck.rows(
      `copy (select ${columns} from ${relation} where ${quoted(table.partitionColumn)}::varchar = ${literal(value)}
             order by ${order})
         to ${literal(draft)}
         (format parquet, parquet_version v2, compression zstd, field_ids {${fieldIds}}, return_stats)`,
    );
    if (written === undefined) throw new Error(`DuckDB gave no statistics of ${tableId(table)}`);
    const sha256 = await hashFile(draft);
    const location = `${tableLocation}/data/${table.partitionColumn}=${encodeURIComponent(value)}/${name}`;
    await store.publish(draft, location);
    return {
      location,
      partitionValue: value,
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
