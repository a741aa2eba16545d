import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSimulator, type Opened } from './support.ts';

type Kline = [number, string, string, string, string, string, number, string, number, string, string, string];
interface Trade {
  id: number;
  price: string;
  qty: string;
  quoteQty: string;
  time: number;
  isBuyerMaker: boolean;
}

let simulator: Opened;
beforeAll(async () => {
  simulator = await openSimulator({ weightLimitPerMinute: 100_000 });
});
afterAll(() => simulator.close());

async function ask<T>(path: string): Promise<T> {
  const { status, body } = await simulator.get(path);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as T;
}

/** Eight decimals as whole units of 10^-8. */
function units(text: string): bigint {
  expect(text).toMatch(/^\d+\.\d{8}$/);
  return BigInt(text.replace('.', ''));
}

async function tradesBetween(symbol: string, from: number, to: number): Promise<Trade[]> {
  const trades: Trade[] = [];
  while (from < to) {
    const limit = Math.min(1_000, to - from);
    const page = await ask<Trade[]>(
      `/api/v3/historicalTrades?symbol=${symbol}&fromId=${from}&limit=${limit}`,
    );
    if (page.length === 0) break;
    trades.push(...page);
    from += page.length;
  }
  return trades;
}

function aggregate(trades: readonly Trade[]) {
  const total = (of: (trade: Trade) => string, among = trades) =>
    among.reduce((sum, trade) => sum + units(of(trade)), 0n);
  const bought = trades.filter((trade) => !trade.isBuyerMaker);
  const prices = trades.map(({ price }) => units(price)).sort((a, b) => (a < b ? -1 : 1));
  return {
    open: trades[0]?.price,
    close: trades.at(-1)?.price,
    high: prices.at(-1),
    low: prices[0],
    volume: total(({ qty }) => qty),
    quoteVolume: total(({ quoteQty }) => quoteQty),
    buyVolume: total(({ qty }) => qty, bought),
    buyQuoteVolume: total(({ quoteQty }) => quoteQty, bought),
    count: trades.length,
  };
}

const ofKline = (row: Kline) => ({
  ...{ open: row[1], close: row[4], high: units(row[2]), low: units(row[3]) },
  ...{ volume: units(row[5]), quoteVolume: units(row[7]), count: row[8] },
  ...{ buyVolume: units(row[9]), buyQuoteVolume: units(row[10]) },
});

const timesOf = (rows: Kline[]) => rows.map(([time]) => time);

async function firstIdAt(symbol: string, ms: number): Promise<number> {
  const [row] = await ask<{ a: number }[]>(`/api/v3/aggTrades?symbol=${symbol}&startTime=${ms}&limit=1`);
  return row?.a ?? NaN;
}

describe('klines', () => {
  it.each([
    ['LINKUSDT', '15m', 900_000],
    ['BTCUSDT', '1m', 60_000],
    ['LTCUSDC', '1h', 3_600_000],
    ['BTCUPUSDT', '5m', 300_000],
  ])('%s %s are what the trades add up to', async (symbol, interval, ms) => {
    const start = Date.parse('2024-03-05T08:00:00Z');
    const rows = await ask<Kline[]>(
      `/api/v3/klines?symbol=${symbol}&interval=${interval}&startTime=${start}&limit=3`,
    );
    expect(rows.map((row) => [row[0], row[6]])).toEqual(
      [0, 1, 2].map((i) => [start + i * ms, start + (i + 1) * ms - 1]),
    );
    let id = await firstIdAt(symbol, start);
    for (const row of rows) {
      const trades = await tradesBetween(symbol, id, id + row[8]);
      expect(trades.every(({ time }) => time >= row[0] && time <= row[6])).toBe(true);
      expect(aggregate(trades)).toEqual(ofKline(row));
      id += row[8];
    }
  });

  it('take startTime, endTime and limit as the exchange does', async () => {
    const path = '/api/v3/klines?symbol=BTCUSDT&interval=1d';
    const day = Date.parse('2024-03-05');
    const all = await ask<Kline[]>(`${path}&startTime=0&limit=1000`);
    expect(timesOf(all)[0]).toBe(Date.parse('2017-08-17'));
    expect(timesOf(await ask<Kline[]>(`${path}&limit=2`))).toEqual([day - 86_400_000, day]);
    const span = `&startTime=${day - 3 * 86_400_000 + 1}&endTime=${day - 86_400_000}`;
    expect(timesOf(await ask<Kline[]>(path + span))).toEqual([day - 2 * 86_400_000, day - 86_400_000]);
    expect(await ask<Kline[]>(`${path}&startTime=${day + 86_400_000}`)).toEqual([]);
  });
});

it('24-hour statistics are what the trades of their window add up to', async () => {
  for (const symbol of ['BTCUPUSDT', 'LTCUSDC']) {
    const ticker = await ask<
      Record<string, string> & Record<'openTime' | 'closeTime' | 'firstId' | 'count', number>
    >(`/api/v3/ticker/24hr?symbol=${symbol}`);
    const trades = await tradesBetween(symbol, ticker.firstId, ticker.firstId + ticker.count);
    const [before] = await tradesBetween(symbol, ticker.firstId - 1, ticker.firstId);
    expect(before?.time).toBeLessThan(ticker.openTime);
    expect(trades[0]?.time).toBeGreaterThanOrEqual(ticker.openTime);
    expect(trades.at(-1)?.time).toBeLessThanOrEqual(ticker.closeTime);
    expect(ticker.closeTime - ticker.openTime).toBeLessThanOrEqual(86_400_000);
    const { open, close, high, low, volume, quoteVolume, count } = aggregate(trades);
    expect({ open, close, high, low, volume, quoteVolume, count }).toEqual({
      ...{ open: ticker['openPrice'], close: ticker['lastPrice'] },
      ...{ high: units(ticker['highPrice'] ?? ''), low: units(ticker['lowPrice'] ?? '') },
      ...{ volume: units(ticker['volume'] ?? ''), quoteVolume: units(ticker['quoteVolume'] ?? '') },
      count: ticker.count,
    });
  }
});

