import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { snapshotAsOf } from './as-of.ts';
import { loadTable } from './catalog.ts';
import type { Lake } from './lake.ts';
import { lakeTables, tableId, type LakeTable } from './tables.ts';

/** A table's state after one of its commits. */
export interface Moment {
  table: string;
  /** The commit's place in the order of commits; 0 before the first. */
  seq: number;
  /** The table's snapshot then, as text; null before the first. */
  snapshotId: string | null;
  /** When that commit was made, RFC 3339; null before the first. */
  committedAt: string | null;
  /** What was explained up to then counts; null for now. */
  explainedUntil: string | null;
}

type Reader = Pick<Transaction, 'query'>;

/**
 * The moments that `asOf` means, one for each table that it says something of: a snapshot's id (an expired one too), a tag
 * or branch, or a time. Without it, now.
 * @throws NOT_FOUND when it says nothing of any table.
 */
export async function momentsOf(
  lake: Lake,
  db: Reader,
  asOf: string | undefined,
  tables: readonly LakeTable[] = lakeTables,
): Promise<Moment[]> {
  const moments: Moment[] = [];
  for (const table of tables) {
    const moment = asOf === undefined ? await newest(db, tableId(table)) : await named(lake, db, table, asOf);
    if (moment !== undefined) moments.push(moment);
  }
  if (moments.length > 0) return moments;
  throw new TicklakeError('NOT_FOUND', `the ledger knows no commit as of ${String(asOf)}`, {
    remedy:
      'Name a snapshot of `ticklake lake snapshots TABLE`, a tag, or a time such as 2026-03-01T12:00:00Z.',
  });
}

async function newest(db: Reader, table: string): Promise<Moment> {
  return { ...(await lastCommit(db, table)), explainedUntil: null };
}

async function named(lake: Lake, db: Reader, table: LakeTable, asOf: string): Promise<Moment | undefined> {
  const name = tableId(table);
  const snapshotId = /^\d{1,19}$/.test(asOf) ? asOf : await taggedSnapshot(lake, db, table, asOf);
  if (snapshotId !== undefined) {
    const { rows } = await db.query<{ seq: number | null }>(
      'select min(seq) as seq from lake.commits where table_name = $1 and snapshot_id = $2',
      [name, snapshotId],
    );
    const seq = rows[0]?.seq;
    if (seq === undefined || seq === null) return undefined;
    const commit = await lastCommit(db, name, { seq });
    return { ...commit, explainedUntil: commit.committedAt };
  }
  const at = timeOf(asOf);
  if (at === undefined) return undefined;
  return { ...(await lastCommit(db, name, { at })), explainedUntil: at };
}

/** The snapshot that a tag or branch names. */
async function taggedSnapshot(
  lake: Lake,
  db: Reader,
  table: LakeTable,
  name: string,
): Promise<string | undefined> {
  const { metadata } = await loadTable(lake, table, db);
  if (metadata.refs[name] === undefined) return undefined;
  return snapshotAsOf(metadata, name)?.toString();
}

/** The last commit of a table, up to one of its commits or a time where that is told. */
async function lastCommit(
  db: Reader,
  table: string,
  until: { seq?: number; at?: string } = {},
): Promise<Omit<Moment, 'explainedUntil'>> {
  const { rows } = await db.query<Omit<Moment, 'table' | 'explainedUntil'>>(
    `select c.seq, to_char(c.committed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "committedAt",
            (select s.snapshot_id::text from lake.commits s
              where s.table_name = $1 and s.seq <= c.seq and s.snapshot_id is not null order by s.seq desc limit 1)
              as "snapshotId"
       from lake.commits c
      where c.table_name = $1 and ($2::bigint is null or c.seq <= $2)
        and ($3::timestamptz is null or c.committed_at <= $3)
      order by c.seq desc limit 1`,
    [table, until.seq ?? null, until.at ?? null],
  );
  return { table, ...(rows[0] ?? { seq: 0, snapshotId: null, committedAt: null }) };
}

/** A day, or a time (UTC unless it says otherwise), as RFC 3339. */
function timeOf(text: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  const isZoned = /(Z|[+-]\d{2}:?\d{2})$/i.test(text) || /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isoText = text.replace(' ', 'T');
  const zoned = isZoned ? isoText : `${isoText}Z`;
  return Number.isNaN(Date.parse(zoned)) ? undefined : zoned;
}
