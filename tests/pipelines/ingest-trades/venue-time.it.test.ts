import { afterAll, beforeAll, expect, test } from 'vitest';
import { tradesTopic } from '#core/market/topics.ts';
import { noteVenueTime } from '#pipelines/ingest-trades/symbols.ts';
import { knowSymbols, openTestLake, recordOf, tradeOf, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;
const symbol = 'BTCUSDT';
const hourUs = 3_600_000_000;
const startUs = Date.parse('2024-03-05T00:00:00Z') * 1_000;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

/** Commits trades with ids from `firstId` on, at these times. */
async function ingest(source: string, firstId: number, timesUs: readonly number[]): Promise<void> {
  const records = timesUs.map((timestampUs, index) =>
    recordOf({ ...tradeOf(source, symbol, firstId + index), timestampUs }),
  );
  await lake.log.append(tradesTopic, records);
  const consumer = await lake.startConsumer();
  await Promise.race([consumer.drained(AbortSignal.timeout(30_000)), consumer.failed]);
  await consumer.close();
}

async function refusedIds(source: string): Promise<number[]> {
  const { rows } = await lake.database.query<{ trade_id: number }>(
    `select trade_id from ingest.dead_letters where source = $1 and reason = 'timestamp is out of range' order by id`,
    [source],
  );
  return rows.map((row) => row.trade_id);
}

test('accepted trades move the clock of a venue on, single wrong times do not', async () => {
  const source = 'simulator:1';
  await knowSymbols(lake.database, source, [symbol]);
  await noteVenueTime(lake.database, source, startUs);
  const at = (hours: number) => startUs + hours * hourUs;
  await ingest(source, 0, [at(20), at(20), at(20)]);
  await ingest(source, 3, [at(40), at(40), at(40)]);
  expect(await refusedIds(source)).toEqual([]);
  await ingest(source, 6, [at(41), at(41), at(60), at(70)]);
  expect(await refusedIds(source)).toEqual([9]);
  await ingest(source, 10, [at(66)]);
  expect(await refusedIds(source)).toEqual([9, 10]);
});

test('trades of a venue without a clock are judged by ours, also after old ones', async () => {
  const source = 'replayed';
  await knowSymbols(lake.database, source, [symbol]);
  await ingest(source, 0, [startUs, startUs]);
  await ingest(source, 2, [Date.now() * 1_000, Date.now() * 1_000 + 48 * hourUs]);
  expect(await refusedIds(source)).toEqual([3]);
});
