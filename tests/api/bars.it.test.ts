import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BarStatistics, MarketSummaryList, Rankings } from '#api/schemas/bars.ts';
import type { Problem } from '#api/schemas/common.ts';
import { putBars, type TestBar } from '#tests/support/bars.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openService, source, type Service } from './service.ts';

let ground: TestLake;
let service: Service;

const dayUs = 86_400_000_000;
const start = Date.parse('2024-01-01T00:00:00Z') * 1_000;
const days = 100;
const missing = [10, 11, 40];

/** Day `index` of a market, its figures a function of both. */
function bar(index: number, scale: number): TestBar {
  const open = 100 + ((index * 37) % 50);
  const close = 100 + (((index + 1) * 37) % 50);
  return {
    openUs: start + index * dayUs,
    open: `${open}.5`,
    high: `${Math.max(open, close) + 3}.000000000000000001`,
    low: `${Math.min(open, close) - 3}.25`,
    close: `${close}.5`,
    volume: `${scale * (1 + (index % 7))}.12345678`,
    quoteVolume: `${scale * 1000 * (1 + (index % 11))}.01`,
    trades: 10 + index,
  };
}

const barsOf = (scale: number): TestBar[] => Array.from({ length: days }, (_, index) => bar(index, scale));
const held = barsOf(1).filter((_, index) => !missing.includes(index));

