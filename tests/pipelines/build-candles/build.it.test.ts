import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Exchange, ExchangeKline } from '#core/exchanges/exchange.ts';
import { compactTable } from '#core/lake/compact.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { replaceSpans } from '#core/lake/replace.ts';
import { candles, trades } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { intervals, type Interval } from '#core/market/interval.ts';
import type { Trade } from '#core/market/trade.ts';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { buildDue, holdTrades, sql, tradesBetween } from './support.ts';

const dayUs = 86_400_000_000;
const dayFromUs = Date.parse('2024-03-04T00:00:00Z') * 1_000;
const before = '2024-03-03';
const day = '2024-03-04';

describe('candles of a simulated market', { timeout: 120_000 }, () => {
  let held: TestLake;
  let venue: TimedVenue;
  let symbol = '';
  /** The day, and what surrounds it. */
  let tape: Trade[] = [];

  beforeAll(async () => {
    held = await openTestLake();
    venue = await openTimedVenue(42, '2024-03-05T10:00:00Z');
    symbol = await quietestSymbol(venue.exchange);
    tape = await tradesBetween(venue.exchange, symbol, dayFromUs - dayUs, dayFromUs + 2 * dayUs);
  });
  afterAll(async () => {
    await venue.close();
    await held.close();
  });

  async function klinesOfDay(interval: Interval): Promise<ExchangeKline[]> {
    const half = { symbol, interval, limit: 1_000 };
    return [
      ...(await venue.exchange.klines({ ...half, fromUs: dayFromUs, toUs: dayFromUs + dayUs / 2 - 1 })),
      ...(await venue.exchange.klines({
        ...half,
        fromUs: dayFromUs + dayUs / 2,
        toUs: dayFromUs + dayUs - 1,
      })),
    ];
  }

  test('a whole day is the exchange’s own bars, in every interval', async () => {
    await holdTrades(held, tape);
    expect(await buildDue(held, { toDay: day })).toMatchObject([{ days: 2, revised: 0 }]);
    for (const interval of intervals) {
      const klines = await klinesOfDay(interval);
      expect(await shown(held, `"interval" = '${interval}' and date = '${day}'`), interval).toEqual(
        klines.map(asCandle),
      );
    }
    // A quiet market has minutes without trades.
    const [empty] = await sql(
      held,
      `select count(*) as bars from market.candles where is_filled and date = '${day}'`,
    );
    expect(Number(empty?.['bars'])).toBeGreaterThan(0);
    const [open] = await sql(
      held,
      `select count(*) as bars from market.candles where not is_complete and date = '${day}'`,
    );
    expect(open).toEqual({ bars: '0' });
  });

  test('every bar of the ledger is in the files once', async () => {
    const verdict = await verifyTable(held.lake, candles, { spillDir: held.spillDir, deep: true });
    expect(verdict.listings).toHaveLength(intervals.length);
    expect(verdict.ok).toBe(true);
  });

  test('the beginning of the tape is not complete, as nobody knows what came before', async () => {
    const [first] = tape;
    const openBars = await sql(
      held,
      `select "interval", first_trade_id::bigint as id from market.candles where not is_complete and date = '${before}' order by open_time`,
    );
    expect(openBars).toHaveLength(intervals.length);
    expect(new Set(openBars.map((bar) => Number(bar['id'])))).toEqual(new Set([first?.tradeId]));
  });

  test('nothing is due a second time, and nothing changes when it is done all the same', async () => {
    expect(await buildDue(held, { toDay: day })).toEqual([]);
    expect(await buildDue(held, { toDay: day, all: true })).toMatchObject([
      { added: 0, revised: 0, commitId: null },
    ]);
  });

  test('an analyst’s own query says the same', async () => {
    const columns = 'minute, open, high, low, close, volume, quote_volume, trades';
    const byHand = await sql(
      held,
      `select ${columns} from (
         select date_trunc('minute', timestamp) as minute, arg_min(price, trade_id) as open, max(price) as high,
                min(price) as low, arg_max(price, trade_id) as close, sum(volume) as volume,
                sum(price::decimal(18,8) * volume::decimal(18,8))::decimal(38,18) as quote_volume, count(*) as trades
           from market.trades where date = '${day}' group by minute)
       except all
       select open_time, open, high, low, close, volume, quote_volume, trade_count
         from market.candles where "interval" = '1m' and trade_count > 0`,
    );
    expect(byHand).toEqual([]);
  });

  test('the day that follows makes its own bars, and none that is not closed', async () => {
    const closedUs = (tape.at(-1)?.timestampUs ?? 0) - 1;
    const [built] = await buildDue(held, { closedUs });
    expect(built).toMatchObject({ days: 1, revised: 0 });
    const [last] = await sql(held, `select max(epoch_us(close_time))::bigint as us from market.candles`);
    expect(Number(last?.['us'])).toBeLessThan(closedUs);
  });
});

