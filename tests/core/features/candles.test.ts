import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { candlesModel } from '#core/features/candles.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { candles, duckType } from '#core/lake/tables.ts';

let duck: DuckDb;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-candles-'));
  duck = await DuckDb.open({ threads: 2, memoryLimit: '512MB', spillDir: folder });
});
afterAll(async () => {
  duck.close();
  await rm(folder, { recursive: true, force: true });
});

/** id, time of day on 2024-03-05, and where it matters price, volume and side. */
type Row = [id: number, time: string, price?: string, volume?: string, side?: 'buy' | 'sell'];

/** The bars of some trades; `whole` says that the day is known to be held as a whole. */
async function barsOf(interval: string, rows: readonly Row[], { whole = false, columns = '' } = {}) {
  const values = rows.map(
    ([id, time, price = '1', volume = '1', side = 'buy']) =>
      `('BTCUSDT', timestamptz '2024-03-05 ${time}+00', ${price}::decimal(38,18), ${volume}::decimal(38,18), '${side}', ${id}, 'binance')`,
  );
  const sql = await candlesModel(duck, {
    trades: `(from (values ${values.join(', ')}) t(symbol, timestamp, price, volume, side, trade_id, source))`,
    wholeDays: `(select 'binance' as source, 'BTCUSDT' as symbol, date '2024-03-05' as day where ${whole})`,
  });
  const shown = columns === '' ? 'trade_count::integer as trades, is_complete as complete' : columns;
  return await duck.rows(
    `select strftime(open_time, '%H:%M') as at, ${shown} from (${sql}) where "interval" = '${interval}' order by open_time`,
  );
}

it('gives the columns of the table, but for what publishing adds', async () => {
  const sql = await candlesModel(duck, {
    trades: `(select 'A' as symbol, now() as timestamp, 1::decimal(38,18) as price, 1::decimal(38,18) as volume,
                     'buy' as side, 1::bigint as trade_id, 'binance' as source)`,
    wholeDays: `(select 'binance' as source, 'A' as symbol, date '2024-03-05' as day)`,
  });
  const described = await duck.rows(`describe ${sql}`);
  expect(described.map((row) => [row['column_name'], String(row['column_type']).toLowerCase()])).toEqual(
    candles.columns
      .filter(({ name }) => name !== 'revision' && name !== 'computed_at')
      .map(({ name, type }) => [name, fullName(duckType(type))]),
  );
});

it('puts a trade at the boundary into the bar that begins then, to the microsecond', async () => {
  const bars = await barsOf('1m', [
    [1, '00:00:59.999999'],
    [2, '00:01:00.000000'],
    [3, '00:01:59.999999'],
    [4, '00:02:00.000000'],
  ]);
  expect(bars.map(({ at, trades }) => [at, trades])).toEqual([
    ['00:00', 1],
    ['00:01', 2],
    ['00:02', 1],
  ]);
});

it('opens and closes by id, where times are the same or run backwards', async () => {
  const rows: Row[] = [
    [3, '00:00:10', '13'],
    [1, '00:00:10', '11'],
    [2, '00:00:30', '12'],
  ];
  const columns =
    'open::integer as open, high::integer as high, low::integer as low, close::integer as close';
  expect(await barsOf('1m', rows, { columns })).toEqual([
    { at: '00:00', open: 11, high: 13, low: 11, close: 13 },
  ]);
});

it('tells what takers bought, and sums amounts exactly', async () => {
  const rows: Row[] = [
    [1, '00:00:01', '61234.56789012', '0.00000001', 'buy'],
    [2, '00:00:02', '61234.56789012', '12345678.12345678', 'sell'],
    // More places than eight, and more units than a double holds.
    [3, '00:00:03', '0.0000001234', '987654321098.12345678', 'sell'],
  ];
  const columns =
    'volume::varchar as volume, quote_volume::varchar as quote, taker_buy_volume::varchar as bought, taker_buy_quote_volume::varchar as spent';
  expect(await barsOf('1m', rows, { columns })).toEqual([
    {
      at: '00:00',
      volume: '987666666776.246913570000000000',
      quote: quoteOf(rows),
      bought: '0.000000010000000000',
      spent: '0.000612345678901200',
    },
  ]);
});

it('is complete where the ids before and after it join on', async () => {
  const rows: Row[] = [
    [1, '00:00:10'],
    [2, '00:01:10'],
    [3, '00:01:20'],
    // 4 is missing.
    [5, '00:02:10'],
    [6, '00:03:10'],
    [7, '00:04:10'],
  ];
  expect(await barsOf('1m', rows)).toEqual([
    { at: '00:00', trades: 1, complete: false },
    { at: '00:01', trades: 2, complete: false },
    { at: '00:02', trades: 1, complete: false },
    { at: '00:03', trades: 1, complete: true },
    { at: '00:04', trades: 1, complete: false },
  ]);
  expect(await barsOf('3m', rows)).toMatchObject([{ complete: false }, { complete: false }]);
  expect(await barsOf('1m', rows, { whole: true })).toMatchObject([
    ...[{ complete: true }, { complete: true }, { complete: true }, { complete: true }, { complete: true }],
    ...Array.from({ length: 1_435 }, () => ({ trades: 0, complete: true })),
  ]);
});

it('has flat bars where nothing was traded, and none where trades may be missing', async () => {
  const rows: Row[] = [
    [1, '00:00:10', '7'],
    [2, '00:03:10', '8'],
    // 3 is missing, somewhere in these minutes.
    [4, '00:06:10', '9'],
  ];
  const columns =
    'open::integer as open, close::integer as close, volume::integer as volume, is_filled as empty, first_trade_id::integer as first';
  expect(await barsOf('1m', rows, { columns })).toEqual([
    { at: '00:00', open: 7, close: 7, volume: 1, empty: false, first: 1 },
    { at: '00:01', open: 7, close: 7, volume: 0, empty: true, first: null },
    { at: '00:02', open: 7, close: 7, volume: 0, empty: true, first: null },
    { at: '00:03', open: 8, close: 8, volume: 1, empty: false, first: 2 },
    { at: '00:06', open: 9, close: 9, volume: 1, empty: false, first: 4 },
  ]);
});

it('opens a longer bar with its first trade, not with the price carried into it', async () => {
  const rows: Row[] = [
    [1, '00:00:10', '7'],
    [2, '00:07:10', '8'],
    [3, '00:12:10', '9'],
  ];
  const columns = 'open::integer as open, close::integer as close';
  expect(await barsOf('5m', rows, { columns })).toEqual([
    { at: '00:00', open: 7, close: 7 },
    { at: '00:05', open: 8, close: 8 },
    { at: '00:10', open: 9, close: 9 },
  ]);
});

/** In whole numbers of 10^-18. */
function quoteOf(rows: readonly Row[]): string {
  const units = (text: string, places: number): bigint => {
    const [whole = '', fraction = ''] = text.split('.');
    return BigInt(whole + fraction.padEnd(places, '0'));
  };
  const sum = rows.reduce(
    (total, [, , price = '', volume = '']) => total + units(price, 10) * units(volume, 8),
    0n,
  );
  const digits = String(sum).padStart(19, '0');
  return `${digits.slice(0, -18)}.${digits.slice(-18)}`;
}

function fullName(type: string): string {
  if (type === 'timestamptz') return 'timestamp with time zone';
  return type.replace(', ', ',');
}
