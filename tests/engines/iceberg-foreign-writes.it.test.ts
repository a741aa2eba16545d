import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changesOf, historyFrom, snapshotsSince, type History } from '#core/iceberg/changes.ts';
import { localPath } from '#core/iceberg/location.ts';
import { parseMetadata } from '#core/iceberg/metadata.ts';
import { rebaseCheck } from '#core/iceberg/rebase.ts';
import { planScan } from '#core/iceberg/scan.ts';
import { currentSchema } from '#core/iceberg/schema.ts';
import type { FileEntry, TableMetadata } from '#core/iceberg/types.ts';
import { diskIO } from '#tests/core/iceberg/file-io.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { append, newTradesTable, openDuckDb, saveMetadata, writeTrades } from './trades-table.ts';

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  timeout: 240_000,
};

interface Written {
  metadata: string;
  /** Per step, the snapshots it made: id and operation. */
  made: [id: string, operation: string][][];
}

describe('what PyIceberg does to a table of ours', needsPython, () => {
  let directory: string;
  let duck: DuckDBConnection;
  let ours: TableMetadata;
  let theirs: TableMetadata;
  let written: Written;
  const first = { day: '2026-03-01', symbol: 'BTCUSDT', firstId: 1, count: 100 };
  const second = { day: '2026-03-02', symbol: 'BTCUSDT', firstId: 101, count: 50 };

  beforeAll(async () => {
    if ((await pythonEnvironment()) === undefined) return;
    directory = await mkdtemp(join(tmpdir(), 'ticklake-foreign-writes-'));
    duck = await openDuckDb();
    const table = newTradesTable(join(directory, 'trades'));
    ours = await append(table, [
      await writeTrades(duck, table.location, first),
      await writeTrades(duck, table.location, second),
    ]);
    written = await python<Written>('engines/iceberg_writer.py', {
      catalog: `sqlite:///${join(directory, 'catalog.db')}`,
      warehouse: `file://${directory}`,
      metadata: await saveMetadata(ours),
      steps: [
        ['append', { day: '2026-03-03', symbol: 'ETHUSDT', firstId: 1_000, count: 10 }],
        ['delete', 'trade_id >= 91 and trade_id <= 120'],
        ['delete', "date = '2026-03-03'"],
        [
          'overwrite',
          {
            where: "date = '2026-03-01'",
            with: { day: '2026-03-01', symbol: 'BTCUSDT', firstId: 1, count: 95 },
          },
        ],
        ['rename', ['volume', 'quantity']],
      ],
    });
    theirs = parseMetadata(await readFile(localPath(written.metadata) ?? '', 'utf8'));
  });

  afterAll(async () => {
    duck.closeSync();
    await rm(directory, { recursive: true, force: true });
  });

  it('is told snapshot by snapshot, with the rows that came and went', async () => {
    const since = snapshotsSince(theirs, ours['current-snapshot-id']) ?? expect.fail('no way back');
    expect(since.map((snapshot) => [String(snapshot['snapshot-id']), snapshot.summary['operation']])).toEqual(
      written.made.flat(),
    );
    const told = await Promise.all(
      since.map(async (snapshot) => {
        const { added, removed, addedDeletes, removedDeletes } = await changesOf(diskIO, theirs, snapshot);
        expect([addedDeletes, removedDeletes]).toEqual([[], []]);
        expect(countOf(added), 'added, by the summary').toBe(Number(snapshot.summary['added-records'] ?? 0));
        expect(countOf(removed), 'removed, by the summary').toBe(
          Number(snapshot.summary['deleted-records'] ?? 0),
        );
        return [await idsIn(added), await idsIn(removed)];
      }),
    );
    expect(told).toEqual([
      // The append.
      ['10: 1000-1009', '0'],
      // Both days' files are written anew without the rows that were deleted.
      ['120: 1-150', '150: 1-150'],
      ['0', '10: 1000-1009'],
      // An overwrite is a delete and an append.
      ['0', '90: 1-90'],
      ['95: 1-95', '0'],
    ]);
  });

  it('is seen by a replacement that was made before', async () => {
    const wanted = (await planScan({ io: diskIO, metadata: ours })).files;
    const rebase = await rebaseCheck({
      io: diskIO,
      metadata: theirs,
      basis: ours['current-snapshot-id'],
      wanted,
    });
    if (!rebase.descends) expect.fail('the basis is an ancestor');
    expect(rebase.live).toEqual([]);
    expect(rebase.gone.toSorted()).toEqual(wanted.map(({ path }) => path).toSorted());
    expect(rebase.addedDeletes).toEqual([]);
    expect(await idsIn(rebase.added)).toBe('125: 1-150');
    expect(await idsIn((await planScan({ io: diskIO, metadata: theirs })).files)).toBe('125: 1-150');
  });

  it('includes their schema, in which columns keep their ids', () => {
    expect(currentSchema(theirs).fields.map(({ id, name }) => [id, name])).toContainEqual([4, 'quantity']);
  });

  it('is told when they set the table back', async () => {
    const back = await python<Written>('engines/iceberg_writer.py', {
      catalog: `sqlite:///${join(directory, 'back.db')}`,
      warehouse: `file://${directory}`,
      metadata: written.metadata,
      steps: [
        ['rollback', String(ours['current-snapshot-id'])],
        ['append', { day: '2026-03-04', symbol: 'ETHUSDT', firstId: 1_010, count: 5 }],
      ],
    });
    const metadata = parseMetadata(await readFile(localPath(back.metadata) ?? '', 'utf8'));
    const history: History | undefined = historyFrom(metadata, theirs['current-snapshot-id']);
    expect(history?.undone.map((snapshot) => String(snapshot['snapshot-id']))).toEqual(
      written.made
        .flat()
        .map(([id]) => id)
        .reverse(),
    );
    expect(history?.done.map((snapshot) => String(snapshot['snapshot-id']))).toEqual(
      back.made.flat().map(([id]) => id),
    );
    expect(snapshotsSince(metadata, theirs['current-snapshot-id'])).toBeUndefined();
    expect(snapshotsSince(metadata, ours['current-snapshot-id'])).toEqual(history?.done);
    expect(await idsIn((await planScan({ io: diskIO, metadata })).files)).toBe('155: 1-1014');
  });

  /** How many trades files hold, and from which id to which. */
  async function idsIn(files: readonly FileEntry[]): Promise<string> {
    if (files.length === 0) return '0';
    const list = files.map(({ path }) => `'${localPath(path) ?? ''}'`).join(', ');
    const reader = await duck.runAndReadAll(
      `select count(*) || ': ' || min(trade_id) || '-' || max(trade_id) as ids
         from read_parquet([${list}], hive_partitioning = false)`,
    );
    return String(reader.getRowObjectsJson()[0]?.['ids']);
  }
});

function countOf(files: readonly FileEntry[]): number {
  return files.reduce((sum, file) => sum + file.recordCount, 0);
}
