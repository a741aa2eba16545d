import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commitAppend } from '#core/lake/commit.ts';
import type { IdRange } from '#core/lake/coverage.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { query } from '#core/lake/engine.ts';
import { coverage } from '#core/lake/ledger.ts';
import { replaceSpans, type SpansOutcome } from '#core/lake/replace.ts';
import { klines } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { intervalUs } from '#core/market/interval.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const hourUs = intervalUs('1h');
const start = Date.parse('2026-02-27T00:00:00Z') * 1_000;

/** Hours [from, to) after the start, of one market; the price tells one version of a bar from another. */
interface Bars {
  source: string;
  symbol: string;
  from: number;
  to: number;
  price: number;
}

function spanOf({ source, symbol, from, to }: Bars): IdRange {
  const listing = `${symbol}#1`;
  return { source, listing, interval: '1h', lo: start + from * hourUs, hi: start + to * hourUs };
}

/** Replaces a span (the bars' own unless told) by bars. */
async function replace(bars: Bars, span: Partial<Bars> = {}): Promise<SpansOutcome> {
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '200MB', spillDir: lake.spillDir });
  try {
    await duck.run(
      `create temp table bars as
         select '${bars.symbol}' as symbol, '1h' as interval, make_timestamptz(${start} + i * ${hourUs}) as open_time,
                ${bars.price}::decimal(38, 18) as open, open as high, open as low, open as close, 1 as volume,
                make_timestamptz(${start} + (i + 1) * ${hourUs} - 1) as close_time, 1 as quote_volume,
                1::bigint as trade_count, 0 as taker_buy_volume, 0 as taker_buy_quote_volume,
                '${bars.source}' as source, false as is_filled, open_time::date as date
           from range(${bars.from}, ${bars.to}) t(i)`,
    );
    return await replaceSpans(lake.lake, duck, {
      commitId: randomUUID(),
      table: klines,
      relation: 'bars',
      spans: [spanOf({ ...bars, ...span })],
      added: [spanOf(bars)],
      explained: [],
      summary: {},
      guard: () => Promise.resolve(),
    });
  } finally {
    duck.close();
  }
}

/** Price of each hour that the table holds. */
async function pricesOf(source: string, symbol: string): Promise<Map<number, string>> {
  const { rows } = await query(
    lake.lake,
    `select (epoch_us(open_time) - ${start}) // ${hourUs} as hour, open::integer as price
       from market.klines where source = '${source}' and symbol = '${symbol}' order by 1`,
    { spillDir: lake.spillDir },
  );
  return new Map(rows.map((row) => [Number(row['hour']), String(row['price'])]));
}

function hours(...runs: [from: number, to: number, price: number][]): Map<number, string> {
  return new Map(
    runs.flatMap(([from, to, price]) =>
      Array.from({ length: to - from }, (_, index): [number, string] => [from + index, String(price)]),
    ),
  );
}

async function expectProven(): Promise<void> {
  const verdict = await verifyTable(lake.lake, klines, { spillDir: lake.spillDir, deep: true });
  expect(verdict.damaged).toEqual([]);
  expect(verdict.listings.filter((row) => row.inFiles !== row.held || row.duplicates > 0)).toEqual([]);
}

describe('replacing what a table holds', () => {
  test('brings new bars, over the end of a month too', async () => {
    const source = randomUUID();
    const { unchanged, snapshotId } = await replace({ source, symbol: 'BTCUSDT', from: 0, to: 72, price: 1 });
    expect(unchanged).toBe(false);
    expect(snapshotId).not.toBeNull();
    expect(await pricesOf(source, 'BTCUSDT')).toEqual(hours([0, 72, 1]));
    expect(await coverage(lake.lake, { source })).toMatchObject([
      { table: 'market.klines', interval: '1h', expected: 72, held: 72, missing: 0 },
    ]);
    await expectProven();
  });

  test('a second time changes nothing, and says so', async () => {
    const bars = { source: randomUUID(), symbol: 'BTCUSDT', from: 0, to: 30, price: 1 };
    await replace(bars);
    expect(await replace(bars)).toMatchObject({ unchanged: true, snapshotId: null });
    expect(await replace({ ...bars, price: 2 })).toMatchObject({ unchanged: false });
    expect(await pricesOf(bars.source, 'BTCUSDT')).toEqual(hours([0, 30, 2]));
    await expectProven();
  });

  test('within a span leaves the bars around it and other markets as they were', async () => {
    const source = randomUUID();
    await replace({ source, symbol: 'BTCUSDT', from: 0, to: 72, price: 1 });
    await replace({ source, symbol: 'ETHUSDT', from: 0, to: 72, price: 5 });
    await replace({ source, symbol: 'BTCUSDT', from: 20, to: 50, price: 2 });
    expect(await pricesOf(source, 'BTCUSDT')).toEqual(hours([0, 20, 1], [20, 50, 2], [50, 72, 1]));
    expect(await pricesOf(source, 'ETHUSDT')).toEqual(hours([0, 72, 5]));
    await expectProven();
  });

  test('may leave a hole, which the ledger then lists', async () => {
    const source = randomUUID();
    await replace({ source, symbol: 'BTCUSDT', from: 0, to: 72, price: 1 });
    await replace({ source, symbol: 'BTCUSDT', from: 30, to: 40, price: 2 }, { from: 20, to: 40 });
    expect(await pricesOf(source, 'BTCUSDT')).toEqual(hours([0, 20, 1], [30, 40, 2], [40, 72, 1]));
    expect(await coverage(lake.lake, { source })).toMatchObject([{ expected: 72, held: 62, missing: 10 }]);
    const verdict = await verifyTable(lake.lake, klines, { spillDir: lake.spillDir });
    expect(verdict.listings.find((row) => row.source === source)).toMatchObject({ ok: false, missing: 10 });
    await replace({ source, symbol: 'BTCUSDT', from: 20, to: 30, price: 3 });
    await expectProven();
  });

  test('at once for several markets and for parts of one month loses nothing', async () => {
    const source = randomUUID();
    const symbols = ['ADAUSDT', 'BTCUSDT', 'ETHUSDT'];
    await Promise.all(symbols.map((symbol) => replace({ source, symbol, from: 0, to: 48, price: 1 })));
    await Promise.all([
      replace({ source, symbol: 'BTCUSDT', from: 0, to: 10, price: 2 }),
      replace({ source, symbol: 'BTCUSDT', from: 10, to: 20, price: 3 }),
      replace({ source, symbol: 'ETHUSDT', from: 5, to: 15, price: 4 }),
      replace({ source, symbol: 'BTCUSDT', from: 48, to: 60, price: 5 }),
    ]);
    expect(await pricesOf(source, 'ADAUSDT')).toEqual(hours([0, 48, 1]));
    expect(await pricesOf(source, 'BTCUSDT')).toEqual(
      hours([0, 10, 2], [10, 20, 3], [20, 48, 1], [48, 60, 5]),
    );
    expect(await pricesOf(source, 'ETHUSDT')).toEqual(hours([0, 5, 1], [5, 15, 4], [15, 48, 1]));
    await expectProven();
  });

  test('does not count what files do not hold', async () => {
    const source = randomUUID();
    const added = [spanOf({ source, symbol: 'BTCUSDT', from: 0, to: 5, price: 1 })];
    const commit = commitAppend(lake.lake, {
      commitId: randomUUID(),
      table: klines,
      files: [],
      added,
      days: [],
      explained: [],
      offsets: [],
      summary: {},
      guard: () => Promise.resolve(),
    });
    await expect(commit).rejects.toMatchObject({ code: 'DATA_CORRUPT' });
  });
});
