import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CandleList } from '#api/schemas/candles.ts';
import type { Problem } from '#api/schemas/common.ts';
import type { IndicatorList, LatestIndicators } from '#api/schemas/indicators.ts';
import type { Trade } from '#core/market/trade.ts';
import { buildDue, holdTrades } from '#tests/pipelines/build-candles/support.ts';
import { putBars, type TestBar } from '#tests/support/bars.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { candlestick, indicators, putLiveCandles, putLiveIndicators } from './live-records.ts';
import { openService, source, type Service } from './service.ts';

let ground: TestLake;
let service: Service;

const minuteUs = 60_000_000;
const start = Date.parse('2026-03-01T00:00:00Z') * 1_000;
const symbol = 'BTCUSDT';
const market = { source, symbol, interval: '1m' } as const;
/** The venue's bars are held up to here, ours from `ours` on, and the lake has nothing from `live` on. */
const [ours, venue, live, end] = [880, 900, 940, 950];

const closeAt = (minute: number): string =>
  `${(1_000 + Math.round(80 * Math.sin(minute / 17)) + (minute % 13)) / 4}`;

function bar(minute: number): TestBar {
  const close = closeAt(minute);
  return {
    openUs: start + minute * minuteUs,
    ...{ open: close, high: `${Number(close) + 2}`, low: `${Number(close) - 2}`, close },
    ...{ volume: '5.000000000000000001', quoteVolume: '1000.5', trades: 50, filled: minute === 7 },
  };
}

/** Two trades in each minute from `ours` to `live`. */
const trades = Array.from({ length: 2 * (live - ours) }, (_, index): Trade => ({
  ...{ source, symbol, tradeId: index + 1, side: index % 2 ? 'buy' : 'sell' },
  ...{ price: closeAt(ours + Math.floor(index / 2)), volume: '0.50000000' },
  timestampUs: start + ours * minuteUs + index * 30_000_000,
}));

