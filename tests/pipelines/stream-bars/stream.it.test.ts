import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTimeUs } from '#core/market/interval.ts';
import type { CandlestickRecord } from '#core/market/topics.ts';
import type { Trade } from '#core/market/trade.ts';
import { noteVenueTime } from '#pipelines/ingest-trades/symbols.ts';
import { randomOf } from '#tests/faults/random.ts';
import { buildDue } from '../build-candles/support.ts';
import { knowSymbols, openTestLake, type TestLake } from '#tests/support/lake.ts';
import {
  aggregated,
  append,
  commitBars,
  latest,
  makeTopics,
  minuteUs,
  recordsOf,
  rowsOf,
  said,
  startBars,
  startUs,
  stream,
} from './support.ts';

let lake: TestLake;
const symbols = ['BTCUSDT', 'ETHUSDT'];

beforeAll(async () => {
  lake = await openTestLake();
  await makeTopics(lake);
});
afterAll(async () => {
  await lake.close();
});

/** A venue of its own for each test, so that one lake serves all. */
async function venue(): Promise<string> {
  const source = `venue-${randomUUID().slice(0, 8)}`;
  await knowSymbols(lake.database, source, symbols);
  await noteVenueTime(lake.database, source, startUs);
  return source;
}

/** Trades of both markets over some minutes, of which a few are quiet; prices walk. */
function tape(source: string, minutes: number, seed: number): Trade[] {
  const random = randomOf(seed);
  return symbols.flatMap((symbol) => {
    let price = 1_000;
    let tradeId = 5_000;
    return Array.from({ length: minutes }, (_, minute) => {
      const count = random() < 0.15 ? 0 : 1 + Math.floor(random() * 4);
      return Array.from({ length: count }, (__, i): Trade => {
        price = Math.max(1, price + (random() - 0.5) * 10);
        tradeId += 1;
        return {
          ...{ source, symbol, tradeId },
          price: price.toFixed(2),
          volume: (0.001 + random()).toFixed(5),
          side: random() < 0.5 ? 'buy' : 'sell',
          timestampUs: startUs + minute * minuteUs + Math.floor(((i + random()) / count) * minuteUs),
        };
      });
    }).flat();
  });
}

function byTime(trades: readonly Trade[]): Trade[] {
  return trades.toSorted((a, b) => a.timestampUs - b.timestampUs);
}

/** Commits the log's trades to the lake, as ingest does. */
async function ingest(): Promise<void> {
  const consumer = await lake.startConsumer();
  await Promise.race([consumer.drained(AbortSignal.timeout(60_000)), consumer.failed]);
  await consumer.close();
}

/** That bars are those of the trades; the newest of each market may be open still, or not. */
async function expectAggregated(source: string, trades: readonly Trade[]): Promise<void> {
  const bars = latest(await recordsOf(lake, 'candlesticks', source));
  const newest = new Map(
    symbols.map((symbol) => [
      symbol,
      trades.reduce((us, t) => (t.symbol === symbol ? Math.max(us, t.timestampUs) : us), 0),
    ]),
  );
  for (const [interval, minutes] of [
    ['1m', 1],
    ['5m', 5],
    ['1h', 60],
  ] as const) {
    const isOver = (symbol: string, openUs: number): boolean =>
      openUs + minutes * minuteUs <= (newest.get(symbol) ?? 0);
    const ours = bars
      .filter((bar) => bar.interval === interval && !bar.is_filled && isOver(bar.symbol, bar.open_us))
      .map((bar) => [
        `${bar.symbol} ${bar.open_us}`,
        {
          ...{ open: Number(bar.open), high: Number(bar.high), low: Number(bar.low) },
          ...{ close: Number(bar.close), trades: bar.trade_count },
        },
      ]);
    const expected = [...aggregated(trades, minutes * minuteUs)].filter(([key]) => {
      const [symbol = '', openUs] = key.split(' ');
      return isOver(symbol, Number(openUs));
    });
    expect(expected.length).toBeGreaterThan(0);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(expected));
  }
}