describe('trades that change', { timeout: 120_000 }, () => {
  let held: TestLake;
  /** A trade a second over ten minutes. */
  const tape = Array.from({ length: 600 }, (_, i) =>
    tradeAt(i, Date.parse('2024-03-04T12:00:00Z') * 1_000 + i * 1_000_000),
  );
  const late = tape.slice(200, 210);
  const what = 'trade_count as trades, is_complete as complete, revision from';
  const ofMinute = (minute: number) =>
    `where "interval" = '1m' and open_time = '2024-03-04 12:0${minute}:00+00'`;

  beforeAll(async () => {
    held = await openTestLake();
    await holdTrades(held, [...tape.slice(0, 200), ...tape.slice(210)]);
    await buildDue(held);
  });
  afterAll(async () => {
    await held.close();
  });
  const isProven = async () => (await verifyTable(held.lake, candles, { spillDir: held.spillDir })).ok;

  test('by coming late make another revision, once, though two build it; the view shows the latest', async () => {
    expect(await sql(held, `select ${what} market.candles ${ofMinute(3)}`)).toEqual([
      { trades: '50', complete: false, revision: '1' },
    ]);
    await holdTrades(held, late);
    const built = await Promise.all([buildDue(held), buildDue(held)]);
    const revised = built.flat().map((each) => each.revised);
    expect(Math.max(...revised)).toBe(intervals.length);
    expect(revised.reduce((sum, count) => sum + count, 0)).toBe(intervals.length);

    expect(await sql(held, `select ${what} market.candles ${ofMinute(3)}`)).toEqual([
      { trades: '60', complete: true, revision: '2' },
    ]);
    expect(
      await sql(held, `select ${what} market.candles_revisions ${ofMinute(3)} order by revision`),
    ).toEqual([
      { trades: '50', complete: false, revision: '1' },
      { trades: '60', complete: true, revision: '2' },
    ]);
    expect(await sql(held, `select ${what} market.candles ${ofMinute(4)}`)).toMatchObject([
      { revision: '1' },
    ]);
    expect(await isProven()).toBe(true);
    expect(await buildDue(held)).toEqual([]);
  });

  test('by being taken back withdraw their bars, which are there again when the trades are', async () => {
    const { lake, spillDir } = held;
    const duck = await DuckDb.open({ threads: 1, memoryLimit: '512MB', spillDir });
    const span = { source: 'binance', listing: 'BTCUSDT#1', lo: 540, hi: 600 };
    await replaceSpans(lake, duck, {
      ...{ commitId: randomUUID(), table: trades, spans: [span], added: [], explained: [], summary: {} },
      relation: '(from leaving where false)',
      guard: () => Promise.resolve(),
    });
    duck.close();
    await buildDue(held);
    expect(await sql(held, `select close = open as flat, ${what} market.candles ${ofMinute(9)}`)).toEqual([
      { flat: true, trades: '0', complete: false, revision: '2' },
    ]);
    expect(await isProven()).toBe(true);
    expect(await buildDue(held, { all: true })).toMatchObject([{ added: 0, revised: 0 }]);

    await holdTrades(held, tape.slice(540));
    await buildDue(held);
    expect(await sql(held, `select ${what} market.candles ${ofMinute(9)}`)).toMatchObject([
      { trades: '60', revision: '3' },
    ]);
  });

  test('are made again when candles themselves were taken back', async () => {
    const { lake, spillDir } = held;
    const [kept] = await sql(
      held,
      'select count(*) as bars from market.candles_revisions where revision = 1',
    );
    const duck = await DuckDb.open({ threads: 1, memoryLimit: '512MB', spillDir });
    const first = Date.parse('2024-03-04T12:00:00Z') * 1_000;
    const span = {
      source: 'binance',
      listing: 'BTCUSDT#1',
      interval: '1m',
      lo: first,
      hi: first + 60_000_000,
    };
    await replaceSpans(lake, duck, {
      ...{ commitId: randomUUID(), table: candles, spans: [span], added: [], explained: [], summary: {} },
      relation: '(from leaving where false)',
      guard: () => Promise.resolve(),
    });
    duck.close();
    expect(await buildDue(held)).toMatchObject([{ added: 1, revised: 0 }]);
    expect(
      await sql(held, 'select count(*) as bars from market.candles_revisions where revision = 1'),
    ).toEqual([kept]);
    expect(await isProven()).toBe(true);
  });

  test('leave revisions that compaction joins as they are', async () => {
    const before = await sql(held, 'select * from market.candles_revisions order by all');
    const joined = await compactTable(held.lake, candles, { spillDir: held.spillDir, filesMin: 2 });
    expect(joined).toHaveLength(intervals.length);
    expect(await sql(held, 'select * from market.candles_revisions order by all')).toEqual(before);
    expect(await isProven()).toBe(true);
  });
});

