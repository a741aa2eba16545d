import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  fileOf,
  labelsBetween,
  parsePath,
  type ArchiveSeries,
} from '#core/exchanges/binance/archive/layout.ts';

const series: ArchiveSeries[] = [
  { kind: 'klines', symbol: 'BTCUSDT', interval: '1m' },
  { kind: 'trades', symbol: '1000SATSUSDT' },
  { kind: 'aggTrades', symbol: 'ETHBTC' },
];

it('names files as the exchange does', () => {
  const file = fileOf({ kind: 'klines', symbol: 'BTCUSDT', interval: '1m' }, 'monthly', '2024-02');
  expect(file?.path).toBe('data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02.zip');
  expect(file?.period).toEqual({
    fromUs: Date.parse('2024-02-01') * 1000,
    toUs: Date.parse('2024-03-01') * 1000,
  });
  const trades = fileOf({ kind: 'trades', symbol: 'BTCUSDT' }, 'daily', '2024-08-08');
  expect(trades?.path).toBe('data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2024-08-08.zip');
});

it('reads back every path it makes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...series),
      fc.constantFrom('daily', 'monthly'),
      fc.date({ min: new Date('2017-01-01'), max: new Date('2035-01-01'), noInvalidDate: true }),
      (of, granularity, date) => {
        const label = date.toISOString().slice(0, granularity === 'daily' ? 10 : 7);
        const file = fileOf(of, granularity, label);
        expect(file).toMatchObject({ ...of, granularity, label });
        expect(parsePath(file?.path ?? '')).toEqual(file);
      },
    ),
  );
});

it.each([
  'data/spot/daily/klines/BTCUSDT/BTCUSDT-1m-2024-03-05.zip',
  'data/spot/daily/trades/BTCUSDT/1m/BTCUSDT-trades-2024-03-05.zip',
  'data/spot/daily/trades/BTCUSDT/ETHUSDT-trades-2024-03-05.zip',
  'data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2024-02-30.zip',
  'data/spot/monthly/trades/BTCUSDT/BTCUSDT-trades-2024-03-05.zip',
  'data/spot/weekly/trades/BTCUSDT/BTCUSDT-trades-2024-03.zip',
  'data/futures/daily/trades/BTCUSDT/BTCUSDT-trades-2024-03-05.zip',
  'data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2024-03-05.zip.CHECKSUM',
])('%s is no file of it', (path) => expect(parsePath(path)).toBeUndefined());

it('knows the days and months of a span', () => {
  const ms = (text: string) => Date.parse(text);
  expect(labelsBetween(ms('2024-02-28T23:00:00Z'), ms('2024-03-02'), 'daily')).toEqual([
    ...['2024-02-28', '2024-02-29', '2024-03-01'],
  ]);
  expect(labelsBetween(ms('2023-12-31'), ms('2024-02-01T00:00:00.001Z'), 'monthly')).toEqual([
    ...['2023-12', '2024-01', '2024-02'],
  ]);
  expect(labelsBetween(ms('2024-02-01'), ms('2024-02-01'), 'daily')).toEqual([]);
});
