import { describe, expect, test } from 'vitest';
import type { Interval } from '#core/market/interval.ts';
import { bundleTasks } from '#pipelines/backfill-klines/bundle.ts';
import {
  answerWindows,
  cheapestFiles,
  leastCost,
  type BarOrigin,
  type BarTarget,
} from '#pipelines/backfill-klines/sources.ts';
import { partsOfBars } from '#pipelines/detect-gaps/partitions.ts';
import type { GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { intervalUs } from '#core/market/interval.ts';

const us = (time: string) => Date.parse(time) * 1_000;
const nowUs = us('2024-03-10T10:00:00Z');

function target(interval: Interval, ...ranges: [from: string, to: string][]): BarTarget {
  return {
    ...{ symbol: 'BTCUSDT', listing: 'BTCUSDT#1', interval },
    ranges: ranges.map(([from, to]) => ({ from: us(from), to: us(to) })),
  };
}

function labels(of: BarTarget, origin: BarOrigin = 'auto', tried: readonly string[] = []): string[] {
  const choice = { origin, nowUs, isTried: ({ label }: { label: string }) => tried.includes(label) };
  return cheapestFiles(of, choice).map(({ label }) => label);
}

describe('the cheapest source', () => {
  test.each([
    ['a year of daily bars: one answer of REST', target('1d', ['2023-01-01', '2024-01-01']), []],
    ['a month of minute bars: one file', target('1m', ['2024-01-01', '2024-02-01']), ['2024-01']],
    [
      'a day of minute bars: one file, not two answers',
      target('1m', ['2024-03-05', '2024-03-06']),
      ['2024-03-05'],
    ],
    ['an hour of minute bars: one answer', target('1m', ['2024-03-05T01:00Z', '2024-03-05T02:00Z']), []],
    ['most of a month: the file of the month', target('1m', ['2024-01-03', '2024-01-30']), ['2024-01']],
    ['a month of hourly bars: one answer', target('1h', ['2024-01-01', '2024-02-01']), []],
    [
      'days of a month that goes on, until the day that does: their files, REST for the rest',
      target('1m', ['2024-03-08', '2024-03-10T10:00Z']),
      ['2024-03-08', '2024-03-09'],
    ],
    [
      'holes in two days: one answer',
      target('1m', ['2024-03-05T23:00Z', '2024-03-05T23:10Z'], ['2024-03-06T01:00Z', '2024-03-06T01:10Z']),
      [],
    ],
  ])('%s', (_what, of, files) => {
    expect(labels(of)).toEqual(files);
  });

  test('after the file of a month, those of its days, and then REST', () => {
    const month = target('1m', ['2024-01-01', '2024-02-01']);
    const days = labels(month, 'auto', ['2024-01']);
    expect(days).toHaveLength(31);
    expect(labels(month, 'auto', ['2024-01', ...days])).toEqual([]);
    expect(leastCost(month, nowUs)).toBe(2);
  });

  test('is the one that is named, whatever it takes', () => {
    expect(labels(target('1m', ['2024-01-01', '2024-02-01']), 'rest')).toEqual([]);
    expect(labels(target('1d', ['2023-12-01', '2024-02-01']), 'archive')).toEqual(['2023-12', '2024-01']);
    expect(labels(target('1d', ['2024-03-05', '2024-03-06']), 'archive')).toEqual(['2024-03-05']);
    // Of what is not over there is no file.
    expect(labels(target('1m', ['2024-03-10', '2024-03-10T10:00Z']), 'archive')).toEqual([]);
  });
});

test('holes that one answer holds share a window, also where they make it longer', () => {
  const at = (minute: number) => us('2024-03-05') + minute * 60_000_000;
  const range = (from: number, to: number) => ({ from: at(from), to: at(to) });
  expect(answerWindows([range(0, 10), range(500, 510), range(999, 1_001)], '1m')).toEqual([
    range(0, 510),
    range(999, 1_001),
  ]);
  expect(answerWindows([range(0, 1_500), range(1_900, 2_000)], '1m')).toEqual([range(0, 2_000)]);
  expect(answerWindows([], '1m')).toEqual([]);
});

describe('bundles', () => {
  function tasksOf(symbol: string, interval: Interval, from: string, to: string): GapTask[] {
    const listing = `${symbol}#1`;
    return partsOfBars({ from: us(from), to: us(to) }, interval)
      .map(({ period, ...range }) => ({
        ...{ key: `market.klines/binance/${listing}/${interval}/${period}`, table: 'market.klines' },
        ...{ source: 'binance', listing, symbol, interval, period, ranges: [range], rank: 1 },
        count: (range.to - range.from) / intervalUs(interval),
      }))
      .toReversed();
  }
  const coins = Array.from({ length: 30 }, (_, i) => `COIN${i}USDT`);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

  test('thirty coins and three years of daily bars are two commits', () => {
    const tasks = coins.flatMap((coin) => tasksOf(coin, '1d', '2021-03-05', '2024-03-05'));
    const bundles = bundleTasks(tasks, { nowUs });
    expect(bundles).toHaveLength(2);
    expect(sum(bundles.map((bundle) => bundle.tasks))).toBe(tasks.length);
    expect(sum(bundles.map(({ bars }) => bars))).toBe(30 * 1_096);
    // A coin's years are asked for at once: 1,096 bars are two answers of weight 2.
    expect(bundles.map(({ cost, targets }) => cost / targets.length)).toEqual([4, 4]);
    expect(bundles[0]?.targets[0]).toEqual({
      ...{ symbol: 'COIN0USDT', listing: 'COIN0USDT#1', interval: '1d' },
      ranges: [{ from: us('2021-03-05'), to: us('2024-03-05') }],
    });
    expect(new Set(bundles.map(({ key }) => key)).size).toBe(2);
  });

  test('months of minute bars stay apart, and intervals too; the order stays', () => {
    const minutes = tasksOf('A', '1m', '2024-01-01', '2024-03-01');
    const days = tasksOf('A', '1d', '2023-01-01', '2024-01-01');
    const bundles = bundleTasks([...minutes, ...days], { nowUs });
    expect(bundles.map(({ key }) => key)).toEqual([
      ...['binance/A#1/1m/2024-02', 'binance/A#1/1m/2024-01', 'binance/A#1/1d/2023'],
    ]);
  });

  test('hold only what is asked for', () => {
    const tasks = tasksOf('A', '1d', '2022-01-01', '2024-01-01');
    const window = { nowUs, fromUs: us('2022-12-30'), toUs: us('2023-01-02T12:00Z') };
    // The bar that begins before the end is in it.
    expect(bundleTasks(tasks, window)).toMatchObject([
      { tasks: 2, bars: 4, targets: [{ ranges: [{ from: us('2022-12-30'), to: us('2023-01-03') }] }] },
    ]);
    expect(bundleTasks(tasks, { nowUs, fromUs: us('2024-02-01') })).toEqual([]);
  });
});
