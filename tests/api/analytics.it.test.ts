import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PerformanceList, UserList, VolumeList } from '#api/schemas/analytics.ts';
import type { Problem } from '#api/schemas/common.ts';
import type { History } from '#api/schemas/history.ts';
import type { User } from '#api/schemas/identity.ts';
import { giveRole } from '#core/identity/users.ts';
import { parseDecimal, zero } from '#core/market/decimal.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { Command } from '#core/trading/command.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { openTradingWriter, type TradingWriter } from '#core/trading/writer.ts';
import { placement, surroundings } from '#tests/core/trading/support.ts';
import { putBars } from '#tests/support/bars.ts';
import { candlestick, putLiveCandles } from './live-records.ts';
import { source } from './service.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

const minuteUs = 60_000_000;
const hourUs = 60 * minuteUs;
/** Ten whole hours before this one. */
const startUs = Math.floor((Date.now() * 1_000) / hourUs) * hourUs - 10 * hourUs;
const at = (minutes: number): number => startUs + minutes * minuteUs;
const timeOf = (minutes: number): string => new Date(at(minutes) / 1_000).toISOString();
/** Close of the minute that begins then. */
const priceAt = (minute: number): string =>
  minute < 60 ? '100' : minute < 120 ? '110' : minute < 180 ? '88' : '99';

let trading: TradingGround;
let writer: TradingWriter;
let [anna, bert, admin] = ['', '', ''];
let [annaId, bertId] = ['', ''];
let [hers, his] = ['', ''];

beforeAll(async () => {
  trading = await openTradingGround();
  await trading.trade('120.00');
  [anna, bert, admin] = (await Promise.all(
    ['anna', 'bert', 'admin'].map((name) => trading.signUp(`${name}@example.com`)),
  )) as [string, string, string];
  const idOf = async (token: string): Promise<string> =>
    (await trading.ask<User>('GET', '/v1/users/me', { token })).id;
  [annaId, bertId] = [await idOf(anna), await idOf(bert)];
  const adminId = await idOf(admin);
  await giveRole(trading.ground.database, adminId, 'admin');
  trading.service.identity.sessions.forget(adminId);
  await putBars(trading.ground, {
    ...{ source, listing: 'BTCUSDT#1', interval: '1m' as const },
    bars: Array.from({ length: 240 }, (_, minute) => ({
      openUs: at(minute),
      ...{ open: '1', high: '1', low: '1', close: priceAt(minute), volume: '1', quoteVolume: '1', trades: 1 },
    })),
  });
  writer = openTradingWriter({
    database: trading.ground.database,
    surroundings: { ...surroundings, fees: { maker: parseDecimal('0.001'), taker: parseDecimal('0.001') } },
    metrics: new Metrics(),
  });
  hers = await opened(annaId, 0);
  his = await opened(bertId, 30);
  // 1000 comes, half of it buys 5 BTC at 100 (fee 0.5). At 110 another 500 comes, at 88 440 goes.
  await moved(hers, 1, 'deposit', 'USDT', '1000');
  await bought(hers, 2, '5');
  await moved(hers, 90, 'deposit', 'USDT', '500');
  await moved(hers, 150, 'withdraw', 'USDT', '440');
  await moved(his, 31, 'deposit', 'USDT', '200');
}, 90_000);

afterAll(async () => {
  await writer.close();
  await trading.close();
});

async function submit(portfolioId: string, minute: number, command: object): Promise<void> {
  await writer.submit({ portfolioId, atUs: at(minute), ...command } as Command);
}

async function opened(userId: string, minute: number): Promise<string> {
  const portfolioId = randomUUID();
  await submit(portfolioId, minute, { kind: 'open_portfolio', userId, name: 'Past', limits: defaultLimits });
  return portfolioId;
}

async function moved(
  portfolioId: string,
  minute: number,
  kind: 'deposit' | 'withdraw',
  asset: string,
  amount: string,
): Promise<void> {
  await submit(portfolioId, minute, { kind, id: randomUUID(), asset, amount: parseDecimal(amount) });
}