beforeAll(async () => {
  ground = await openTestLake();
  await putBars(ground, { source, listing: 'BTCUSDT#1', interval: '1d', bars: held });
  await putBars(ground, { source, listing: 'ETHUSDT#1', interval: '1d', bars: barsOf(3) });
  await putBars(ground, { source, listing: 'OLDUSDT#1', interval: '1d', bars: barsOf(2).slice(0, 80) });
  await putBars(ground, {
    source: 'binance',
    listing: 'SOLUSDT#1',
    interval: '1d',
    bars: barsOf(1).slice(0, 5),
  });
  const minutes = Array.from({ length: 60 }, (_, index) => ({
    ...bar(0, 1),
    openUs: start + index * 60_000_000,
    filled: index === 7,
  }));
  await putBars(ground, { source, listing: 'BTCUSDT#1', interval: '1m', bars: minutes });
  service = await openService(ground);
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

async function get<T>(url: string, status = 200): Promise<T> {
  const answer = await service.app.inject({ url, headers: { host: 'localhost:8080' } });
  expect(answer.statusCode, answer.body).toBe(status);
  return answer.json<T>();
}

/** Exact, as whole numbers of the 18th place. */
const units = (text: string): bigint => {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(18, '0'));
};
const total = (bars: readonly TestBar[], of: (bar: TestBar) => string): bigint =>
  bars.reduce((sum, each) => sum + units(of(each)), 0n);
const most = (bars: readonly TestBar[], of: (bar: TestBar) => string): string =>
  bars.map(of).reduce((a, b) => (units(a) > units(b) ? a : b));

describe('statistics', () => {
  it('are counted from the bars of the window', async () => {
    const window = held.filter(({ openUs }) => openUs >= start + 5 * dayUs && openUs < start + 60 * dayUs);
    const found = await get<BarStatistics>(
      '/v1/markets/BTCUSDT/statistics?from=2024-01-06&to=2024-03-01T00:00:00Z',
    );
    expect(found).toMatchObject({
      ...{ symbol: 'BTCUSDT', source, interval: '1d', bars: 52, filledBars: 0 },
      ...{ from: '2024-01-06T00:00:00.000000Z', to: '2024-03-01T00:00:00.000000Z' },
      ...{ first: '2024-01-06T00:00:00.000000Z', last: '2024-02-29T00:00:00.000000Z' },
      ...{ open: window[0]?.open, close: window.at(-1)?.close },
      ...{ high: most(window, ({ high }) => high), missingBars: 3, missingDays: 3 },
      trades: window.reduce((sum, each) => sum + each.trades, 0),
    });
    expect(window).toHaveLength(52);
    expect(units(found.volume.total)).toBe(total(window, ({ volume }) => volume));
    expect(units(found.quoteVolume.total)).toBe(total(window, ({ quoteVolume }) => quoteVolume));
    expect(found.volume.maximum).toBe(most(window, ({ volume }) => volume));
    expect(found.quoteVolume.maximum).toBe(most(window, ({ quoteVolume }) => quoteVolume));
    expect(Number(found.volume.average)).toBeCloseTo(Number(found.volume.total) / 52, 7);
    expect(found.volatility).toBeCloseTo(deviation(window.map(({ close }) => Number(close))), 10);
    expect(found.snapshotId).toMatch(/^\d+$/);
  });

  it('are of all that is held unless a window is asked for', async () => {
    expect(await get<BarStatistics>('/v1/markets/SOLUSDT/statistics')).toMatchObject({
      ...{ source: 'binance', bars: 5, missingBars: 0, to: '2024-01-06T00:00:00.000000Z' },
    });
    expect(await get<BarStatistics>('/v1/markets/BTCUSDT/statistics?interval=1m')).toMatchObject({
      ...{ bars: 60, filledBars: 1, last: '2024-01-01T00:59:00.000000Z', volatility: 0 },
    });
  });

  it('say what is wrong with the window', async () => {
    const url = '/v1/markets/BTCUSDT/statistics';
    expect(await get<Problem>(`${url}?from=2023-01-01&to=2023-02-01`, 404)).toMatchObject({
      code: 'NOT_FOUND',
    });
    expect((await get<Problem>(`${url}?from=2020-01-01&interval=1m`, 400)).detail).toContain(
      'at most 600000',
    );
    await get<Problem>(`${url}?from=2024-02-01&to=2024-02-01`, 400);
    await get<Problem>(`${url}?from=yesterday`, 400);
    await get<Problem>(`${url}?interval=7m`, 400);
    await get<Problem>('/v1/markets/XRPUSDT/statistics', 404);
  });
});

describe('the summary', () => {
  it('has every market with its last day and how complete it is', async () => {
    const { items, interval, snapshotId } = await get<MarketSummaryList>('/v1/markets/summary');
    const last = bar(days - 1, 1);
    expect(items).toEqual([
      {
        ...{ symbol: 'BTCUSDT', source, lastPrice: last.close, lastTime: '2024-04-10T00:00:00.000000Z' },
        changePercent: Math.round((Number(last.close) / Number(last.open) - 1) * 10_000) / 100,
        ...{ volume: last.volume, quoteVolume: last.quoteVolume, trades: last.trades },
        completeness: { expected: 100, held: 97, explained: 0, missing: 3 },
      },
      expect.objectContaining({ symbol: 'ETHUSDT', volume: bar(days - 1, 3).volume }),
      expect.objectContaining({
        ...{ symbol: 'OLDUSDT', lastPrice: null, volume: null },
        completeness: { expected: 80, held: 80, explained: 0, missing: 0 },
      }),
    ]);
    expect([interval, snapshotId]).toEqual(['1d', expect.stringMatching(/^\d+$/)]);
    const page = await get<MarketSummaryList>('/v1/markets/summary?limit=1');
    expect(page.items).toHaveLength(1);
    expect(page.nextCursor).not.toBeNull();
  });
});

describe('rankings', () => {
  it.each([
    ['average_volume', ({ volume }: TestBar) => volume],
    ['average_quote_volume', ({ quoteVolume }: TestBar) => quoteVolume],
  ] as const)('by %s put the busiest first', async (by, of) => {
    const { items, from, to } = await get<Rankings>(`/v1/markets/rankings?by=${by}&days=30`);
    expect(items.map(({ rank, symbol, bars }) => [rank, symbol, bars])).toEqual([
      [1, 'ETHUSDT', 30],
      [2, 'OLDUSDT', 10],
      [3, 'BTCUSDT', 30],
    ]);
    const window = barsOf(3).slice(-30);
    expect(Number(items[0]?.value)).toBeCloseTo(Number(total(window, of)) / 30 / 1e18, 6);
    expect([from, to]).toEqual(['2024-03-11T00:00:00.000000Z', '2024-04-10T00:00:00.000000Z']);
  });

  it.each([
    ['maximum_volume', ({ volume }: TestBar) => volume],
    ['maximum_quote_volume', ({ quoteVolume }: TestBar) => quoteVolume],
  ] as const)('by %s take the busiest bar', async (by, of) => {
    const { items } = await get<Rankings>(`/v1/markets/rankings?by=${by}&days=30&limit=1`);
    expect(items).toEqual([{ rank: 1, symbol: 'ETHUSDT', value: most(barsOf(3).slice(-30), of), bars: 30 }]);
  });

  it('are bounded, and empty where nothing is held', async () => {
    await get<Problem>('/v1/markets/rankings?interval=1m&days=60', 400);
    await get<Problem>('/v1/markets/rankings?by=price', 400);
    expect(await get<Rankings>('/v1/markets/rankings?source=ccxt:none')).toMatchObject({
      items: [],
      to: null,
    });
  });
});

/** Sample standard deviation of the logarithmic returns. */
function deviation(closes: readonly number[]): number {
  const returns = closes.slice(1).map((close, index) => Math.log(close / (closes[index] ?? close)));
  const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
  return Math.sqrt(returns.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (returns.length - 1));
}
