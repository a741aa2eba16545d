import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localPath } from '#core/iceberg/location.ts';
import { findSnapshot, parseMetadata } from '#core/iceberg/metadata.ts';
import { applyTransform } from '#core/iceberg/partition.ts';
import { planScan } from '#core/iceberg/scan.ts';
import { currentSchema } from '#core/iceberg/schema.ts';
import type { SchemaField, TableMetadata } from '#core/iceberg/types.ts';
import { parseValue } from '#core/iceberg/values.ts';
import { diskIO } from '#tests/core/iceberg/file-io.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { askForeignReaders, jdbcCatalogTables, type JdbcCatalog } from './foreign.ts';
import { append, openDuckDb, saveMetadata, totalsOf, writeTrades } from './trades-table.ts';

interface Written {
  metadata: string;
  snapshotId: string;
  summary: Record<string, string>;
  files: string[];
}

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  // Each question starts a Python, which takes seconds on a busy machine.
  timeout: 180_000,
};

describe("a table of PyIceberg's", needsPython, () => {
  let directory: string;
  let duck: DuckDBConnection;
  let postgres: Awaited<ReturnType<typeof startTestPostgres>>;
  let client: pg.Client;
  let catalog: JdbcCatalog;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ticklake-pyiceberg-'));
    duck = await openDuckDb();
    postgres = await startTestPostgres();
    client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.query(jdbcCatalogTables);
    catalog = {
      name: 'ticklake',
      uri: postgres.url.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
      warehouse: `file://${directory}`,
      table: 'market.foreign',
    };
  });

  afterAll(async () => {
    await client.end();
    await postgres.close();
    duck.closeSync();
    await rm(directory, { recursive: true, force: true });
  });

  it('is read, appended to, tagged, deleted from and appended to again by turns', async () => {
    const theirs = await python<Written>('engines/pyiceberg_writer.py', {
      catalog,
      create: true,
      append: [
        { day: '2026-01-31', symbol: 'ETH/USDT', firstId: 10, count: 20 },
        { day: '2026-02-01', symbol: 'ETH/USDT', firstId: 30, count: 20 },
        { day: '2026-02-01', symbol: 'BTC/USDT', firstId: 1, count: 5 },
      ],
      tag: 'before',
    });
    let metadata = await load(theirs.metadata);
    // PyIceberg's ids have 63 bits.
    expect(String(metadata['current-snapshot-id'])).toBe(theirs.snapshotId);
    const plan = await planScan({ io: diskIO, metadata });
    expect(plan.files.map((file) => file.path).toSorted()).toEqual(theirs.files);
    const february = await planScan({
      io: diskIO,
      metadata,
      filter: [
        { column: 'timestamp', op: '>', value: '2026-02-01 00:00:00+00' },
        { column: 'symbol', op: '=', value: 'ETH/USDT' },
      ],
    });
    expect(february.files.map((file) => file.partition)).toEqual([
      { symbol: 'ETH/USDT', timestamp_month: 673 },
    ]);

    const fields: SchemaField[] = currentSchema(metadata).fields;
    const batch = { day: '2026-03-05', symbol: 'BTC/USDT', firstId: 100, count: 40 };
    const file = await writeTrades(duck, localPath(metadata.location) ?? '', batch, fields);
    const month = applyTransform('month', 'timestamptz', parseValue('timestamptz', batch.day));
    metadata = await append(metadata, [
      { ...file, path: `file://${file.path}`, partition: { symbol: batch.symbol, timestamp_month: month } },
    ]);
    const ours = await saveMetadata(metadata);
    await movePointer(theirs.metadata, ours);
    await expectAgreement(ours, '85');

    const deleted = await python<Written>('engines/pyiceberg_writer.py', {
      catalog,
      delete: 'trade_id >= 40 and trade_id < 110',
      append: [{ day: '2026-03-06', symbol: 'BTC/USDT', firstId: 200, count: 3 }],
    });
    expect(deleted.summary).toMatchObject({ 'total-records': '68' });
    await expectAgreement(deleted.metadata, '68');
    const after = await load(deleted.metadata);
    // Time travel: the tag still has what was deleted.
    const before = findSnapshot(after, after.refs['before']?.['snapshot-id']);
    const then = await planScan({ io: diskIO, metadata: after, ...snapshotOption(before) });
    expect(then.files.map(({ path }) => path).toSorted()).toEqual(theirs.files);

    // Retiring snapshots spares the tag's; merging rewrites the entries PyIceberg left as existing.
    const last = { ...batch, day: '2026-03-07', firstId: 300, count: 7 };
    const lastFile = await writeTrades(duck, localPath(after.location) ?? '', last, fields);
    const merged = await append(
      after,
      [{ ...lastFile, partition: { symbol: last.symbol, timestamp_month: month } }],
      { smallManifestsMax: 1, maxSnapshots: 1 },
    );
    expect(merged.snapshots.map((snapshot) => snapshot['snapshot-id']).toSorted()).toEqual(
      [before?.['snapshot-id'], merged['current-snapshot-id']].toSorted(),
    );
    const final = await saveMetadata(merged);
    await movePointer(deleted.metadata, final);
    await expectAgreement(final, '75');
  });

  async function load(location: string): Promise<TableMetadata> {
    return parseMetadata(await readFile(localPath(location) ?? '', 'utf8'));
  }

  async function movePointer(from: string, to: string): Promise<void> {
    const { rowCount } = await client.query(
      'update iceberg_tables set metadata_location = $2, previous_metadata_location = $1 where metadata_location = $1',
      [from, to],
    );
    expect(rowCount).toBe(1);
  }

  async function expectAgreement(location: string, trades: string): Promise<void> {
    const plan = await planScan({ io: diskIO, metadata: await load(location) });
    const ours = await totalsOf(
      duck,
      plan.files.map(({ path }) => path),
    );
    const foreign = await askForeignReaders(location, { all: { where: 'true' } }, catalog);
    expect(ours['trades']).toBe(trades);
    expect(foreign.static.all).toEqual({ totals: ours, files: plan.files.length });
    expect(foreign.catalog?.all).toEqual(foreign.static.all);
    expect(foreign.duckdb.all.totals).toEqual(ours);
    expect(plan.snapshot?.summary['total-records']).toBe(trades);
  }
});

function snapshotOption(snapshot: { 'snapshot-id': number | bigint } | undefined): {
  snapshotId?: number | bigint;
} {
  return snapshot === undefined ? {} : { snapshotId: snapshot['snapshot-id'] };
}