async function bought(portfolioId: string, minute: number, quantity: string): Promise<void> {
  const orderId = randomUUID();
  const { kind, request } = placement(portfolioId, { source, quantity: parseDecimal(quantity) });
  await submit(portfolioId, minute, { kind, request, orderId });
  await submit(portfolioId, minute, {
    kind: 'execute',
    steps: [
      { kind: 'activate_order', orderId, activeAfterTradeId: 1, queueAhead: zero },
      {
        ...{ kind: 'fill_order', orderId, tradeId: 2, quantity: request.quantity, liquidity: 'maker' },
        ...{ price: parseDecimal('100'), queueAhead: zero, marketTimeUs: at(minute) },
      },
    ],
  });
}

async function history(query: string, token = anna, portfolioId = hers): Promise<History> {
  return await trading.ask<History>('GET', `/v1/portfolios/${portfolioId}/history?${query}`, { token });
}

/** 999.5 grows to 1049.5, 1549.5 falls to 1439.5, 999.5 grows to 1054.5. */
const grown = (1049.5 / 1000) * (1439.5 / 1549.5) * (1054.5 / 999.5);

describe('the value of a portfolio over time', () => {
  it('is what was there at the prices of each moment, and grows by them alone', async () => {
    const { points, interval, timeWeightedReturn, maxDrawdown } = await history(
      `interval=30m&from=${timeOf(0)}&to=${timeOf(240)}`,
    );
    expect(interval).toBe('30m');
    expect(points.map(({ value }) => value)).toEqual([
      ...['0', '999.5', '999.5', '1549.5', '1549.5', '999.5', '999.5', '1054.5', '1054.5'],
    ]);
    expect(points.map(({ paidIn }) => paidIn)).toEqual(['0', '1000', '0', '500', '0', '-440', '0', '0', '0']);
    expect(points.map(({ priceAgeSeconds }) => priceAgeSeconds)).toEqual(points.map(() => 0));
    const [g1, g2] = [1049.5 / 1000, 1439.5 / 1549.5];
    const growth = [1, 0.9995, 0.9995, g1, g1, g1 * g2, g1 * g2, grown, grown];
    expect(points.map((point) => point.growth)).toEqual(
      growth.map((one) => expect.closeTo(one, 9) as number),
    );
    expect(timeWeightedReturn).toBeCloseTo(grown - 1, 9);
    expect(maxDrawdown).toBeCloseTo(1 - g2, 9);
  });

  it('is the same by hours as by minutes', async () => {
    const window = `from=${timeOf(0)}&to=${timeOf(240)}`;
    const [hours, minutes] = [await history(`interval=1h&${window}`), await history(`interval=1m&${window}`)];
    expect(minutes.points).toHaveLength(241);
    expect(hours.points).toEqual(
      hours.points.map(({ time, paidIn }) => ({
        ...minutes.points.find((point) => point.time === time),
        paidIn,
      })),
    );
    expect(hours.timeWeightedReturn).toBeCloseTo(minutes.timeWeightedReturn ?? NaN, 12);
  });

  it('goes on with the last known price, says how old it is, and ends with the live one', async () => {
    const { points, interval } = await history('');
    expect(interval).toBe('5m');
    const last = points.at(-1);
    const before = points.at(-2);
    // 559.5 of money, and 5 BTC at 120 now.
    expect(last?.value).toBe('1159.5');
    expect(before?.value).toBe('1054.5');
    expect(before?.priceAgeSeconds).toBeGreaterThan(5 * 3_600);
    expect(last?.priceAgeSeconds).toBeLessThan(600);
  });

  it('has minutes that the lake does not have yet', async () => {
    const made = candlestick({ source, symbol: 'BTCUSDT', interval: '1m' }, 0);
    await putLiveCandles(trading.ground.database, [
      { ...made, open_us: at(300), close_us: at(301) - 1, close: '77' },
    ]);
    const { points } = await history(`interval=15m&from=${timeOf(240)}&to=${timeOf(330)}`);
    expect(points.map(({ value }) => value)).toEqual([
      ...['1054.5', '1054.5', '1054.5', '1054.5', '1054.5', '944.5', '944.5'],
    ]);
    await trading.ground.database.query('delete from stream.candles');
  });

  it('says what has no price, and tells no return where that moved', async () => {
    const portfolioId = await opened(annaId, 10);
    await moved(portfolioId, 11, 'deposit', 'USDT', '10');
    await moved(portfolioId, 70, 'deposit', 'XYZ', '3');
    const { points, timeWeightedReturn, maxDrawdown } = await history(
      `interval=30m&from=${timeOf(0)}&to=${timeOf(120)}`,
      anna,
      portfolioId,
    );
    expect(points.map(({ value, paidIn, unpriced }) => [value, paidIn, unpriced])).toEqual([
      ['0', '0', []],
      ['10', '10', []],
      ['10', '0', []],
      [null, null, ['XYZ']],
      [null, '0', ['XYZ']],
    ]);
    expect([timeWeightedReturn, maxDrawdown]).toEqual([null, null]);
  });

  it('is by the clock of the venue where that stood still', async () => {
    // It rested for two hours after the first: what was at 180 minutes by our clock was at 60 by its own.
    const { database } = trading.ground;
    for (const [noted, said] of [
      [0, 0],
      [30, 30],
      [60, 60],
      [180, 60],
      [190, 70],
    ] as const)
      await database.query(
        `insert into ingest.venues (source, time_us, noted_at) values ($1, $2, $3)
         on conflict (source) do update set time_us = excluded.time_us, noted_at = excluded.noted_at`,
        [source, at(said), new Date(at(noted) / 1_000)],
      );
    // Kept only where it did not go on with ours.
    const { rows } = await database.query(
      'select noted_us as noted, time_us as said from ingest.clocks order by noted_us',
    );
    expect(rows).toEqual([
      { noted: at(0), said: at(0) },
      { noted: at(180), said: at(60) },
    ]);
    const { points } = await history(`interval=30m&from=${timeOf(0)}&to=${timeOf(240)}`);
    expect(points.map(({ value }) => value)).toEqual([
      // At 150 minutes 440 went at a price of 100.
      ...['0', '999.5', '999.5', '1499.5', '1499.5', '1059.5', '1059.5', '1109.5', '1109.5'],
    ]);
    await database.query('delete from ingest.venues');
    await database.query('delete from ingest.clocks');
  });

  it.each([
    ['interval=1m', 'more than 1000 points', -20],
    [`from=${timeOf(100)}&to=${timeOf(50)}`, 'is not before', 0],
    ['from=2999-01-01', 'is not before', 0],
  ])('refuses %s', async (query, detail, hours) => {
    const portfolioId = hours === 0 ? hers : await opened(annaId, hours * 60);
    const url = `/v1/portfolios/${portfolioId}/history?${query}`;
    const problem = await trading.ask<Problem>('GET', url, { token: anna, status: 400 });
    expect(problem.detail).toContain(detail);
    expect(problem.remedy).toBeTruthy();
  });
});

