import { TicklakeError } from '#core/platform/errors.ts';
import { snapshotAsOf } from './as-of.ts';
import { loadTable } from './catalog.ts';
import type { Lake } from './lake.ts';
import { latestRevisions, parquetRelation } from './relation.ts';
import { currentFiles } from './scan.ts';
import { lakeTables, quoted, tableId, type LakeTable } from './tables.ts';

/** Tables of the lake as they stand in one moment, for a DuckDB that is to see nothing else. */
export interface LakeViews {
  /** What makes the views, one statement after another. */
  statements: string[];
  /** Names under which DuckDB reads the files behind them. */
  files: string[];
  /** By table, the snapshot that is read; null where the table is empty. */
  snapshots: Record<string, string | null>;
}

export interface ViewOptions {
  /** A snapshot's id, a tag or a time instead of the newest snapshots. Tables that it says nothing of are left out. */
  asOf?: string | undefined;
  /** Default all. */
  tables?: readonly LakeTable[] | undefined;
}

/**
 * Views of the tables under their names. Of revised bars a view has the latest revision, and another beside it
 * (`…_revisions`) all of them. The files are kept for a while; who reads longer holds a lease.
 * @throws NOT_FOUND for an `asOf` that no table knows
 */
export async function lakeViews(lake: Lake, options: ViewOptions = {}): Promise<LakeViews> {
  const { asOf, tables = lakeTables } = options;
  const read = await Promise.all(tables.map(async (table) => await readTable(lake, table, asOf)));
  const found = read.filter((one) => one !== undefined);
  if (asOf !== undefined && found.length === 0) throw unknownPoint(asOf);
  const schemas = [...new Set(tables.map(({ namespace }) => namespace))];
  return {
    statements: [
      ...schemas.map((schema) => `create schema if not exists ${quoted(schema)}`),
      ...found.flatMap(({ table, files }) => viewsOf(table, files)),
    ],
    files: found.flatMap(({ files }) => files),
    snapshots: Object.fromEntries(found.map(({ table, snapshotId }) => [tableId(table), snapshotId])),
  };
}

interface TableAtPoint {
  table: LakeTable;
  files: string[];
  snapshotId: string | null;
}

async function readTable(
  lake: Lake,
  table: LakeTable,
  asOf: string | undefined,
): Promise<TableAtPoint | undefined> {
  const point = asOf === undefined ? undefined : snapshotAsOf((await loadTable(lake, table)).metadata, asOf);
  if (asOf !== undefined && point === undefined) return undefined;
  if (point === null) return { table, files: [], snapshotId: null };
  const { files, snapshotId } = await currentFiles(
    lake,
    table,
    point === undefined ? {} : { snapshotId: point },
  );
  return { table, files, snapshotId: snapshotId === null ? null : String(snapshotId) };
}

function viewsOf(table: LakeTable, files: readonly string[]): string[] {
  const create = (suffix: string) =>
    `create view ${quoted(table.namespace)}.${quoted(table.name + suffix)} as`;
  const rows = parquetRelation(table, files);
  const latest = latestRevisions(table, rows);
  return [`${create('')} ${latest}`, ...(latest === rows ? [] : [`${create('_revisions')} ${rows}`])];
}

function unknownPoint(asOf: string): TicklakeError {
  return new TicklakeError('NOT_FOUND', `the lake has nothing as of ${asOf}`, {
    remedy:
      'Name a snapshot of `ticklake lake snapshots TABLE`, a tag, or a time such as 2026-03-01T12:00:00Z.',
  });
}
