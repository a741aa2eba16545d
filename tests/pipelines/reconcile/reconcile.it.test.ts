import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExchangeKline } from '#core/exchanges/exchange.ts';
import type { Trade } from '#core/market/trade.ts';
import { listFindings } from '#pipelines/reconcile/findings.ts';
import { reconcileMonth, reconcileWithRest } from '#pipelines/reconcile/reconcile.ts';
import { comparableMonths, sampleWindows } from '#pipelines/reconcile/windows.ts';
import { buildDue, holdTrades, tradesBetween } from '#tests/pipelines/build-candles/support.ts';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { holdKlines } from './support.ts';

const minuteUs = 60_000_000;
const fromUs = Date.parse('2024-03-04T00:00:00Z') * 1_000;
const toUs = fromUs + 300 * minuteUs;

describe('reconciliation', { timeout: 120_000 }, () => {
  let held: TestLake;
  let venue: TimedVenue;
  let symbol = '';
  let tape: Trade[] = [];
  let bars: ExchangeKline[] = [];
  /** In the middle of a bar that has others beside it. */
  let missing: Trade[] = [];

  beforeAll(async () => {
    held = await openTestLake();
    venue = await openTimedVenue(42, '2024-03-05T10:00:00Z');
    const tickers = (await venue.exchange.tickers()).toSorted((a, b) => a.tradeCount - b.tradeCount);
    symbol = tickers[0]?.symbol ?? '';
    tape = await tradesBetween(venue.exchange, symbol, fromUs - 60 * minuteUs, toUs + 60 * minuteUs);
    bars = await venue.exchange.klines({ symbol, interval: '1m', fromUs, toUs: toUs - 1, limit: 1_000 });
    missing = tape.slice(Math.floor(tape.length / 2), Math.floor(tape.length / 2) + 1);
    await holdTrades(
      held,
      tape.filter((trade) => !missing.includes(trade)),
    );
    await holdKlines(held, venue.exchange.source, bars);
    await buildDue(held);
  });
  afterAll(async () => {
    await venue.close();
    await held.close();
  });

  /** All that is open after the lake was compared with itself and with REST. */
  async function reconcile(run: string) {
    const { database } = held;
    const minutes = { intervals: ['1m' as const] };
    for (const month of await comparableMonths(database, {})) await reconcileMonth(held, month, {}, { run });
    const windows = await sampleWindows(database, venue.exchange.source, minutes, { count: 6, seed: 'a' });
    const { bars: asked } = await reconcileWithRest(held, venue.exchange, windows, { run });
    expect(asked).toBeGreaterThan(bars.length - 1);
    return await listFindings(database);
  }

  test('finds a trade that is missing, and believes the exchange of its bar', async () => {
    const found = await reconcile('first');
    const [trade] = missing;
    const openTime = new Date(Math.floor((trade?.timestampUs ?? 0) / minuteUs) * 60_000);
    expect(found.map(({ field }) => field)).toEqual(expect.arrayContaining(['trade_count', 'volume']));
    for (const row of found.filter(({ interval }) => interval === '1m')) {
      expect(row).toMatchObject({
        table: 'market.candles',
        symbol,
        reason: 'trades of the bar are not held',
      });
      expect(Date.parse(row.openTime)).toBe(openTime.getTime());
    }
    const count = found.find(({ field, interval }) => field === 'trade_count' && interval === '1m');
    const bar = bars.find(({ openTimeUs }) => openTimeUs / 1_000 === openTime.getTime());
    expect(count).toMatchObject({
      trusted: 'klines',
      values: { klines: String(bar?.tradeCount), candles: String((bar?.tradeCount ?? 0) - 1) },
    });
  });

  test('reports the same difference once', async () => {
    const before = await listFindings(held.database);
    const again = await reconcile('second');
    expect(again).toEqual(before);
  });

  test('resolves what is mended', async () => {
    await holdTrades(held, missing);
    expect(await buildDue(held)).toMatchObject([{ added: 0 }]);
    expect(await reconcile('third')).toEqual([]);
    const { rows } = await held.database.query<{ open: number; resolved: number }>(
      `select count(*) filter (where resolved_at is null) as open, count(resolved_at) as resolved from lake.reconciliation`,
    );
    expect(rows[0]?.open).toBe(0);
    expect(rows[0]?.resolved).toBeGreaterThan(0);
  });

  test('finds a bar that is wrong in the lake, by both of the others', async () => {
    const right = bars.find(({ tradeCount }) => tradeCount > 0);
    if (right === undefined) throw new Error('nothing was traded');
    const wrong = { ...right, volume: '123456.50000000' };
    await holdKlines(held, venue.exchange.source, [wrong]);
    const found = await reconcile('fourth');
    const bar = {
      symbol,
      interval: '1m',
      field: 'volume',
      openTime: expect.stringContaining('2024-03-04T') as string,
    };
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          ...{ ...bar, table: 'market.candles', trusted: 'candles' },
          values: { klines: '123456.5', candles: String(Number(right.volume)) },
        }),
        expect.objectContaining({
          ...{ ...bar, table: 'market.klines', trusted: 'rest' },
          values: { rest: String(Number(right.volume)), klines: '123456.5' },
        }),
      ]),
    );
    await holdKlines(held, venue.exchange.source, [right]);
    expect(await reconcile('fifth')).toEqual([]);
  });

  test('asks for the same windows with the same seed', async () => {
    const sample = (seed: string) =>
      sampleWindows(held.database, venue.exchange.source, {}, { count: 12, seed });
    expect(await sample('x')).toEqual(await sample('x'));
    expect(await sample('x')).not.toEqual(await sample('y'));
    for (const { fromUs, toUs } of await sample('x')) expect(toUs).toBeGreaterThan(fromUs);
  });
});
