import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimulatorOptions } from '#core/exchanges/simulator/server.ts';
import { listen, openSimulator, type Opened, type TradeData } from './support.ts';

type Kline = [number, string, string, string, string, string, number, string, number, ...unknown[]];
interface Trade {
  id: number;
  price: string;
  qty: string;
  time: number;
}
interface Listing {
  symbol: string;
  listing: number;
  listedUs: number;
  delistedUs?: number;
  firstTradeId: number;
  nextTradeId: number;
}
interface Truth {
  nowUs: number;
  incidents: Record<string, unknown>[];
  listings: Listing[];
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const at = (text: string) => Date.parse(text);

let folder: string;
const opened: Opened[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'incidents-'));
});
afterAll(async () => {
  for (const simulator of opened) await simulator.close();
  await rm(folder, { recursive: true });
});

/** A simulator to which things can happen, and a later one that goes on where it stood. */
async function open(options: Partial<SimulatorOptions> = {}) {
  const simulator = await openSimulator({ weightLimitPerMinute: 100_000, ...options });
  opened.push(simulator);
  const ask = async <T>(path: string): Promise<T> => {
    const { status, body } = await simulator.get(path);
    expect(status, JSON.stringify(body)).toBe(200);
    return body as T;
  };
  const post = async (incident: Record<string, unknown>) => {
    const response = await fetch(`${simulator.url}/simulator/incidents`, {
      method: 'POST',
      body: JSON.stringify(incident),
    });
    return { status: response.status, body: (await response.json()) as Truth & { msg: string } };
  };
  const statusOf = async (symbol: string) => {
    const info = await ask<{ symbols: { symbol: string; status: string }[] }>('/api/v3/exchangeInfo');
    return info.symbols.find((market) => market.symbol === symbol)?.status;
  };
  return { simulator, ask, post, statusOf };
}

/**
 * The same tape at a later time: what befalls it is kept beside its clock. The one before is closed, as it would go on
 * keeping its own time there.
 */
let tapes = 0;
async function lifetimes(incidents: Record<string, unknown>[], startTime = '2024-03-05T11:22:33Z') {
  const clockFile = join(folder, `${++tapes}.clock.json`);
  const { post, simulator } = await open({ clockFile, startTimeUs: at(startTime) * 1000 });
  for (const incident of incidents) expect((await post(incident)).status).toBe(200);
  let running = simulator;
  return async (time: string) => {
    await running.close();
    await writeFile(clockFile, JSON.stringify({ seed: 42, rate: 1, nowUs: at(time) * 1000 }));
    const next = await open({ clockFile });
    running = next.simulator;
    return next;
  };
}

