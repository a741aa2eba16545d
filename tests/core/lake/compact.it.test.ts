import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compactTable } from '#core/lake/compact.ts';
import { query } from '#core/lake/engine.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { trades } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { knowSymbols, openTestLake, tradeRecords, type TestLake } from '#tests/support/lake.ts';

const source = 'venue';
const symbols = ['BTCUSDT', 'ETHUSDT'];
let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
  await knowSymbols(lake.database, source, symbols);
});
afterAll(async () => {
  await lake.close();
});

/** Commits batches of 100 ids of each market one by one, so that each makes a file. */
async function ingest(from: number, to: number): Promise<void> {
  const consumer = await lake.startConsumer();
  for (let id = from; id < to; id += 100) {
    const records = symbols.flatMap((symbol) => tradeRecords(source, symbol, id, id + 100));
    await lake.log.append(tradesTopic, records);
    await Promise.race([consumer.drained(AbortSignal.timeout(30_000)), consumer.failed]);
  }
  await consumer.close();
}

async function expectAll(ids: number): Promise<void> {
  const verdict = await verifyTable(lake.lake, trades, { spillDir: lake.spillDir, deep: true });
  expect(verdict.damaged).toEqual([]);
  expect(verdict.listings.map(({ ok, held, inFiles }) => ({ ok, held, inFiles }))).toEqual(
    symbols.map(() => ({ ok: true, held: ids, inFiles: ids })),
  );
}

test('small files become one that holds the same rows, sorted', async () => {
  await ingest(0, 1_000);
  const before = await currentFiles(lake.lake, trades);
  expect(before.files.length).toBeGreaterThanOrEqual(10);
  const options = { spillDir: lake.spillDir };
  const planned = await compactTable(lake.lake, trades, { ...options, dryRun: true });
  expect(planned).toMatchObject([{ files: before.files.length, rows: 2_000, bytesAfter: null }]);
  expect((await currentFiles(lake.lake, trades)).files).toEqual(before.files);

  const [done] = await compactTable(lake.lake, trades, options);
  expect(done).toMatchObject({ files: before.files.length, rows: 2_000, bytesBefore: before.bytes });
  const after = await currentFiles(lake.lake, trades);
  expect(after.files).toHaveLength(1);
  expect(after).toMatchObject({ rows: 2_000, bytes: done?.bytesAfter });
  await expectAll(1_000);
  const { rows } = await query(
    lake.lake,
    'select symbol, trade_id::integer as id from market.trades',
    options,
  );
  expect(rows).toEqual(
    rows.toSorted((a, b) => compare(a['symbol'], b['symbol']) || compare(a['id'], b['id'])),
  );
  const [newest, one] = await listSnapshots(lake.lake, trades);
  expect(newest).toMatchObject({ operation: 'replace', totalRecords: 2_000 });
  const then = await query(lake.lake, 'select count(*) as n from market.trades', {
    ...options,
    asOf: String(one?.snapshotId),
  });
  expect(then.rows).toEqual([{ n: '2000' }]);
  expect(await compactTable(lake.lake, trades, options)).toEqual([]);
});

test('ingest goes on meanwhile, and nothing is lost or doubled', async () => {
  let ended = false;
  const ingesting = ingest(1_000, 4_000).finally(() => (ended = true));
  let joined = 0;
  while (!ended) {
    for (const { files } of await compactTable(lake.lake, trades, { spillDir: lake.spillDir, filesMin: 3 })) {
      joined += files;
    }
    await sleep(10);
  }
  await ingesting;
  expect(joined).toBeGreaterThan(3);
  await expectAll(4_000);
});

test('two compactions at once: one of them leaves the files to the other', async () => {
  await ingest(4_000, 5_000);
  const options = { spillDir: lake.spillDir, filesMin: 3 };
  const results = await Promise.all([
    compactTable(lake.lake, trades, options),
    compactTable(lake.lake, trades, options),
  ]);
  expect(results.flat().filter(({ bytesAfter }) => bytesAfter !== null).length).toBeGreaterThanOrEqual(1);
  await expectAll(5_000);
});

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}
