import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DuckDb } from '#core/lake/duckdb.ts';
import { listQueryFiles, paramsOf, parseQueryFile, readQueryFile } from '#core/lake/query-files.ts';
import { prepareSelect, type QueryParams } from '#core/lake/select.ts';
import {
  candles,
  duckType,
  klines,
  lakeTables,
  quoted,
  tableId,
  trades,
  type LakeTable,
} from '#core/lake/tables.ts';
import { orderEvents } from '#core/lake/trading-tables.ts';

const source = 'venue';
const day = (n: number): string => `2026-03-${String(n).padStart(2, '0')}`;

let duck: DuckDb;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ticklake-queries-'));
  duck = await DuckDb.open({ threads: 1, memoryLimit: '200MB', spillDir: dir });
  for (const table of lakeTables) {
    const columns = table.columns.map(({ name, type }) => `${quoted(name)} ${duckType(type)}`);
    await duck.run(`create schema if not exists ${quoted(table.namespace)}`);
    await duck.run(`create table ${tableId(table)} (${columns.join(', ')})`);
  }
  await duck.run(`create view market.candles_revisions as from market.candles`);
});

afterAll(async () => {
  duck.close();
  await rm(dir, { recursive: true });
});

/** Rows of a table with what a test says of them, and the rest of no matter. */
async function put(
  table: LakeTable,
  rows: readonly Record<string, string | number | boolean>[],
): Promise<void> {
  await duck.run(`delete from ${tableId(table)}`);
  for (const row of rows) {
    const whole = { ...row, source };
    const names = table.columns.filter(({ name }) => name in whole).map(({ name }) => quoted(name));
    const values = names.map((name) => `'${String(whole[name.slice(1, -1) as keyof typeof whole])}'`);
    await duck.run(`insert into ${tableId(table)} (${names.join(', ')}) values (${values.join(', ')})`);
  }
}

async function ask(name: string, given: QueryParams = {}): Promise<Record<string, Json>[]> {
  const file = await readQueryFile(name, dir);
  const statement = await prepareSelect(duck, file.sql, paramsOf(file, given));
  return (await statement.runAndReadAll()).getRowObjectsJson();
}

const bar = (
  symbol: string,
  date: string,
  close: number,
  more: Record<string, string | number | boolean> = {},
) => ({
  ...{ symbol, interval: '1d', open_time: `${date} 00:00:00+00`, close_time: `${date} 23:59:59.999999+00` },
  ...{ open: close, high: close, low: close, close, volume: 1, quote_volume: close, trade_count: 1 },
  ...{ is_filled: false, date, ...more },
});
const trade = (symbol: string, id: number, at: string, price: number, volume: number, side = 'buy') => ({
  ...{ symbol, trade_id: id, timestamp: `${at}+00`, price, volume, side, date: at.slice(0, 10) },
});