describe('analytics', () => {
  it('tell each user their own, and an admin all', async () => {
    const volume = async (token: string, query = ''): Promise<VolumeList> =>
      await trading.ask<VolumeList>('GET', `/v1/analytics/volume?bucket=all${query}`, { token });
    const totals = [{ quote: 'USDT', fills: 1, volume: '500', fees: '0.5' }];
    expect(await volume(anna)).toEqual({
      totals,
      items: [
        {
          ...{ time: null, source, symbol: 'BTCUSDT', quote: 'USDT', fills: 1, quantity: '5' },
          ...{ volume: '500', fees: '0.5', buyVolume: '500', sellVolume: '0' },
        },
      ],
      nextCursor: null,
    });
    expect((await volume(bert)).totals).toEqual([]);
    expect((await volume(admin)).totals).toEqual(totals);
    expect((await volume(admin, `&userId=${bertId}`)).totals).toEqual([]);
    expect((await volume(admin, `&userId=${annaId}`)).totals).toEqual(totals);
    for (const query of [`&userId=${annaId}`, `&portfolioId=${hers}`]) {
      const url = `/v1/analytics/volume?bucket=all${query}`;
      await trading.ask<Problem>('GET', url, { token: bert, status: 404 });
    }
    const { items } = await trading.ask<VolumeList>('GET', '/v1/analytics/volume?bucket=hour', {
      token: anna,
    });
    expect(items.map(({ time }) => time)).toEqual([timeOf(0).replace('Z', '000Z')]);
  });

  it('say what users did, who traded most first, in pages', async () => {
    const users = async (token: string, query = ''): Promise<UserList> =>
      await trading.ask<UserList>('GET', `/v1/analytics/users?${query}`, { token });
    const first = await users(admin, 'limit=1');
    expect(first.totals).toMatchObject({ users: 2, ordersPlaced: 1, fills: 1, volume: '500', fees: '0.5' });
    expect(first.items).toMatchObject([{ userId: annaId, ordersPlaced: 1, volume: '500' }]);
    const second = await users(admin, `limit=1&cursor=${first.nextCursor ?? ''}`);
    expect(second.items).toMatchObject([{ userId: bertId, portfolios: 1, ordersPlaced: 0, volume: '0' }]);
    expect(second.nextCursor).toBeNull();
    expect((await users(bert)).items.map(({ userId }) => userId)).toEqual([bertId]);
    await trading.ask<Problem>('GET', '/v1/analytics/users?cursor=bm9wZQ', { token: admin, status: 400 });
  });

  it('say what became of money: of one, of each user, and of all as one', async () => {
    const window = `from=${timeOf(0)}&to=${timeOf(240)}`;
    const performance = async (token: string, query: string): Promise<PerformanceList> =>
      await trading.ask<PerformanceList>('GET', `/v1/analytics/performance?${window}&${query}`, { token });
    const one = await performance(anna, `portfolioId=${hers}&by=portfolio`);
    const figures = {
      ...{ startValue: '0', endValue: '1054.5', paidIn: '1060', profit: '-5.5', fees: '0.5', volume: '500' },
      ...{ realizedProfit: '0', realizedProfitFifo: '0', unrealizedProfit: null, unpriced: [] },
      timeWeightedReturn: expect.closeTo(grown - 1, 9) as number,
      maxDrawdown: expect.closeTo(1 - 1439.5 / 1549.5, 9) as number,
      // At the hours: 0, 999.5, 1549.5, 999.5, 1054.5.
      turnover: expect.closeTo(500 / (4603 / 5), 9) as number,
    };
    expect(one.overall).toEqual(figures);
    expect(one.items).toEqual([{ userId: annaId, portfolioId: hers, ...figures }]);
    const all = await performance(admin, `limit=1`);
    const next = await performance(admin, `limit=1&cursor=${all.nextCursor ?? ''}`);
    expect([...all.items, ...next.items].map(({ userId }) => userId)).toEqual([annaId, bertId].sort());
    const his200 = [...all.items, ...next.items].find(({ userId }) => userId === bertId);
    expect(his200).toMatchObject({ endValue: '200', paidIn: '200', profit: '0', timeWeightedReturn: 0 });
    expect((await performance(bert, '')).overall).toMatchObject({ endValue: '200', profit: '0' });
    // Of her other portfolio something has no price, so that of all together no value is told.
    expect(all.overall).toMatchObject({ endValue: null, unpriced: ['XYZ'], volume: '500' });
  });

  it('value what is held now at last prices', async () => {
    const { overall } = await trading.ask<PerformanceList>(
      'GET',
      `/v1/analytics/performance?portfolioId=${hers}`,
      { token: anna },
    );
    // 5 BTC at 120 for 500.5.
    expect(overall).toMatchObject({ unrealizedProfit: '99.5', endValue: '1159.5', profit: '99.5' });
  });

  it('refuse hours that are none', async () => {
    const url = `/v1/analytics/volume?from=${timeOf(61)}&to=${timeOf(100)}`;
    const problem = await trading.ask<Problem>('GET', url, { token: anna, status: 400 });
    expect(problem.detail).toContain('not an hour before');
  });
});