describe('what befalls the markets', () => {
  it.each([
    [{ kind: 'flood' }, 'kind'],
    [{ kind: 'outage', minutes: 0 }, 'minutes'],
    [{ kind: 'outage', symbol: 'BTCUSDT' }, 'all markets'],
    [{ kind: 'halt' }, 'no market'],
    [{ kind: 'halt', symbol: 'NOSUCH' }, 'no market'],
    [{ kind: 'halt', symbol: 'BTCUSDT', fromMs: at('2024-03-05T11:00:00Z') }, 'not later than now'],
    [{ kind: 'halt', symbol: 'BTCUSDT', fromMs: at('2024-03-05T12:00:30Z') }, 'whole minute'],
    [{ kind: 'relisting', symbol: 'BTCUSDT' }, 'not delisted'],
    [{ kind: 'halt', symbol: 'BTCUSDT', why: 1 }, 'additional'],
  ])('%j is refused', async (incident, why) => {
    const { post } = await open();
    expect(await post(incident)).toMatchObject({
      status: 400,
      body: { msg: expect.stringContaining(why) as string },
    });
  });

  it('is told by the truth, which starts empty', async () => {
    const { ask, post } = await open();
    const before = await ask<Truth>('/simulator/incidents');
    expect(before.incidents).toEqual([]);
    expect(before.listings[0]).toMatchObject({
      ...{ symbol: 'BTCUSDT', listing: 1, listedUs: at('2017-08-17') * 1000, firstTradeId: 1 },
    });
    await post({ kind: 'outage', minutes: 3 });
    await post({ kind: 'delisting', symbol: 'LINKUSDT', goneAfterMinutes: 10 });
    await post({ kind: 'relisting', symbol: 'LINKUSDT', ids: 'continue' });
    const { incidents, listings } = await ask<Truth>('/simulator/incidents');
    const from = at('2024-03-05T11:23:00Z') * 1000;
    expect(incidents).toEqual([
      { kind: 'outage', fromUs: from, toUs: from + 180_000_000 },
      { kind: 'delisting', symbol: 'LINKUSDT', fromUs: from, goneUs: from + 600_000_000 },
      { kind: 'relisting', symbol: 'LINKUSDT', fromUs: at('2024-03-07') * 1000, ids: 'continue' },
    ]);
    const [first, second] = listings.filter(({ symbol }) => symbol === 'LINKUSDT');
    expect(first).toMatchObject({ listing: 1, delistedUs: from });
    expect(second).toMatchObject({ listing: 2, listedUs: at('2024-03-07') * 1000 });
    expect(second?.firstTradeId).toBeGreaterThanOrEqual(first?.nextTradeId ?? Infinity);
    expect(await post({ kind: 'delisting', symbol: 'BTCUSDT' })).toMatchObject({ status: 200 });
    expect(await post({ kind: 'delisting', symbol: 'BTCUSDT' })).toMatchObject({
      body: { msg: expect.stringContaining('delisted already') as string },
    });
  });

  it('is kept for the next run, and belongs to one tape', async () => {
    const clockFile = join(folder, 'kept.clock.json');
    const first = await open({ clockFile });
    await first.post({ kind: 'halt', symbol: 'BTCUSDT', minutes: 5 });
    const { incidents } = await first.ask<Truth>('/simulator/incidents');
    await first.simulator.close();
    const second = await open({ clockFile });
    expect((await second.ask<Truth>('/simulator/incidents')).incidents).toEqual(incidents);
    await second.simulator.close();
    await rm(clockFile);
    await expect(openSimulator({ clockFile, seed: 43 })).rejects.toMatchObject({ code: 'CONFLICT' });
    await rm(clockFile);
    await (await open({ clockFile, life: 'eventful' })).simulator.close();
    await expect(openSimulator({ clockFile })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

it('a halt: no trades, flat bars without volume, HALT; then the market goes on', async () => {
  const halt = { kind: 'halt', symbol: 'BTCUSDT', fromMs: at('2024-03-05T12:00:00Z'), minutes: 30 };
  const later = await lifetimes([halt]);
  const during = await later('2024-03-05T12:20:30Z');
  expect(await during.statusOf('BTCUSDT')).toBe('HALT');
  expect(await during.statusOf('ETHUSDT')).toBe('TRADING');
  const after = await later('2024-03-05T13:10:30Z');
  expect(await after.statusOf('BTCUSDT')).toBe('TRADING');
  const rows = await after.ask<Kline[]>(
    `/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=${halt.fromMs - minuteMs}&limit=32`,
  );
  expect(rows.map(([time]) => time)).toEqual(rows.map((_, i) => halt.fromMs + (i - 1) * minuteMs));
  const [before, ...rest] = rows;
  for (const row of rest.slice(0, 30)) {
    expect([row[1], row[2], row[3], row[4]]).toEqual(Array(4).fill(before?.[4]));
    expect([row[5], row[7], row[8]]).toEqual(['0.00000000', '0.00000000', 0]);
  }
  expect(rest[30]?.[8]).toBeGreaterThan(0);
  const agg = await after.ask<{ a: number; T: number }[]>(
    `/api/v3/aggTrades?symbol=BTCUSDT&startTime=${halt.fromMs}&limit=1`,
  );
  expect(agg[0]?.T).toBeGreaterThanOrEqual(halt.fromMs + 30 * minuteMs);
  const [last, next] = await after.ask<Trade[]>(
    `/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${(agg[0]?.a ?? 0) - 1}&limit=2`,
  );
  expect(last?.time).toBeLessThan(halt.fromMs);
  expect([last?.price, next?.id]).toEqual([before?.[4], agg[0]?.a]);
});

it('an outage: REST says 503, sockets are silent, no bars are made, and ids go on', async () => {
  const outage = { kind: 'outage', fromMs: at('2024-03-05T12:00:00Z'), minutes: 90 };
  const later = await lifetimes([outage]);
  const during = await later('2024-03-05T12:20:30Z');
  for (const path of ['time', 'exchangeInfo', 'klines?symbol=BTCUSDT&interval=1m']) {
    expect(await during.simulator.get(`/api/v3/${path}`)).toMatchObject({
      status: 503,
      body: { code: -1016 },
    });
  }
  expect((await during.simulator.get('/simulator/state')).status).toBe(200);
  const after = await later('2024-03-05T15:10:30Z');
  const klines = (interval: string, extra = '') =>
    after.ask<Kline[]>(`/api/v3/klines?symbol=ETHUSDT&interval=${interval}${extra}`);
  const begin = `&startTime=${outage.fromMs - 2 * minuteMs}`;
  const end = outage.fromMs + 90 * minuteMs;
  expect((await klines('1m', `${begin}&limit=4`)).map(([time]) => time)).toEqual([
    ...[outage.fromMs - 2 * minuteMs, outage.fromMs - minuteMs, end, end + minuteMs],
  ]);
  expect((await klines('1m', `&endTime=${end}&limit=3`)).map(([time]) => time)).toEqual([
    ...[outage.fromMs - 2 * minuteMs, outage.fromMs - minuteMs, end],
  ]);
  const hours = await klines('1h', '&limit=4');
  expect(hours.map(([time]) => new Date(time).toISOString().slice(11, 13))).toEqual(['11', '13', '14', '15']);
  const minutes = await klines(
    '1m',
    `&startTime=${outage.fromMs}&endTime=${outage.fromMs + 2 * 60 * minuteMs - 1}`,
  );
  expect(minutes).toHaveLength(30);
  expect(hours[1]?.slice(1, 3)).toEqual([
    minutes[0]?.[1],
    minutes.map((row) => row[2]).sort((a, b) => Number(b) - Number(a))[0],
  ]);
  expect(hours[1]?.[8]).toBe(minutes.reduce((sum, row) => sum + row[8], 0));
});

it('a delisting: BREAK, no statistics, an empty book, history as before; gone when its time is over', async () => {
  const from = at('2024-03-05T12:00:00Z');
  const later = await lifetimes([
    { kind: 'delisting', symbol: 'LINKUSDT', fromMs: from, goneAfterMinutes: 3 * 1_440 },
  ]);
  const soon = await later('2024-03-05T18:00:30Z');
  expect(await soon.statusOf('LINKUSDT')).toBe('BREAK');
  const ticker = await soon.ask<Record<string, unknown>>('/api/v3/ticker/24hr?symbol=LINKUSDT');
  expect(ticker['count']).toBeGreaterThan(0);
  const { ask, statusOf } = await later('2024-03-07T18:00:30Z');
  expect(await statusOf('LINKUSDT')).toBe('BREAK');
  const [last] = await ask<Trade[]>('/api/v3/trades?symbol=LINKUSDT&limit=1');
  expect(last?.time).toBeLessThan(from);
  expect(await ask('/api/v3/ticker/24hr?symbol=LINKUSDT')).toMatchObject({
    ...{ lastPrice: '0.00000000', volume: '0.00000000', prevClosePrice: last?.price },
    ...{ count: 0, firstId: -1, lastId: -1 },
  });
  expect(await ask('/api/v3/depth?symbol=LINKUSDT')).toMatchObject({ bids: [], asks: [] });
  const bars = await ask<Kline[]>('/api/v3/klines?symbol=LINKUSDT&interval=1h&limit=3');
  expect(bars.map(([time]) => time)).toEqual([3, 2, 1].map((hours) => from - hours * 3_600_000));
  expect(bars.at(-1)?.[4]).toBe(last?.price);
  const days = await ask<Kline[]>('/api/v3/klines?symbol=LINKUSDT&interval=1d&startTime=0&limit=1000');
  expect(days[0]?.[0]).toBe(at('2019-01-16'));
  const gone = await later('2024-03-08T12:00:30Z');
  expect(await gone.statusOf('LINKUSDT')).toBeUndefined();
  expect(await gone.simulator.get('/api/v3/klines?symbol=LINKUSDT&interval=1d')).toMatchObject({
    status: 400,
    body: { code: -1121 },
  });
});

it.each(['restart', 'continue'])(
  'a name used again, ids %s: history of both coins, ids of the new one',
  async (ids) => {
    const from = at('2024-03-05T12:00:00Z');
    const again = at('2024-03-08');
    const later = await lifetimes([
      { kind: 'delisting', symbol: 'LINKUSDT', fromMs: from },
      { kind: 'relisting', symbol: 'LINKUSDT', fromMs: again, ids },
    ]);
    const { ask, statusOf } = await later('2024-03-08T06:00:30Z');
    expect(await statusOf('LINKUSDT')).toBe('TRADING');
    const days = await ask<Kline[]>('/api/v3/klines?symbol=LINKUSDT&interval=1d&limit=3');
    expect(days.map(([time]) => time)).toEqual([at('2024-03-04'), at('2024-03-05'), again]);
    expect(Number(days[2]?.[4])).toBeLessThan(Number(days[1]?.[4]) / 2);
    const { listings } = await ask<Truth>('/simulator/incidents');
    const [first, second] = listings.filter(({ symbol }) => symbol === 'LINKUSDT');
    expect(second?.firstTradeId).toBe(ids === 'restart' ? 1 : first?.nextTradeId);
    const agg = (startTime: number) =>
      ask<{ a: number; T: number }[]>(`/api/v3/aggTrades?symbol=LINKUSDT&startTime=${startTime}&limit=2`);
    const old = await agg(from - 10 * minuteMs);
    expect(old[0]?.T).toBeLessThan(from);
    const [newest] = await agg(from);
    expect(newest).toMatchObject({ a: second?.firstTradeId });
    expect(newest?.T).toBeGreaterThanOrEqual(again);
    const rows = await ask<Trade[]>(
      `/api/v3/historicalTrades?symbol=LINKUSDT&fromId=${Math.max(0, (second?.firstTradeId ?? 0) - 2)}&limit=4`,
    );
    const times = rows.map(({ time }) => time >= again);
    expect(times).toEqual(ids === 'restart' ? [true, true, true, true] : [false, false, true, true]);
    const ticker = await ask<Record<string, number>>('/api/v3/ticker/24hr?symbol=LINKUSDT');
    expect(ticker['openTime']).toBe(again);
    expect(ticker['firstId']).toBe(second?.firstTradeId);
  },
);

it('an eventful seed: the markets are as the truth says, and history has both coins of a name', async () => {
  const { ask } = await open({
    life: 'eventful',
    symbols: 200,
    startTimeUs: at('2025-06-10T12:00:00Z') * 1000,
  });
  const { incidents, listings, nowUs } = await ask<Truth>('/simulator/incidents');
  const info = await ask<{ symbols: { symbol: string; status: string }[] }>('/api/v3/exchangeInfo');
  const statusOf = new Map(info.symbols.map(({ symbol, status }) => [symbol, status]));
  const latest = new Map(
    listings.filter(({ listedUs }) => listedUs <= nowUs).map((coin) => [coin.symbol, coin]),
  );
  expect([...statusOf.keys()].sort()).toEqual([...latest.keys()].sort());
  for (const { symbol, delistedUs = Infinity } of latest.values()) {
    expect(statusOf.get(symbol) === 'BREAK').toBe(delistedUs <= nowUs);
  }
  expect(new Set(statusOf.values())).toContain('BREAK');
  const renewed = [...latest.values()].filter(({ listing }) => listing === 2);
  expect(renewed.length).toBeGreaterThan(0);
  for (const { symbol, listedUs } of renewed.slice(0, 3)) {
    const listedMs = listedUs / 1000;
    const path = `/api/v3/klines?symbol=${symbol}&interval=1d`;
    const before = await ask<Kline[]>(`${path}&endTime=${listedMs - 1}&limit=1`);
    const [end] = incidents.filter(({ kind, symbol: of }) => kind === 'delisting' && of === symbol);
    const lastDay = Math.floor((Number(end?.['fromUs']) / 1000 - 1) / dayMs) * dayMs;
    expect(before.map(([time]) => time)).toEqual([lastDay]);
    const [first] = await ask<Kline[]>(`${path}&startTime=${lastDay + 1}&limit=1`);
    expect(first?.[0]).toBe(listedMs);
  }
});

it('streams send what REST has, over a halt, an outage and the change of a name', async () => {
  const { simulator, ask, post } = await open({
    speed: 20_000,
    startTimeUs: at('2024-03-05T11:22:33Z') * 1000,
  });
  const symbol = 'LINKUSDT';
  const client = await listen(`${simulator.wsUrl}/stream?streams=linkusdt@trade/linkusdt@kline_1m`);
  const { nowUs } = await ask<Truth>('/simulator/incidents');
  const from = Math.ceil(nowUs / 60_000_000) * minuteMs + 600 * minuteMs;
  const end = from + 400 * minuteMs;
  const again = Math.ceil(end / dayMs) * dayMs + dayMs;
  for (const incident of [
    { kind: 'halt', symbol, fromMs: from, minutes: 30 },
    { kind: 'outage', fromMs: from + 100 * minuteMs, minutes: 60 },
    { kind: 'delisting', symbol, fromMs: end },
    { kind: 'relisting', symbol, fromMs: again },
  ]) {
    const { status, body } = await post(incident);
    expect(status, body.msg).toBe(200);
  }
  await client.until(() => (client.trades().at(-1)?.T ?? 0) > again + 60 * minuteMs);
  client.close();
  const coins: [TradeData[], TradeData[]] = [[], []];
  for (const trade of client.trades()) coins[trade.T < again ? 0 : 1].push(trade);
  const { listings } = await ask<Truth>('/simulator/incidents');
  const [, second] = listings.filter((listing) => listing.symbol === symbol);
  expect(coins[1][0]?.t).toBe(second?.firstTradeId);
  for (const trades of coins) {
    expect(trades.length).toBeGreaterThan(100);
    trades.forEach((trade, i) => expect(trade.t).toBe((trades[0]?.t ?? NaN) + i));
  }
  const quiet = [
    [from, from + 30 * minuteMs],
    [from + 100 * minuteMs, from + 160 * minuteMs],
    [end, again],
  ] as const;
  for (const [begin, over] of quiet) {
    expect(client.trades().filter(({ T }) => T >= begin && T < over)).toEqual([]);
  }
  const [firstNew] = coins[1];
  const rows = await ask<Trade[]>(
    `/api/v3/historicalTrades?symbol=${symbol}&fromId=${firstNew?.t}&limit=100`,
  );
  expect(rows.map(({ id, price, qty, time }) => [id, price, qty, time])).toEqual(
    coins[1].slice(0, 100).map(({ t, p, q, T }) => [t, p, q, T]),
  );
  const [firstOld] = coins[0];
  const agg = await ask<{ a: number; p: string; q: string; T: number }[]>(
    `/api/v3/aggTrades?symbol=${symbol}&startTime=${(firstOld?.T ?? 0) + 1}&endTime=${again}&limit=1000`,
  );
  const sent = coins[0].filter(({ T }) => T > (firstOld?.T ?? 0)).slice(0, agg.length);
  expect(agg.map(({ a, p, q, T }) => [a, p, q, T])).toEqual(sent.map(({ t, p, q, T }) => [t, p, q, T]));
  const closed = client.messages.flatMap((text) => {
    const { data } = JSON.parse(text) as { data: { e: string; k: { t: number; x: boolean; n: number } } };
    return data.e === 'kline' && data.k.x ? [data.k] : [];
  });
  const bars = await ask<Kline[]>(
    `/api/v3/klines?symbol=${symbol}&interval=1m&startTime=${closed[0]?.t}&limit=1000`,
  );
  expect(closed.slice(0, bars.length).map(({ t, n }) => [t, n])).toEqual(bars.map((row) => [row[0], row[8]]));
});
