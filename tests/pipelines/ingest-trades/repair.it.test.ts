import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Answer } from '#tests/core/exchanges/binance/venue.ts';
import { knowSymbols, openTestLake, recordOf, tradeRecords, type TestLake } from '#tests/support/lake.ts';
import { gaps } from '#core/lake/ledger.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { repairFromLedger } from '#pipelines/ingest-trades/repair.ts';
import { startTapeVenue, type TapeVenue } from './tape-venue.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

type Tape = (symbol: string) => readonly number[] | Answer;

/** Ids 0 to 9 and 20 to 29 of both markets are held; repair and the consumer run until the test ends. */
async function repaired(tape: Tape, settleMs = 60_000): Promise<{ venue: TapeVenue; source: string }> {
  const source = `venue-${randomUUID().slice(0, 8)}`;
  const symbols = ['BTCUSDT', 'ETHUSDT'];
  await knowSymbols(lake.database, source, symbols);
  for (const symbol of symbols) {
    await lake.log.append(tradesTopic, tradeRecords(source, symbol, 0, 10));
    await lake.log.append(tradesTopic, tradeRecords(source, symbol, 20, 30));
  }
  const consumer = await lake.startConsumer({ batchMs: 20 });
  await consumer.drained(AbortSignal.timeout(30_000));
  const venue = await startTapeVenue(source, tape);
  const stopping = new AbortController();
  const running = repairFromLedger(
    {
      exchange: venue.exchange,
      capture: {
        writeRepaired: (trades) =>
          lake.log.append(
            tradesTopic,
            trades.map((trade) => recordOf(trade, 'rest')),
          ),
      },
      ...{ database: lake.database, logger: lake.logger, metrics: lake.metrics, everyMs: 20, settleMs },
    },
    stopping.signal,
  );
  onTestFinished(async () => {
    stopping.abort();
    await running;
    await consumer.close();
    await venue.close();
  });
  return { venue, source };
}

async function listed(source: string): Promise<string[]> {
  const found = await gaps(lake.lake, { source });
  return found.map(({ symbol, from, to, cause }) => `${symbol} ${from}-${to} ${cause ?? 'missing'}`);
}

async function untilListed(source: string, expected: string[]): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (JSON.stringify(await listed(source)) !== JSON.stringify(expected)) {
    if (Date.now() >= deadline) break;
    await sleep(20);
  }
  expect(await listed(source)).toEqual(expected);
}

function ids(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

test('gaps are brought, and only ids that REST passed over are called never published', async () => {
  const { source } = await repaired((symbol) =>
    symbol === 'BTCUSDT' ? ids(0, 40) : [...ids(0, 13), ...ids(17, 40)],
  );
  await untilListed(source, ['ETHUSDT 13-17 never_published']);
});

test('what REST does not know yet stays missing until it does', async () => {
  let end = 15;
  const { venue, source } = await repaired(() => ids(0, end), 100);
  await untilListed(source, ['BTCUSDT 15-20 missing', 'ETHUSDT 15-20 missing']);
  const asked = venue.asked('ETHUSDT').length;
  while (venue.asked('ETHUSDT').length < asked + 2) await sleep(20);
  expect(await listed(source)).toEqual(['BTCUSDT 15-20 missing', 'ETHUSDT 15-20 missing']);
  end = 40;
  await untilListed(source, []);
});

test('gaps that could not be asked for are asked for again at once, those that were are left to settle', async () => {
  let isDown = true;
  const { venue, source } = await repaired(() => (isDown ? { status: 503 } : ids(0, 40)));
  while (venue.asked('BTCUSDT').length < 3) await sleep(20);
  expect(await listed(source)).toEqual(['BTCUSDT 10-20 missing', 'ETHUSDT 10-20 missing']);
  isDown = false;
  await untilListed(source, []);
  expect(venue.asked('ETHUSDT')).toEqual([{ fromId: 10, limit: 10 }]);
});

test('a market that the venue refuses to serve stays listed and keeps no other waiting', async () => {
  const { source } = await repaired((symbol) =>
    symbol === 'BTCUSDT' ? { status: 400, body: { code: -1121, msg: 'Invalid symbol.' } } : ids(0, 40),
  );
  await untilListed(source, ['BTCUSDT 10-20 missing']);
});
