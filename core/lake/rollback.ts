import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { rollbackTo } from '#core/iceberg/refs.ts';
import type { Long } from '#core/iceberg/types.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { snapshotAsOf } from './as-of.ts';
import { currentSnapshotId, jsonId, loadTable, lockTable } from './catalog.ts';
import { changeMetadata } from './change-metadata.ts';
import { countKeys } from './commit-ledger.ts';
import { extendCoverage, shrinkCoverage, type IdRange } from './coverage.ts';
import type { Lake } from './lake.ts';
import { foldWithin } from './outside.ts';
import { noSnapshotOf } from './tags.ts';
import { klines, tableId, trades, type LakeTable } from './tables.ts';

export interface Rollback {
  table: string;
  /** The newest snapshot before, and the one that is the newest now. */
  from: number | string;
  to: number | string;
  /** Snapshots undone, those of other programs included. */
  snapshots: number;
  /** Ids or bars that are held no more, and those that are held again. */
  removed: number;
  restored: number;
}

const attemptsMax = 10;
/** What a venue can be asked for again. */
const brought: readonly LakeTable[] = [trades, klines];
const wantAgainSql = sqlFile(import.meta.url, './sql/want-again.sql');
const explainAgainSql = sqlFile(import.meta.url, './sql/explain-again.sql');
const netChangeSql = sqlFile(import.meta.url, './sql/net-change.sql');

/**
 * Sets a table back to an earlier snapshot (its id, a tag, or a time): pointer and coverage in one transaction, which
 * applies the inverse of the commits undone. Where a log was read up to stays: what is held no more is wanted, so that it
 * shows among the gaps and is brought again from the venue. The snapshots undone stay until they expire.
 * @throws NOT_FOUND for an unknown snapshot, BAD_REQUEST for one that did not lead to the newest, COMMIT_CONFLICT when
 *   other programs won every attempt.
 */
export async function rollbackTable(
  lake: Lake,
  table: LakeTable,
  asOf: string,
  options: { dryRun?: boolean } = {},
): Promise<Rollback> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptRollback(lake, table, asOf, options.dryRun ?? false);
    } catch (error) {
      if (!isTicklakeError(error, 'COMMIT_CONFLICT') || attempt >= attemptsMax) throw error;
      await sleep(Math.random() * 50 * attempt);
    }
  }
}

