import { setTimeout as sleep } from 'node:timers/promises';
import { expireSnapshots } from '#core/iceberg/retire.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import { jsonId, loadTable, lockTable } from './catalog.ts';
import { changeMetadata } from './change-metadata.ts';
import type { Lake } from './lake.ts';
import { noteOrphans } from './orphans.ts';
import { foldWithin } from './outside.ts';
import { tableId, type LakeTable } from './tables.ts';

export interface ExpireOptions {
  /** Only snapshots that are older. */
  olderThanMs?: number;
  /** The newest so many stay whatever their age. */
  keepLast?: number;
  dryRun?: boolean;
}

export interface Expiry {
  table: string;
  snapshotId: number | string;
  /** RFC 3339. */
  at: string;
}

export const snapshotAgeMsDefault = 5 * 24 * 3_600_000;
export const snapshotsKeptDefault = 20;

const attemptsMax = 10;

/**
 * Drops old snapshots of a table, but none that a tag names; `--as-of` then knows them no more. Their files are noted, and
 * deleted by `sweepOrphans` when their time has come: a read that goes on is not broken. Answers the snapshots dropped.
 * @throws COMMIT_CONFLICT when other programs won every attempt.
 */
export async function expireTable(
  lake: Lake,
  table: LakeTable,
  options: ExpireOptions = {},
): Promise<Expiry[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      const expired = await attemptExpire(lake, table, options);
      if (expired.length > 0 && options.dryRun !== true) await noteOrphans(lake, table);
      return expired;
    } catch (error) {
      if (!isTicklakeError(error, 'COMMIT_CONFLICT') || attempt >= attemptsMax) throw error;
      await sleep(Math.random() * 50 * attempt);
    }
  }
}

async function attemptExpire(
  lake: Lake,
  table: LakeTable,
  {
    olderThanMs: ageMs = snapshotAgeMsDefault,
    keepLast = snapshotsKeptDefault,
    dryRun = false,
  }: ExpireOptions,
): Promise<Expiry[]> {
  const name = tableId(table);
  return await lake.database.transaction(async (tx) => {
    await lockTable(tx, name);
    const base = await loadTable(lake, table, tx);
    const nowMs = Date.now();
    const { updates, retired } = expireSnapshots(base.metadata, {
      olderThanMs: nowMs - ageMs,
      keepLast,
      nowMs,
    });
    if (!dryRun && updates.length > 0) {
      // What another program committed must be in the ledger before its snapshot goes: afterwards nothing tells of it.
      await foldWithin(lake, tx, table, base.metadata);
      await changeMetadata(lake, tx, table, base, () => updates);
      lake.metrics
        .counter('ticklake_lake_snapshots_expired_total', 'Snapshots dropped by their age', ['table'])
        .inc({ table: name }, retired.length);
    }
    return retired.map((snapshot) => ({
      table: name,
      snapshotId: jsonId(snapshot['snapshot-id']),
      at: new Date(snapshot['timestamp-ms']).toISOString(),
    }));
  });
}