it('nothing is served from beyond its time', async () => {
  const latest = await ask<Trade[]>('/api/v3/trades?symbol=BTCUSDT&limit=1000');
  const id = latest.at(-1)?.id ?? NaN;
  expect(latest).toHaveLength(1_000);
  const { serverTime } = await ask<{ serverTime: number }>('/api/v3/time');
  expect(latest.at(-1)?.time).toBeLessThanOrEqual(serverTime);
  const later = await ask<Trade[]>(`/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${id - 4}&limit=1000`);
  expect(later.slice(0, 5)).toEqual(latest.slice(-5));
  const after = await ask<{ serverTime: number }>('/api/v3/time');
  expect(later.at(-1)?.time).toBeLessThanOrEqual(after.serverTime);
  expect(await ask(`/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${id + 1_000_000}`)).toEqual([]);
  expect(await ask(`/api/v3/aggTrades?symbol=BTCUSDT&startTime=${after.serverTime + 60_000}`)).toEqual([]);
});

it('aggregated trades by time are the trades of that time', async () => {
  const start = Date.parse('2024-03-05T10:00:00Z');
  const rows = await ask<{ a: number; T: number; f: number; l: number }[]>(
    `/api/v3/aggTrades?symbol=DOTUSDT&startTime=${start}&endTime=${start + 59_999}&limit=1000`,
  );
  const [kline] = await ask<Kline[]>(`/api/v3/klines?symbol=DOTUSDT&interval=1m&startTime=${start}&limit=1`);
  expect(rows).toHaveLength(kline?.[8] ?? NaN);
  expect(rows.every(({ a, f, l }) => a === f && f === l)).toBe(true);
});

it('the book does not cross, and holds the last price between its sides', async () => {
  const { bids, asks } = await ask<{ bids: string[][]; asks: string[][] }>(
    '/api/v3/depth?symbol=ETHUSDT&limit=500',
  );
  const falling = bids.map(([price]) => Number(price));
  const rising = asks.map(([price]) => Number(price));
  expect(falling).toHaveLength(500);
  expect(falling).toEqual(falling.toSorted((a, b) => b - a));
  expect(rising).toEqual(rising.toSorted((a, b) => a - b));
  expect(falling[0]).toBeLessThan(rising[0] ?? NaN);
});

describe('answers', () => {
  it.each([
    ['/api/v3/klines?symbol=NOSUCH&interval=1m', 400, -1121],
    ['/api/v3/klines?symbol=BTCUSDT&interval=toString', 400, -1120],
    ['/api/v3/klines?symbol=BTCUSDT', 400, -1102],
    ['/api/v3/trades?symbol=BTCUSDT&limit=x', 400, -1100],
    ['/api/v3/trades?symbol=BTCUSDT&limit=0', 400, -1130],
    ['/api/v3/aggTrades?symbol=BTCUSDT&fromId=1&startTime=1', 400, -1128],
    ['/api/v3/nosuch', 404, -1000],
    ['/api/v3/account', 401, -2014],
  ])('%s: %i, code %i', async (path, status, code) => {
    const answer = await simulator.get(path);
    expect(answer).toMatchObject({ status, body: { code, msg: expect.any(String) as string } });
  });

  it('carry the seed and the weight used', async () => {
    const used = async (path: string) => {
      const { headers } = await simulator.get(path);
      expect(headers.get('x-simulator')).toBe('42');
      return Number(headers.get('x-mbx-used-weight-1m'));
    };
    const before = await used('/api/v3/ping');
    const after = await used('/api/v3/depth?symbol=BTCUSDT&limit=5000');
    // A new minute may have begun in between.
    expect([250, before + 250]).toContain(after);
  });

  it('list the markets that are listed by then', async () => {
    const young = await openSimulator({ startTimeUs: Date.parse('2018-01-01') * 1000 });
    const { body } = await young.get('/api/v3/exchangeInfo');
    const names = (body as { symbols: { symbol: string }[] }).symbols.map(({ symbol }) => symbol);
    expect(names).toEqual(['BTCUSDT', 'ETHUSDT', 'BNBUSDT']);
    expect((await young.get('/api/v3/ticker/24hr')).body).toHaveLength(3);
    expect((await young.get('/api/v3/depth?symbol=SOLUSDT')).body).toMatchObject({ code: -1121 });
    await young.close();
  });
});

it('over the weight limit answers 429 with Retry-After, and 418 to who goes on', async () => {
  const strict = await openSimulator({ weightLimitPerMinute: 30 });
  const statuses: number[] = [];
  for (let i = 0; i < 60; i++) {
    const { status, headers } = await strict.get('/api/v3/trades?symbol=BTCUSDT&limit=1');
    statuses.push(status);
    if (status !== 200) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(new Set(statuses)).toEqual(new Set([200, 429, 418]));
  expect(statuses.at(-1)).toBe(418);
  await strict.close();
});