async function attemptRollback(
  lake: Lake,
  table: LakeTable,
  asOf: string,
  dryRun: boolean,
): Promise<Rollback> {
  const name = tableId(table);
  const undo = new DryRun();
  let rollback: Rollback | undefined;
  await lake.database
    .transaction(async (tx) => {
      await lockTable(tx, name);
      const base = await loadTable(lake, table, tx);
      const { metadata } = base;
      await foldWithin(lake, tx, table, metadata);
      const from = currentSnapshotId(metadata);
      const to = snapshotAsOf(metadata, asOf);
      if (from === null || to === null || to === undefined) throw noSnapshotOf(table, asOf);
      const change = {
        from: jsonId(from),
        to: jsonId(to),
        table: name,
        snapshots: 0,
        removed: 0,
        restored: 0,
      };
      if (String(from) === String(to)) {
        rollback = change;
        return;
      }
      const undone = await commitsSince(tx, name, to);
      const snapshots = stepsBack(undone, { from, to });
      if (snapshots === undefined) throw notBehind(table, to);
      const net = await undoCommits(tx, name, undone, { from, to });
      if (brought.includes(table)) {
        await tx.query(wantAgainSql, [name, JSON.stringify(net.removed), JSON.stringify(net.before)]);
      }
      rollback = { ...change, snapshots, removed: countKeys(net.removed), restored: countKeys(net.added) };
      if (dryRun) throw undo;
      await changeMetadata(lake, tx, table, base, () => [rollbackTo(metadata, to, { isAncestor: true })]);
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  if (rollback === undefined) throw new Error('a rollback told nothing of what it did');
  if (!dryRun) lake.logger.warn(rollback, 'a table was set back');
  return rollback;
}

function notBehind(table: LakeTable, snapshotId: Long): TicklakeError {
  return new TicklakeError(
    'BAD_REQUEST',
    `snapshot ${snapshotId} did not lead to the newest of ${tableId(table)}`,
    { remedy: 'Roll back to a snapshot that did; `ticklake lake snapshots` lists all that are kept.' },
  );
}

/** Thrown to undo a transaction that was only tried. */
class DryRun extends Error {}

interface Undone {
  seq: number;
  commit_id: string;
  /** RFC 3339. */
  committed_at: string;
  operation: string;
  snapshot_id: string;
  parent_snapshot_id: string | null;
  ranges_added: IdRange[];
  ranges_removed: IdRange[];
}

/** Takes the ledger back to where the snapshot's commit left it, and writes that down as a commit of its own. */
async function undoCommits(
  tx: Transaction,
  table: string,
  undone: readonly Undone[],
  { from, to }: { from: Long; to: Long },
): Promise<{ before: IdRange[]; added: IdRange[]; removed: IdRange[] }> {
  const { rows: before } = await tx.query<IdRange>(
    'select source, listing, "interval", lo, hi from lake.coverage where table_name = $1',
    [table],
  );
  for (const { ranges_added: added, ranges_removed: removed } of undone) {
    await shrinkCoverage(tx, table, added);
    await extendCoverage(tx, table, removed);
  }
  await tx.query(explainAgainSql, [table, undone.map(({ committed_at: at }) => at).at(-1) ?? null]);
  const { rows } = await tx.query<IdRange & { is_added: boolean }>(netChangeSql, [
    table,
    JSON.stringify(before),
  ]);
  const ranges = (isAdded: boolean): IdRange[] =>
    rows
      .filter((row) => row.is_added === isAdded)
      .map(({ source, listing, interval, lo, hi }) => ({
        source,
        listing,
        interval: interval ?? '',
        lo,
        hi,
      }));
  const net = { before, added: ranges(true), removed: ranges(false) };
  const commitId = randomUUID();
  await tx.query(
    `insert into lake.commits (commit_id, table_name, snapshot_id, parent_snapshot_id, operation, ids_added,
                               ids_removed, ranges_added, ranges_removed, offsets)
     values ($1, $2, $3, $4, 'rollback', $5, $6, $7, $8, '[]')`,
    [
      ...[commitId, table, String(to), String(from), countKeys(net.added), countKeys(net.removed)],
      ...[JSON.stringify(net.added), JSON.stringify(net.removed)],
    ],
  );
  const ids = undone.map(({ commit_id: id }) => id);
  await tx.query('update lake.data_files set removed_by = null where removed_by = any($1::uuid[])', [ids]);
  await tx.query('update lake.data_files set removed_by = $2 where commit_id = any($1::uuid[])', [
    ids,
    commitId,
  ]);
  return net;
}

/**
 * How many snapshots lie between, by the commits that made them: the metadata may know some of them no more, as they have
 * expired. Undefined where the older one did not lead to the newer.
 */
function stepsBack(undone: readonly Undone[], { from, to }: { from: Long; to: Long }): number | undefined {
  let id: string | null = String(from);
  let steps = 0;
  for (const commit of undone) {
    const made = commit.operation !== 'rollback' && commit.operation !== 'repair';
    if (!made || commit.snapshot_id !== id) continue;
    id = commit.parent_snapshot_id;
    steps++;
  }
  return id === String(to) ? steps : undefined;
}

/** The commits that followed the snapshot's, newest first. */
async function commitsSince(tx: Transaction, table: string, snapshotId: Long): Promise<Undone[]> {
  const { rows } = await tx.query<{ seq: number | null }>(
    'select max(seq) as seq from lake.commits where table_name = $1 and snapshot_id = $2',
    [table, String(snapshotId)],
  );
  const seq = rows[0]?.seq;
  if (seq === undefined || seq === null) {
    throw new TicklakeError('NOT_FOUND', `the ledger of ${table} knows no commit of snapshot ${snapshotId}`, {
      remedy: 'Choose a later snapshot.',
    });
  }
  const undone = await tx.query<Undone>(
    `select seq, commit_id, committed_at::text, operation, snapshot_id::text, parent_snapshot_id::text, ranges_added,
            ranges_removed
       from lake.commits
      where table_name = $1 and seq > $2 and snapshot_id is not null order by seq desc`,
    [table, seq],
  );
  return undone.rows;
}