beforeAll(async () => {
  ground = await openTestLake();
  const minutes = Array.from({ length: venue }, (_, minute) => bar(minute));
  await putBars(ground, { source, listing: `${symbol}#1`, interval: '1m', bars: minutes });
  await holdTrades(ground, trades);
  await buildDue(ground);
  const closed = Array.from({ length: end - live }, (_, index) => candlestick(market, live + index));
  await putLiveCandles(ground.database, [candlestick(market, live - 5, 3), ...closed]);
  await putBars(ground, {
    ...{ source: 'binance', listing: 'SOLUSDT#1', interval: '1d' as const },
    bars: Array.from({ length: 30 }, (_, day) => ({ ...bar(0), openUs: start + day * 1_440 * minuteUs })),
  });
  service = await openService(ground);
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

async function get<T>(url: string, status = 200): Promise<T> {
  const answer = await service.app.inject({ url: `/v1/markets/${url}`, headers: { host: 'localhost:8080' } });
  expect(answer.statusCode, answer.body).toBe(status);
  return answer.json<T>();
}

async function all<T>(url: string): Promise<T[]> {
  const found: T[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { items: T[]; nextCursor: string | null } = await get(
      `${url}${cursor && `&cursor=${cursor}`}`,
    );
    found.push(...page.items);
    cursor = page.nextCursor;
  }
  return found;
}

type Candle = CandleList['items'][number];
type Row = IndicatorList['items'][number];
const minuteOf = ({ openTime }: { openTime: string }): number =>
  (Date.parse(openTime) * 1_000 - start) / minuteUs;
const downFrom = (from: number, to: number): number[] =>
  Array.from({ length: from - to }, (_, at) => from - 1 - at);

describe('candles', () => {
  it("are the venue's, then ours, then those that closed just now, each once in every page", async () => {
    const found = await all<Candle>('BTCUSDT/candles?interval=1m&limit=111');
    expect(found.map(minuteOf)).toEqual(downFrom(end, 0));
    for (const candle of found) expect(candle.origin).toBe(minuteOf(candle) < venue ? 'kline' : 'candle');
    expect(found[end - 1 - (live - 5)]).toMatchObject({ revision: 3, high: '113.25' });
    expect(found[end - 1 - (live - 6)]).toMatchObject({
      ...{ close: closeAt(live - 6), volume: '1', trades: 2, takerBuyVolume: '0.5', revision: 1 },
    });
    expect(found[end - 1 - 7]).toEqual({
      ...{ openTime: '2026-03-01T00:07:00.000000Z', open: closeAt(7), close: closeAt(7) },
      ...{ high: `${Number(closeAt(7)) + 2}`, low: `${Number(closeAt(7)) - 2}` },
      ...{ volume: '5.000000000000000001', quoteVolume: '1000.5', trades: 50 },
      ...{ takerBuyVolume: '0', takerBuyQuoteVolume: '0', isFilled: true, isComplete: true },
      ...{ origin: 'kline', revision: null },
    });
  });

  it.each([
    ['from=2026-03-01T15:40:00Z', downFrom(end, 940)],
    ['from=2026-03-01T14:58:00Z&to=2026-03-01T15:02:00Z', downFrom(902, 898)],
    ['to=2026-03-01T00:03:00.5Z', downFrom(4, 0)],
    ['to=2026-03-01', []],
  ])('of a window: %s', async (window, minutes) => {
    for (const limit of [3, 1_000]) {
      const found = await all<Candle>(`BTCUSDT/candles?interval=1m&limit=${limit}&${window}`);
      expect(found.map(minuteOf)).toEqual(minutes);
    }
  });

  it('of another length are made of the same trades, and of another venue where only that has them', async () => {
    const hours = await all<Candle>('BTCUSDT/candles?interval=1h');
    expect(hours.map(({ openTime, origin }) => [openTime.slice(11, 13), origin])).toEqual([
      ['15', 'candle'],
      ['14', 'candle'],
    ]);
    const days = await get<CandleList>('SOLUSDT/candles?interval=1d&limit=1000');
    expect(days).toMatchObject({ source: 'binance', interval: '1d', nextCursor: null });
    expect(days.items).toHaveLength(30);
  });

  it('say what is not there and what is asked wrongly', async () => {
    expect(await get<Problem>('XRPUSDT/candles', 404)).toMatchObject({ code: 'NOT_FOUND' });
    await get<Problem>('BTCUSDT/candles?interval=1d', 200);
    await get<Problem>('BTCUSDT/candles?interval=1s', 400);
    await get<Problem>('BTCUSDT/candles?limit=5000', 400);
    await get<Problem>('BTCUSDT/candles?cursor=MTp4', 400);
    await get<Problem>('BTCUSDT/candles?from=2026-02-31', 400);
  });
});

describe('indicators', () => {
  it('are of every bar, null until their windows are full, and the same on every page', async () => {
    const whole = await get<IndicatorList>('BTCUSDT/indicators?interval=1m&limit=1000');
    expect(whole.items.map(minuteOf)).toEqual(downFrom(end, 0));
    expect(whole.nextCursor).toBeNull();
    const paged = await all<Row>('BTCUSDT/indicators?interval=1m&limit=120');
    expect(paged.map(minuteOf)).toEqual(downFrom(end, 0));
    for (const [index, row] of paged.entries()) {
      for (const [name, value] of Object.entries(whole.items[index] ?? {})) {
        const found = row[name as keyof Row];
        if (typeof value === 'number') expect(found, `${row.openTime} ${name}`).toBeCloseTo(value, 9);
        else expect(found, `${row.openTime} ${name}`).toBe(value);
      }
    }
    const mean = (minute: number, count: number): number =>
      Array.from({ length: count }, (_, back) => Number(closeAt(minute - back))).reduce((a, b) => a + b) /
      count;
    const at = (minute: number): Row | undefined => whole.items[end - 1 - minute];
    expect(at(18)?.sma20).toBeNull();
    expect(at(19)?.sma20).toBeCloseTo(mean(19, 20), 9);
    expect(at(910)?.sma200).toBeCloseTo(mean(910, 200), 9);
    expect(at(910)).toMatchObject({ close: Number(closeAt(910)), isFilled: false });
  });

  it('of a window know what came before it', async () => {
    const window = 'from=2026-03-01T10:00:00Z&to=2026-03-01T10:10:00Z';
    const found = await all<Row>(`BTCUSDT/indicators?interval=1m&limit=4&${window}`);
    expect(found.map(minuteOf)).toEqual(downFrom(610, 600));
    expect(found.every(({ sma200, rsi14, macdSignal }) => ![sma200, rsi14, macdSignal].includes(null))).toBe(
      true,
    );
  });

  it('of the newest bar come from the stream where it has them, else from the bars', async () => {
    const url = 'BTCUSDT/indicators/latest?interval=1m';
    const [newest] = (await get<IndicatorList>('BTCUSDT/indicators?interval=1m&limit=1')).items;
    expect(await get<LatestIndicators>(url)).toEqual({ ...market, origin: 'lake', indicators: newest });
    await putLiveIndicators(ground.database, indicators(market, end - 1));
    expect(await get<LatestIndicators>(url)).toMatchObject({
      ...{ origin: 'stream', indicators: { sma20: 102.5, sma200: null } },
    });
    await putLiveCandles(ground.database, [candlestick(market, end)]);
    const later = await get<LatestIndicators>(url);
    expect([later.origin, minuteOf(later.indicators)]).toEqual(['lake', end]);
    expect(await get<Problem>('XRPUSDT/indicators/latest', 404)).toMatchObject({ code: 'NOT_FOUND' });
  });
});
