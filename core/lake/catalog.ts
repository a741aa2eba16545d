import { randomUUID } from 'node:crypto';
import { newTableMetadata, noSnapshot, parseMetadata, serializeMetadata } from '#core/iceberg/metadata.ts';
import type { Long, TableMetadata } from '#core/iceberg/types.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { icebergSchema, icebergPartitionSpec, icebergSortOrder } from './iceberg-tables.ts';
import type { Lake } from './lake.ts';
import { lakeTables, tableId, type LakeTable } from './tables.ts';

/** A table as its catalog row has it. */
export interface TableVersion {
  metadataLocation: string;
  metadata: TableMetadata;
}

/** Names of lock and table, the same for every process. */
export function lockName(table: string): string {
  return `ticklake:${table}`;
}

/**
 * Takes the table's lock for the rest of the transaction. It is taken before the base is read: without it
 * committers overtake each other again and again; with it the compare-and-swap fails only for outsiders.
 */
export async function lockTable(tx: Transaction, table: string): Promise<void> {
  await tx.query("set local lock_timeout = '30s'");
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lockName(table)]);
}

/** The table as it stands for this reader. @throws NOT_FOUND when the catalog has no such table. */
export async function loadTable(
  lake: Lake,
  table: LakeTable,
  db: Pick<Transaction, 'query'> = lake.database,
): Promise<TableVersion> {
  const { rows } = await db.query<{ metadata_location: string }>(
    `select metadata_location from iceberg_tables
      where catalog_name = $1 and table_namespace = $2 and table_name = $3 and metadata_location is not null`,
    [lake.catalogName, table.namespace, table.name],
  );
  const location = rows[0]?.metadata_location;
  if (location === undefined) {
    throw new TicklakeError('NOT_FOUND', `the lake has no table ${tableId(table)}`, {
      remedy: 'Run `ticklake up` or `ticklake run ingest` once; they make the tables.',
    });
  }
  return { metadataLocation: location, metadata: await readMetadata(lake, location) };
}

/** Parsed metadata; a location's content never changes, so it is read once. */
export async function readMetadata(lake: Lake, location: string): Promise<TableMetadata> {
  const cached = lake.metadataCache.get(location);
  if (cached !== undefined) return cached;
  const bytes = await lake.store.read(location);
  const metadata = parseMetadata(new TextDecoder().decode(bytes));
  lake.metadataCache.set(location, metadata);
  return metadata;
}

/** Writes metadata under a new name and returns it. Nothing refers to it until the pointer is moved. */
export async function writeMetadata(
  lake: Lake,
  metadata: TableMetadata,
  previousLocation?: string,
): Promise<string> {
  const version = previousLocation === undefined ? 0 : versionOf(previousLocation) + 1;
  const location = `${metadata.location}/metadata/${String(version).padStart(5, '0')}-${randomUUID()}.metadata.json`;
  await lake.store.write(location, new TextEncoder().encode(serializeMetadata(metadata)));
  lake.metadataCache.set(location, metadata);
  return location;
}

/**
 * Moves the table's pointer, if it is still where the writer saw it.
 * @throws COMMIT_CONFLICT when an outsider, who takes no lock of ours, moved it first.
 */
export async function movePointer(
  lake: Lake,
  tx: Transaction,
  table: LakeTable,
  from: string,
  to: string,
): Promise<void> {
  const { rowCount } = await tx.query(
    `update iceberg_tables set metadata_location = $5, previous_metadata_location = $4
      where catalog_name = $1 and table_namespace = $2 and table_name = $3 and metadata_location = $4`,
    [lake.catalogName, table.namespace, table.name, from, to],
  );
  if (rowCount !== 1) {
    throw new TicklakeError('COMMIT_CONFLICT', `${tableId(table)} was changed by another writer meanwhile`);
  }
}

/** Makes the tables that are missing. Safe when several do it at once. */
export async function ensureTables(lake: Lake): Promise<void> {
  for (const table of lakeTables) {
    await lake.database.transaction(async (tx) => {
      await lockTable(tx, tableId(table));
      const { rows } = await tx.query(
        'select 1 from iceberg_tables where catalog_name = $1 and table_namespace = $2 and table_name = $3',
        [lake.catalogName, table.namespace, table.name],
      );
      if (rows.length > 0) return;
      const metadata = newTableMetadata({
        location: lake.locationOf(table),
        schema: icebergSchema(table),
        partitionSpec: icebergPartitionSpec(table),
        sortOrder: icebergSortOrder(table),
        properties: { 'write.parquet.compression-codec': 'zstd', 'write.format.default': 'parquet' },
      });
      const location = await writeMetadata(lake, metadata);
      await tx.query(
        `insert into iceberg_namespace_properties (catalog_name, namespace, property_key, property_value)
         values ($1, $2, 'exists', 'true') on conflict do nothing`,
        [lake.catalogName, table.namespace],
      );
      await tx.query(
        `insert into iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)
         values ($1, $2, $3, $4, 'TABLE')`,
        [lake.catalogName, table.namespace, table.name, location],
      );
    });
  }
}

function versionOf(location: string): number {
  const version = Number.parseInt(location.slice(location.lastIndexOf('/') + 1), 10);
  return Number.isSafeInteger(version) ? version : 0;
}

/** The table's newest snapshot; null for a table without one. */
export function currentSnapshotId(metadata: TableMetadata): Long | null {
  const id = metadata['current-snapshot-id'];
  return Number(id) === noSnapshot ? null : id;
}

/** A snapshot's id in JSON: a number where it is safe, as ours are, else text, which keeps all 63 bits of others'. */
export function jsonId(id: Long): number | string {
  return typeof id === 'number' ? id : String(id);
}
