import { parsePath, type ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { TicklakeError } from '#core/platform/errors.ts';

/** What came of asking for a file's checksum. */
export type ArchiveVerdict = 'same' | 'restated' | 'vanished' | 'damaged';

/** A file that was taken, as it is remembered. Times are RFC 3339. */
export interface KnownFile {
  source: string;
  path: string;
  kind: string;
  symbol: string;
  interval: string | null;
  sha256: string;
  rows: number;
  takenAt: string;
  checkedAt: string | null;
  verdict: ArchiveVerdict | null;
  detail: string | null;
  /** Whether a rollback has undone the commit that brought its rows. */
  isUndone: boolean;
}

export interface FileFilter {
  source?: string;
  symbols?: readonly string[];
  paths?: readonly string[];
  limit?: number;
}

/** A replaced file, and what it did to the lake. */
export interface Restatement {
  source: string;
  path: string;
  table: string;
  symbol: string;
  interval: string | null;
  oldSha256: string;
  newSha256: string;
  rowsAdded: number;
  rowsRemoved: number;
  rowsChanged: number;
  /** Null where the rows were the same. */
  snapshotBefore: number | null;
  snapshotAfter: number | null;
  tag: string | null;
  reason: string;
  sample: unknown[];
  restatedAt: string;
}

const listedMax = 10_000;

/** Files that were taken, the one whose check is the longest ago first; at most 10,000. */
export async function listArchiveFiles(
  db: Pick<Transaction, 'query'>,
  { source, symbols, paths, limit = listedMax }: FileFilter = {},
): Promise<KnownFile[]> {
  const { rows } = await db.query<KnownFile>(
    `select source, path, kind, symbol, nullif("interval", '') as interval, sha256, rows,
            jobs.iso(taken_at) as "takenAt", jobs.iso(checked_at) as "checkedAt", verdict, detail,
            exists (select from lake.commits f
                      join lake.commits r on r.table_name = f.table_name and r.operation = 'rollback' and r.seq > f.seq
                     where f.commit_id = files.commit_id and f.snapshot_id is not null
                       and f.seq > (select min(t.seq) from lake.commits t
                                     where t.table_name = r.table_name and t.snapshot_id = r.snapshot_id)) as "isUndone"
       from lake.archive_files files
      where ($1::text is null or source = $1) and ($2::text[] is null or symbol = any($2))
        and ($3::text[] is null or path = any($3))
      order by coalesce(checked_at, taken_at), path limit $4`,
    [source ?? null, symbols ?? null, paths ?? null, Math.min(limit, listedMax)],
  );
  return rows;
}

/** What was restated, newest first; at most 10,000. */
export async function listRestatements(
  db: Pick<Transaction, 'query'>,
  { source, symbols, limit = listedMax }: FileFilter = {},
): Promise<Restatement[]> {
  const { rows } = await db.query<Restatement>(
    `select source, path, table_name as table, symbol, nullif("interval", '') as interval, old_sha256 as "oldSha256",
            new_sha256 as "newSha256", rows_added as "rowsAdded", rows_removed as "rowsRemoved",
            rows_changed as "rowsChanged", snapshot_before as "snapshotBefore", snapshot_after as "snapshotAfter", tag,
            reason, sample, jobs.iso(restated_at) as "restatedAt"
       from lake.restatements
      where ($1::text is null or source = $1) and ($2::text[] is null or symbol = any($2))
      order by restatement_id desc limit $3`,
    [source ?? null, symbols ?? null, Math.min(limit, listedMax)],
  );
  return rows;
}

/** Notes what came of a check that changed nothing in the lake. */
export async function noteVerdict(
  db: Pick<Transaction, 'query'>,
  { source, path }: Pick<KnownFile, 'source' | 'path'>,
  verdict: Exclude<ArchiveVerdict, 'restated'>,
  detail: string | null = null,
): Promise<void> {
  await db.query(
    `update lake.archive_files set checked_at = clock_timestamp(), verdict = $3, detail = $4
      where source = $1 and path = $2`,
    [source, path, verdict, detail],
  );
}

/** The file that a remembered path names. */
export function fileAt(path: string): ArchiveFile {
  const file = parsePath(path);
  if (file === undefined) throw new TicklakeError('DATA_CORRUPT', `${path} is no file of the archive`);
  return file;
}
