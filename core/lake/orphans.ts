import { mapBounded } from '#core/iceberg/concurrency.ts';
import { reachableFiles } from '#core/iceberg/reachable.ts';
import { loadTable, lockTable, type TableVersion } from './catalog.ts';
import type { Lake } from './lake.ts';
import type { StoredObject } from './object-store.ts';
import { tableId, type LakeTable } from './tables.ts';

export interface SweepOptions {
  /** Only files that are older, and that nothing has reached for as long. */
  olderThanMs: number;
  /** Deletes them. Otherwise nothing is done, they are only listed. */
  remove?: boolean;
  /** Stops before the next file. */
  signal?: AbortSignal;
}

/** A file of the table's folder that no snapshot and no metadata log reaches. */
export interface Orphan {
  path: string;
  bytes: number;
  writtenAt: string;
  deleted: boolean;
}

/** How long files stay that nothing reaches any more, unless told. */
export const fileGraceMs = 24 * 3_600_000;

const removalsInFlight = 8;
/** More files than this are left to the next sweep. */
const removalsMax = 20_000;

/**
 * Finds files that no snapshot and no metadata log of the table reaches, and deletes them if told. A file goes only when it was
 * first seen unreachable longer ago than `olderThanMs`, when no read that began before that may go on, and when it is
 * unreachable still under the table's lock; from then on no commit can bring it any more. So a first sweep may only
 * note files, and a later one deletes them. A sweep that is killed is finished by the next.
 */
export async function sweepOrphans(
  lake: Lake,
  table: LakeTable,
  { olderThanMs, remove = false, signal }: SweepOptions,
): Promise<Orphan[]> {
  const found = await unreachable(lake, table);
  const beforeMs = Date.now() - olderThanMs;
  const old = found.filter(({ modifiedMs }) => modifiedMs <= beforeMs);
  const deleted = new Set<string>();
  if (remove) {
    await note(lake, table, found);
    const condemned = await condemn(lake, table, old, olderThanMs);
    await mapBounded(condemned, removalsInFlight, async (path) => {
      if (signal?.aborted === true) return;
      await removeFile(lake, path);
      deleted.add(path);
    });
    await forget(lake, table, [...deleted]);
  }
  return old.map(({ location, bytes, modifiedMs }) => ({
    path: location,
    bytes,
    writtenAt: new Date(modifiedMs).toISOString(),
    deleted: deleted.has(location),
  }));
}

/** Notes which files nothing of the table reaches, so that their time to be deleted begins. */
export async function noteOrphans(lake: Lake, table: LakeTable): Promise<void> {
  await note(lake, table, await unreachable(lake, table));
}

/** The store is listed before the table is read: what is committed in between is reachable then. */
async function unreachable(lake: Lake, table: LakeTable): Promise<StoredObject[]> {
  const { metadata } = await loadTable(lake, table);
  const objects: StoredObject[] = [];
  for await (const object of lake.store.list(metadata.location)) objects.push(object);
  const reached = await reachedBy(lake, await loadTable(lake, table));
  return objects.filter(({ location }) => !reached.has(lake.store.readable(location)));
}

/** Foreign engines write the same location in other ways: files are compared by the store's own names. */
async function reachedBy(lake: Lake, { metadata, metadataLocation }: TableVersion): Promise<Set<string>> {
  const reached = await reachableFiles(lake.io, metadata, lake.formatCache);
  return new Set([metadataLocation, ...reached].map((location) => lake.store.readable(location)));
}

async function note(lake: Lake, table: LakeTable, found: readonly StoredObject[]): Promise<void> {
  const paths = found.map(({ location }) => location);
  await lake.database.transaction(async (tx) => {
    await tx.query(
      'delete from lake.retired_files where table_name = $1 and condemned_at is null and path <> all($2::text[])',
      [tableId(table), paths],
    );
    await tx.query(
      `insert into lake.retired_files (path, table_name, bytes)
       select t.path, $1, t.bytes from unnest($2::text[], $3::bigint[]) as t(path, bytes) on conflict (path) do nothing`,
      [tableId(table), paths, found.map(({ bytes }) => bytes)],
    );
  });
}

/** Which of the files are to be deleted: decided under the table's lock, so that no commit takes one of them meanwhile. */
async function condemn(
  lake: Lake,
  table: LakeTable,
  files: readonly StoredObject[],
  olderThanMs: number,
): Promise<string[]> {
  const name = tableId(table);
  return await lake.database.transaction(async (tx) => {
    await lockTable(tx, name);
    const reached = await reachedBy(lake, await loadTable(lake, table, tx));
    const paths = files
      .map(({ location }) => location)
      .filter((location) => !reached.has(lake.store.readable(location)));
    const { rows } = await tx.query<{ path: string }>(
      `update lake.retired_files f set condemned_at = coalesce(condemned_at, clock_timestamp())
        where table_name = $1 and path = any($2::text[])
          and (condemned_at is not null
               or retired_at <= clock_timestamp() - make_interval(secs => $3)
              and not exists (select from reads.leases l
                               where l.until > clock_timestamp() and l.since <= f.retired_at))
       returning path`,
      [name, paths.slice(0, removalsMax), olderThanMs / 1_000],
    );
    return rows.map(({ path }) => path);
  });
}

/** Another sweep may have been first. */
async function removeFile(lake: Lake, path: string): Promise<void> {
  await lake.store.remove(path).catch(async (error: unknown) => {
    if (await lake.store.exists(path)) throw error;
  });
}

/** A row is dropped after its file, so that a sweep that is killed leaves no file without one. */
async function forget(lake: Lake, table: LakeTable, paths: readonly string[]): Promise<void> {
  lake.metrics
    .counter('ticklake_lake_files_deleted_total', 'Files deleted that nothing reached', ['table'])
    .inc({ table: tableId(table) }, paths.length);
  await lake.database.transaction(async (tx) => {
    await tx.query('delete from lake.data_files where path = any($1::text[])', [paths]);
    await tx.query('delete from lake.retired_files where path = any($1::text[])', [paths]);
    await tx.query("delete from reads.leases where until < clock_timestamp() - interval '1 hour'");
  });
}
