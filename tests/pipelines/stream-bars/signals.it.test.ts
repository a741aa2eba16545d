import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Trade } from '#core/market/trade.ts';
import { noteVenueTime } from '#pipelines/ingest-trades/symbols.ts';
import { publishSignals } from '#pipelines/publish-signals/publish.ts';
import { knowSymbols, openTestLake, type TestLake } from '#tests/support/lake.ts';
import {
  rowsOf,
  append,
  makeTopics,
  minuteUs,
  recordsOf,
  said,
  startBars,
  startUs,
  stream,
} from './support.ts';

let lake: TestLake;
const symbol = 'BTCUSDT';

beforeAll(async () => {
  lake = await openTestLake();
  await makeTopics(lake);
});
afterAll(async () => {
  await lake.close();
});

async function venue(): Promise<string> {
  const source = `venue-${randomUUID().slice(0, 8)}`;
  await knowSymbols(lake.database, source, [symbol]);
  await noteVenueTime(lake.database, source, startUs);
  return source;
}

/** One trade a minute, of prices that swing so that averages cross now and then. */
function swings(source: string, minutes: number): Trade[] {
  return Array.from({ length: minutes }, (_, minute) => ({
    ...{ source, symbol, tradeId: 100 + minute, volume: '0.5', side: 'buy' as const },
    price: (1_000 + 80 * Math.sin(minute / 45) + 15 * Math.sin(minute / 11)).toFixed(2),
    timestampUs: startUs + minute * minuteUs + 1_000,
  }));
}

/** Where the mean of 50 closes comes to stand on the other side of that of 200, by a plain loop. */
function crossings(closes: readonly number[]): { minute: number; signal: string }[] {
  const mean = (from: number, to: number): number =>
    closes.slice(from, to).reduce((sum, close) => sum + close, 0) / (to - from);
  const found: { minute: number; signal: string }[] = [];
  let before = 0;
  for (let i = 199; i < closes.length; i++) {
    const side = Math.sign(mean(i - 49, i + 1) - mean(i - 199, i + 1));
    if (before !== 0 && side !== 0 && side !== before)
      found.push({ minute: i, signal: side > 0 ? 'BUY' : 'SELL' });
    if (side !== 0) before = side;
  }
  return found;
}

function expectedOf(trades: readonly Trade[]): [number, string][] {
  // The last minute is open still.
  const closes = trades.slice(0, -1).map(({ price }) => Number(price));
  return crossings(closes).map(({ minute, signal }) => [startUs + minute * minuteUs, signal]);
}

async function signalsOf(source: string): Promise<[number, string][]> {
  const records = await recordsOf(lake, 'signals', source);
  expect(new Set(records.map((record) => record.signal_id)).size).toBe(records.length);
  return records
    .filter(({ interval }) => interval === '1m')
    .toSorted((a, b) => a.open_us - b.open_us)
    .map(({ open_us: openUs, signal }) => [openUs, signal]);
}

describe('crossings of moving averages', () => {
  test('are said once each, under restarts and trades that come twice', async () => {
    const source = await venue();
    const trades = swings(source, 900);
    const expected = expectedOf(trades);
    expect(expected.length).toBeGreaterThan(3);
    for (let from = 0; from < trades.length; from += 180) {
      // Some of what was before comes again.
      await append(lake, trades.slice(Math.max(0, from - 50), from + 180));
      await stream(lake);
    }
    expect(await signalsOf(source)).toEqual(expected);
    const { rows } = await lake.database.query<{ count: number }>(
      `select count(*) as count from stream.signals where source = $1 and "interval" = '1m' and sent`,
      [source],
    );
    expect(rows[0]?.count).toBe(expected.length);
    expect(await publishSignals(lake.lake, lake.spillDir)).toMatchObject({ unchanged: false });
    const published = await rowsOf(
      lake,
      `select epoch_us(open_time)::bigint as us, signal from signals.signals
        where source = '${source}' and "interval" = '1m' order by open_time`,
    );
    expect(published.map(({ us, signal }) => [Number(us), signal])).toEqual(expected);
    expect(await publishSignals(lake.lake, lake.spillDir)).toMatchObject({ unchanged: true });
  });

  test('are said of bars as they come one by one, as of many at once', async () => {
    const source = await venue();
    const trades = swings(source, 420);
    const [first] = expectedOf(trades);
    const crossing = ((first?.[0] ?? 0) - startUs) / minuteUs;
    const consumer = await startBars(lake);
    try {
      await append(lake, trades.slice(0, crossing - 8));
      await said(consumer);
      for (const trade of trades.slice(crossing - 8, crossing + 8)) {
        await append(lake, [trade]);
        await said(consumer);
      }
      await append(lake, trades.slice(crossing + 8));
      await said(consumer);
    } finally {
      await consumer.close();
    }
    expect(await signalsOf(source)).toEqual(expectedOf(trades));
    const signal = (await recordsOf(lake, 'signals', source)).find(({ interval }) => interval === '1m');
    expect(signal).toMatchObject({ strategy: 'ma_crossover', symbol, version: '1' });
    expect(signal?.reason).toMatch(/average of 50 closes/);
  });

  test('stand when their bar is revised, and are marked; the other direction comes next, not the same', async () => {
    const source = await venue();
    const trades = swings(source, 500);
    const [first] = expectedOf(trades);
    if (first === undefined) throw new Error('the swings cross');
    // Of the bar of the first crossing one trade more comes after its signal.
    const late = trades.find(({ timestampUs }) => timestampUs === first[0] + 1_000);
    if (late === undefined) throw new Error('every minute has a trade');
    const following = trades.indexOf(late) + 1;
    const shifted = trades.map((trade, i) =>
      i < following ? trade : { ...trade, tradeId: trade.tradeId + 1 },
    );
    const extra = { ...late, tradeId: late.tradeId + 1, timestampUs: late.timestampUs + 1_000 };
    const consumer = await startBars(lake);
    try {
      await append(lake, shifted.slice(0, following + 3));
      await said(consumer);
      await noteVenueTime(lake.database, source, first[0] + 3 * minuteUs);
      await expect
        .poll(async () => (await recordsOf(lake, 'signals', source)).length, {
          timeout: 30_000,
          interval: 200,
        })
        .toBeGreaterThan(0);
      await append(lake, [extra]);
      await said(consumer);
      await append(lake, shifted.slice(following + 3));
      await said(consumer);
    } finally {
      await consumer.close();
    }
    const signals = await signalsOf(source);
    expect(signals).toEqual(expectedOf(trades));
    const { rows } = await lake.database.query<{ superseded: boolean }>(
      `select superseded_at is not null as superseded from stream.signals
        where source = $1 and "interval" = '1m' order by open_time`,
      [source],
    );
    expect(rows.map(({ superseded }) => superseded)).toEqual(signals.map((_, i) => i === 0));
  });
});
