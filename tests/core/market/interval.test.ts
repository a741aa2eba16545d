import { expect, it } from 'vitest';
import { intervals, intervalUs, isInterval, openTimeUs } from '#core/market/interval.ts';

it('intervals rise, divide a day, and begin at midnight', () => {
  const lengths = intervals.map(intervalUs);
  expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  expect(lengths.at(0)).toBe(60_000_000);
  const day = Date.parse('2024-03-05') * 1000;
  for (const interval of intervals) {
    expect(86_400_000_000 % intervalUs(interval)).toBe(0);
    expect(openTimeUs(day, interval)).toBe(day);
    expect(openTimeUs(day + intervalUs(interval) - 1, interval)).toBe(day);
    expect(openTimeUs(day + 86_400_000_000 - 1, interval)).toBe(day + 86_400_000_000 - intervalUs(interval));
  }
});

it.each(['1s', '1w', '1M', '', 'toString', '60m'])("'%s' is none", (text) =>
  expect(isInterval(text)).toBe(false),
);