describe('queries that come with the lake', () => {
  it('each say what they answer, and run with the parameters that they name', async () => {
    const files = await listQueryFiles();
    expect(files.length).toBeGreaterThanOrEqual(12);
    for (const { name, about, params } of files) {
      expect(about, name).toMatch(/^[A-Z].{20,}[.:]/);
      for (const param of params) expect(param.about, name).not.toBe('');
      expect(await ask(name), name).toEqual([]);
    }
  });

  it('count trades, their volume, and whom they were pressed by', async () => {
    await put(trades, [
      trade('AAA', 1, '2026-03-01 10:00:00', 10, 1, 'buy'),
      trade('AAA', 2, '2026-03-01 10:30:00', 20, 3, 'sell'),
      trade('AAA', 5, '2026-03-02 11:00:00', 30, 2, 'buy'),
    ]);
    expect(await ask('held-trades')).toMatchObject([{ symbol: 'AAA', trades: '3', ids_missing: '2' }]);
    const volume = { quote_volume: 70, vwap: 17.5, bought_by_takers: 0.25 };
    expect(await ask('daily-volume')).toMatchObject([
      { date: day(2), quote_volume: 60 },
      { date: day(1), ...volume },
    ]);
    expect(await ask('daily-volume', { days: 1 })).toHaveLength(1);
    expect(await ask('order-flow', { symbol: 'AAA' })).toMatchObject([
      { volume: 4, bought_less_sold: -2, imbalance: -0.5, change: 1 },
      { volume: 2, bought_less_sold: 2, imbalance: 1, change: 0 },
    ]);
    expect(await ask('largest-trades', { days: 2, top: 1 })).toMatchObject([
      { trade_id: '2', quote_amount: 60, times_median: 1 },
    ]);
  });

  it('compare bars with each other over days', async () => {
    const rise = [100, 110, 121, 133.1].map((close, i) => bar('UP', day(i + 1), close));
    const fall = [100, 50, 25, 40].map((close, i) => bar('DOWN', day(i + 1), close));
    await put(klines, [...rise, ...fall, bar('HOLE', day(1), 5), bar('HOLE', day(3), 5)]);
    expect(await ask('top-movers', { days: 3, top: 1 })).toMatchObject([{ symbol: 'DOWN', change: -0.6 }]);
    expect(await ask('missing-bars')).toMatchObject([{ symbol: 'HOLE' }]);
    expect(await ask('drawdowns')).toMatchObject([
      { symbol: 'DOWN', deepest: -0.75, newest: -0.6 },
      { symbol: 'HOLE', deepest: 0 },
      { symbol: 'UP', deepest: 0 },
    ]);
    const [most, least] = await ask('volatility', { returns: 3 });
    expect([most?.['symbol'], least?.['symbol']]).toEqual(['DOWN', 'UP']);
    expect(least?.['volatility']).toBeCloseTo(0, 9);
    expect(await ask('correlations', { returns: 3 })).toMatchObject([
      { one: 'DOWN', other: 'UP', days: '3' },
    ]);
  });

  it('find where bars of trades are not the venue’s, and which were revised', async () => {
    const first = {
      first_trade_id: 1,
      last_trade_id: 2,
      is_complete: true,
      revision: 1,
      computed_at: `${day(2)} 00:00:00+00`,
    };
    await put(klines, [bar('AAA', day(1), 5), bar('BBB', day(1), 5)]);
    await put(candles, [
      { ...bar('AAA', day(1), 5), ...first },
      { ...bar('BBB', day(1), 6), ...first },
    ]);
    expect(await ask('candles-against-klines', { interval: '1d' })).toMatchObject([{ symbol: 'BBB' }]);
    expect(await ask('revised-candles')).toEqual([]);
    const second = { ...first, revision: 2, computed_at: `${day(2)} 00:01:00+00` };
    await put(candles, [
      { ...bar('AAA', day(1), 5), ...first },
      { ...bar('AAA', day(1), 7, { trade_count: 4 }), ...second },
    ]);
    expect(await ask('revised-candles')).toMatchObject([{ symbol: 'AAA', revisions: '2', trades_more: '3' }]);
  });

  it('tell how orders fared, of whom nobody is known', async () => {
    const order = {
      order_id: 'o',
      account: 'a',
      symbol: 'AAA',
      order_type: 'limit',
      side: 'buy',
      quantity: 4,
      date: day(1),
    };
    const event = (number: number, type: string, more: object) => ({
      ...{ ...order, number, type, timestamp: `${day(1)} 00:00:0${number}+00` },
      ...more,
    });
    await put(orderEvents, [
      event(1, 'order_accepted', { last_price: 100 }),
      event(3, 'order_filled', { fill_quantity: 1, fill_price: 101 }),
      event(4, 'order_filled', { fill_quantity: 1, fill_price: 103 }),
      event(5, 'order_rejected', { order_id: 'p', reason: 'MIN_NOTIONAL' }),
    ]);
    expect(await ask('execution-quality')).toMatchObject([
      {
        orders: '1',
        share_filled: 0.5,
        median_seconds_to_fill: 2,
        average_cost: expect.closeTo(0.02) as number,
      },
    ]);
    expect(await ask('rejected-orders')).toMatchObject([
      { reason: 'MIN_NOTIONAL', orders: '1', accounts: '1' },
    ]);
  });
});

describe('a file with a query', () => {
  const text = "-- What it is.\n-- $days = 7: how many\n-- $name = 'it''s': a text\nselect $days, $name";

  it('names its parameters and what stands for them', () => {
    expect(parseQueryFile('mine', text)).toEqual({
      name: 'mine',
      about: 'What it is.',
      params: [
        { name: 'days', value: 7, about: 'how many' },
        { name: 'name', value: "it's", about: 'a text' },
      ],
      sql: text,
    });
  });

  it('may be anywhere', async () => {
    await writeFile(join(dir, 'mine.sql'), text);
    const file = await readQueryFile('./mine.sql', dir);
    expect(paramsOf(file, { days: 1 })).toEqual({ days: 1, name: "it's" });
    await expect(readQueryFile('./none.sql', dir)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(readQueryFile('top-mover', dir)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      remedy: expect.stringContaining('top-movers') as string,
    });
  });
});
