import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CandleSeries } from '../../dashboards/web/src/chart/candles.ts';

const trades = [
  { sequence: 1, price: '10', volume: '1', timestamp: '2024-08-08T00:00:00.100000Z' },
  { sequence: 2, price: '14', volume: '2', timestamp: '2024-08-08T00:00:01.000000Z' },
  { sequence: 3, price: '8', volume: '3', timestamp: '2024-08-08T00:00:04.999999Z' },
  { sequence: 4, price: '9', volume: '4', timestamp: '2024-08-08T00:00:05.000000Z' },
];
const midnight = Date.parse('2024-08-08T00:00:00Z') / 1000;

describe('candles made in the page', () => {
  it('are the same in whatever order trades come', () => {
    const expected = [
      { time: midnight, open: 10, high: 14, low: 8, close: 8, volume: 6, firstId: 1, lastId: 3 },
      { time: midnight + 5, open: 9, high: 9, low: 9, close: 9, volume: 4, firstId: 4, lastId: 4 },
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(trades, { minLength: trades.length }), (shuffled) => {
        const series = new CandleSeries(5);
        for (const trade of shuffled) series.add([trade]);
        expect(series.all()).toEqual(expected);
      }),
    );
  });

  it('name the bars that changed', () => {
    const series = new CandleSeries(5);
    series.add(trades.slice(0, 2));
    expect(series.add(trades.slice(2)).map(({ time }) => time)).toEqual([midnight, midnight + 5]);
  });
});