describe('live bars', () => {
  test('are a plain aggregation of the tape, in the topic and in the lake', async () => {
    const source = await venue();
    const trades = tape(source, 70, 1);
    await append(lake, byTime(trades));
    await stream(lake);
    await expectAggregated(source, trades);
    await commitBars(lake);
    const held = await rowsOf(
      lake,
      `select symbol, epoch_us(open_time)::double as open_us, open::text::double as open, high::text::double as high,
              low::text::double as low, close::text::double as close, volume::text::double as volume,
              trade_count::integer as trades
         from market.candles where source = '${source}' and "interval" = '1m'`,
    );
    const sent = latest(await recordsOf(lake, 'candlesticks', source))
      .filter((bar) => bar.interval === '1m' && (bar.is_complete || !bar.is_filled))
      .map((bar) => ({
        ...{ symbol: bar.symbol, open_us: bar.open_us, open: Number(bar.open), high: Number(bar.high) },
        ...{ low: Number(bar.low), close: Number(bar.close), volume: Number(bar.volume) },
        trades: bar.trade_count,
      }));
    const inOrder = (bars: readonly unknown[]): string[] => bars.map((bar) => JSON.stringify(bar)).toSorted();
    expect(sent.length).toBeGreaterThan(100);
    expect(inOrder(held)).toEqual(inOrder(sent));
  });

  test('go on after a restart in the middle of a bar, whether or not the lake has what was taken', async () => {
    const source = await venue();
    const trades = byTime(tape(source, 70, 2));
    const cuts = [0, 0.31, 0.5, 0.74, 1].map((share) => Math.floor(share * trades.length));
    for (const [i, cut] of cuts.slice(1).entries()) {
      await append(lake, trades.slice(cuts[i], cut));
      await stream(lake);
      if (i % 2 === 0) await ingest();
    }
    await expectAggregated(source, trades);
    // What had been said was not said again, but for bars that were proven only after.
    const records = (await recordsOf(lake, 'candlesticks', source)).filter(
      ({ interval }) => interval !== '1s',
    );
    const keys = records.map((bar) => `${bar.symbol} ${bar.interval} ${bar.open_us} ${bar.revision}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('of trades that come late, out of order and twice are those of the tape in order', async () => {
    const source = await venue();
    const trades = byTime(tape(source, 64, 3));
    const random = randomOf(4);
    const held = trades[Math.floor(trades.length / 2)];
    const arriving = trades
      .filter((trade) => trade !== held)
      .flatMap((trade, i) => [
        { trade, place: i + (random() < 0.2 ? random() * 40 : 0) },
        ...(random() < 0.1 ? [{ trade, place: i + random() * 60 }] : []),
      ])
      .toSorted((a, b) => a.place - b.place)
      .map(({ trade }) => trade);
    if (held === undefined) throw new Error('the tape has trades');
    const isOfHeld = ({ symbol, interval, open_us: openUs }: CandlestickRecord): boolean =>
      symbol === held.symbol && interval === '1m' && openUs === openTimeUs(held.timestampUs, '1m');
    const consumer = await startBars(lake);
    try {
      for (let from = 0; from < arriving.length; from += 60) {
        await append(lake, arriving.slice(from, from + 60));
        await said(consumer);
      }
      // The venue's time passes while one trade is still missing: its bar closes without it.
      await noteVenueTime(lake.database, source, startUs + 65 * minuteUs);
      await expect
        .poll(async () => (await recordsOf(lake, 'candlesticks', source)).filter(isOfHeld).length, {
          timeout: 30_000,
          interval: 200,
        })
        .toBeGreaterThan(0);
      await append(lake, [held]);
      await said(consumer);
    } finally {
      await consumer.close();
    }
    await expectAggregated(source, trades);
    const revisions = (await recordsOf(lake, 'candlesticks', source)).filter(isOfHeld);
    expect(revisions.length).toBeGreaterThan(1);
    expect(revisions[0]).toMatchObject({ revision: 1, is_complete: false });
    expect(revisions.at(-1)).toMatchObject({ revision: revisions.length, is_complete: true });
    await ingest();
    await commitBars(lake);
    // The batch makes the same of the lake's trades: at most it knows of more bars that they are whole.
    await buildDue(lake, { toDay: '2024-03-05' });
    const differing = await rowsOf(
      lake,
      `select * from market.candles a
         join market.candles b using (source, symbol, "interval", open_time)
        where a.source = '${source}' and a.revision < b.revision
          and (a.open, a.high, a.low, a.close, a.volume, a.trade_count) <>
              (b.open, b.high, b.low, b.close, b.volume, b.trade_count)`,
    );
    expect(differing).toEqual([]);
  });

  test('are shared by processes that come and go, each bar said by one', async () => {
    const source = await venue();
    const trades = byTime(tape(source, 62, 5));
    const first = await startBars(lake);
    const third = Math.floor(trades.length / 3);
    await append(lake, trades.slice(0, third));
    await said(first);
    const second = await startBars(lake);
    await append(lake, trades.slice(third, 2 * third));
    await said(first);
    await said(second);
    await first.close();
    await append(lake, trades.slice(2 * third));
    // The partitions of the one that left come to the other.
    await expect
      .poll(
        async () => {
          await said(second);
          return new Set(
            latest(await recordsOf(lake, 'candlesticks', source))
              .filter(({ open_us }) => open_us >= startUs + 55 * minuteUs)
              .map(({ symbol }) => symbol),
          ).size;
        },
        { timeout: 60_000, interval: 500 },
      )
      .toBe(2);
    await said(second);
    await second.close();
    await expectAggregated(source, trades);
  });
});
