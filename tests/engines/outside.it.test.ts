import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { query } from '#core/lake/engine.ts';
import { coverage, gaps } from '#core/lake/ledger.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { trades } from '#core/lake/tables.ts';
import { verifyTable, type ListingVerdict } from '#core/lake/verify.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { knowSymbols, openTestLake, tradeRecords, type TestLake } from '#tests/support/lake.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  timeout: 240_000,
};
const symbol = 'BTCUSDT';
const source = 'venue';
let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
  await knowSymbols(lake.database, source, [symbol]);
});
afterAll(async () => {
  await lake.close();
});

async function ingest(from: number, to: number): Promise<void> {
  await lake.log.append(tradesTopic, tradeRecords(source, symbol, from, to));
  const consumer = await lake.startConsumer();
  await Promise.race([consumer.drained(AbortSignal.timeout(30_000)), consumer.failed]);
  await consumer.close();
}

async function byPyIceberg(work: Record<string, unknown>): Promise<void> {
  await python('engines/pyiceberg_writer.py', {
    catalog: {
      name: 'ticklake',
      uri: lake.url.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
      warehouse: lake.lake.store.root,
      table: 'market.trades',
    },
    ...work,
  });
}

async function verdict(): Promise<
  Pick<ListingVerdict, 'ok' | 'held' | 'inFiles' | 'missing' | 'duplicates'>
> {
  const { listings } = await verifyTable(lake.lake, trades, { spillDir: lake.spillDir });
  const [listing] = listings;
  if (listing === undefined) throw new Error('the table has no listing');
  const { ok, held, inFiles, missing, duplicates } = listing;
  return { ok, held, inFiles, missing, duplicates };
}

async function countRows(): Promise<number> {
  const { rows } = await query(lake.lake, 'select count(*) as n from market.trades', {
    spillDir: lake.spillDir,
  });
  return Number(rows[0]?.['n']);
}

describe("PyIceberg's commits to our table", needsPython, () => {
  it('are found by verify, and taken into the ledger by the next commit', async () => {
    await ingest(0, 100);
    await byPyIceberg({ append: [{ day: '2026-03-01', symbol, source, firstId: 100, count: 20 }] });
    expect(await countRows()).toBe(120);
    expect(await verdict()).toEqual({ ok: false, held: 100, inFiles: 120, missing: 0, duplicates: 0 });

    // The stream brings the same ids once more, and some that are new.
    await ingest(90, 150);
    expect(await countRows()).toBe(150);
    expect(await verdict()).toEqual({ ok: true, held: 150, inFiles: 150, missing: 0, duplicates: 0 });

    await byPyIceberg({ delete: 'trade_id >= 40 and trade_id < 60' });
    expect(await verdict()).toEqual({ ok: false, held: 150, inFiles: 130, missing: 0, duplicates: 0 });
    await ingest(150, 160);
    expect(await verdict()).toEqual({ ok: false, held: 140, inFiles: 140, missing: 20, duplicates: 0 });
    expect(await gaps(lake.lake, { source })).toMatchObject([{ from: 40, to: 60, kind: 'missing' }]);

    // What is missing comes again by the ordinary way.
    await ingest(35, 65);
    expect(await verdict()).toEqual({ ok: true, held: 160, inFiles: 160, missing: 0, duplicates: 0 });
    expect(await coverage(lake.lake, { source })).toMatchObject([{ lo: 0, hi: 160, held: 160 }]);
    expect((await listSnapshots(lake.lake, trades)).length).toBeGreaterThan(5);
  });

  it('that bring ids a second time do not stop ingest, and verify shows them', async () => {
    await byPyIceberg({ append: [{ day: '2026-03-01', symbol, source, firstId: 10, count: 5 }] });
    await ingest(160, 170);
    expect(await verdict()).toEqual({ ok: false, held: 170, inFiles: 175, missing: 0, duplicates: 5 });
  });

  it('that set the table back stop appends', async () => {
    const before = await lake.database.query<{
      metadata_location: string;
      previous_metadata_location: string;
    }>(
      "select metadata_location, previous_metadata_location from iceberg_tables where table_name = 'trades'",
    );
    const { metadata_location: newest, previous_metadata_location: older } = before.rows[0] ?? {};
    const point = async (location: unknown): Promise<void> => {
      await lake.database.query(
        "update iceberg_tables set metadata_location = $1 where table_name = 'trades'",
        [location],
      );
    };
    await point(older);
    await lake.log.append(tradesTopic, tradeRecords(source, symbol, 170, 180));
    const consumer = await lake.startConsumer();
    await expect(consumer.failed).rejects.toMatchObject({ code: 'TABLE_DIVERGED' });
    await consumer.close();

    await point(newest);
    await ingest(180, 190);
    expect(await verdict()).toMatchObject({ held: 190, missing: 0 });
  });
});