function tradeAt(tradeId: number, timestampUs: number): Trade {
  return {
    ...{ source: 'binance', symbol: 'BTCUSDT', tradeId, timestampUs },
    ...{ price: `${100 + (tradeId % 7)}.25000000`, volume: '0.50000000' },
    side: tradeId % 2 === 0 ? 'buy' : 'sell',
  };
}

async function quietestSymbol(exchange: Exchange): Promise<string> {
  const [quietest] = (await exchange.tickers()).toSorted((a, b) => a.tradeCount - b.tradeCount);
  return quietest?.symbol ?? '';
}

/** Candles as the exchange writes its bars. */
async function shown({ lake, spillDir }: TestLake, where: string) {
  const rows = await sql(
    { lake, spillDir } as TestLake,
    `select epoch_us(open_time) as "openTimeUs", epoch_us(close_time) // 1000 * 1000 as "closeTimeUs",
            ${decimals.map(([column, name]) => `${column}::decimal(38,8)::varchar as "${name}"`).join(', ')},
            trade_count as "tradeCount"
       from market.candles where ${where} order by open_time`,
  );
  return rows.map((row) => ({
    ...row,
    ...{ openTimeUs: Number(row['openTimeUs']), closeTimeUs: Number(row['closeTimeUs']) },
    tradeCount: Number(row['tradeCount']),
  }));
}

const decimals = [
  ...[
    ['open', 'open'],
    ['high', 'high'],
    ['low', 'low'],
    ['close', 'close'],
    ['volume', 'volume'],
  ],
  ...[
    ['quote_volume', 'quoteVolume'],
    ['taker_buy_volume', 'takerBuyVolume'],
  ],
  ['taker_buy_quote_volume', 'takerBuyQuoteVolume'],
] as const;

function asCandle({ openTimeUs, closeTimeUs, tradeCount, ...kline }: ExchangeKline) {
  const values = Object.fromEntries(decimals.map(([, name]) => [name, eightDecimals(kline[name])]));
  return { openTimeUs, closeTimeUs, tradeCount, ...values };
}

function eightDecimals(text: string): string {
  const [whole = '', fraction = ''] = text.split('.');
  return `${whole}.${fraction.padEnd(8, '0').slice(0, 8)}`;
}
