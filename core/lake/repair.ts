import { randomUUID } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { currentSnapshotId, loadTable, lockTable } from './catalog.ts';
import { countKeys } from './commit-ledger.ts';
import { extendCoverage, shrinkCoverage, type IdRange } from './coverage.ts';
import { keyRangesOf, type KeyRange } from './key-ranges.ts';
import type { Lake } from './lake.ts';
import { currentFiles } from './scan.ts';
import { tableId, type LakeTable } from './tables.ts';

/** A range that the ledger held wrongly, or did not hold. */
export interface RepairedRange extends IdRange {
  table: string;
  change: 'held' | 'not held';
}

const differencesSql = sqlFile(import.meta.url, './sql/ledger-differences.sql');

/**
 * Makes the ledger say what the files of the newest snapshot hold, whoever brought the table there, and says what that
 * changed. For a table that another program has set back, or that differs from its ledger for any other reason. Rows
 * that are twice in the files stay twice.
 * @throws COMMIT_CONFLICT when the table changed while its files were read: nothing was done, try again.
 */
export async function repairLedger(
  lake: Lake,
  table: LakeTable,
  { spillDir }: { spillDir: string },
): Promise<RepairedRange[]> {
  const name = tableId(table);
  const { metadataLocation, files } = await currentFiles(lake, table);
  const inFiles = await keyRangesOf(table, files, spillDir);
  const changes = await lake.database.transaction(async (tx) => {
    await lockTable(tx, name);
    const base = await loadTable(lake, table, tx);
    if (base.metadataLocation !== metadataLocation) {
      throw new TicklakeError('COMMIT_CONFLICT', `${name} changed while its files were read`, {
        remedy: 'Try again; stop what writes to the table if it changes all the time.',
      });
    }
    const { added, removed } = await differences(tx, name, inFiles);
    await shrinkCoverage(tx, name, removed);
    await extendCoverage(tx, name, added);
    const snapshotId = currentSnapshotId(base.metadata)?.toString() ?? null;
    const commitId = randomUUID();
    await tx.query(
      `insert into lake.commits (commit_id, table_name, snapshot_id, parent_snapshot_id, operation, ids_added,
                                 ids_removed, ranges_added, ranges_removed, offsets)
       values ($1, $2, $3, $3, 'repair', $4, $5, $6, $7, '[]')`,
      [
        ...[commitId, name, snapshotId, countKeys(added), countKeys(removed)],
        ...[JSON.stringify(added), JSON.stringify(removed)],
      ],
    );
    await markFiles(tx, name, commitId, files, (path) => lake.store.readable(path));
    return { added, removed };
  });
  const told = [
    ...changes.removed.map((range) => ({ ...range, table: name, change: 'not held' as const })),
    ...changes.added.map((range) => ({ ...range, table: name, change: 'held' as const })),
  ];
  lake.logger.warn({ table: name, ranges: told.length }, 'the ledger was made to follow the files');
  return told;
}

async function differences(
  tx: Transaction,
  table: string,
  inFiles: readonly KeyRange[],
): Promise<{ added: IdRange[]; removed: IdRange[] }> {
  const { rows } = await tx.query<IdRange & { is_added: boolean }>(differencesSql, [
    table,
    JSON.stringify(inFiles),
  ]);
  const of = (isAdded: boolean): IdRange[] =>
    rows
      .filter((row) => row.is_added === isAdded)
      .map(({ source, listing, interval, lo, hi }) => ({
        source,
        listing,
        interval: interval ?? '',
        lo,
        hi,
      }));
  return { added: of(true), removed: of(false) };
}

/** Which files of ours the table has: those it was set back to again, and none that it has no more. */
async function markFiles(
  tx: Transaction,
  table: string,
  commitId: string,
  files: readonly string[],
  readable: (path: string) => string,
): Promise<void> {
  const { rows } = await tx.query<{ path: string; gone: boolean }>(
    'select path, removed_by is not null as gone from lake.data_files where table_name = $1',
    [table],
  );
  const present = new Set(files);
  const paths = (gone: boolean): string[] =>
    rows
      .filter((row) => row.gone === gone && present.has(readable(row.path)) === gone)
      .map(({ path }) => path);
  await tx.query('update lake.data_files set removed_by = null where path = any($1::text[])', [paths(true)]);
  await tx.query('update lake.data_files set removed_by = $1 where path = any($2::text[])', [
    commitId,
    paths(false),
  ]);
}
