import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { intervals, intervalUs } from '#core/market/interval.ts';
import { barWindow, partsOfBars } from '#pipelines/detect-gaps/partitions.ts';

const us = (time: string) => Date.parse(time) * 1_000;

describe('parts of bars', () => {
  test('minutes by month, days by year', () => {
    const range = { from: us('2023-12-31T00:00:00Z'), to: us('2024-02-02T00:00:00Z') };
    expect(partsOfBars(range, '1m').map(({ period }) => period)).toEqual(['2023-12', '2024-01', '2024-02']);
    expect(partsOfBars(range, '1d').map(({ period }) => period)).toEqual(['2023', '2024']);
  });

  test('are in order, disjoint, whole bars, and together the range', () => {
    const scene = fc.record({
      interval: fc.constantFrom(...intervals),
      first: fc.integer({ min: 0, max: 30_000 }),
      bars: fc.integer({ min: 1, max: 3_000 }),
    });
    fc.assert(
      fc.property(scene, ({ interval, first, bars }) => {
        const length = intervalUs(interval);
        const from = us('2020-01-01T00:00:00Z') + first * length;
        const to = from + bars * length;
        const parts = partsOfBars({ from, to }, interval);
        expect(parts[0]?.from).toBe(from);
        expect(parts.at(-1)?.to).toBe(to);
        for (const [i, part] of parts.entries()) {
          expect(part.from).toBeLessThan(part.to);
          expect((part.to - part.from) % length).toBe(0);
          expect(part.from).toBe(parts[i - 1]?.to ?? from);
        }
        expect(new Set(parts.map(({ period }) => period)).size).toBe(parts.length);
      }),
    );
  });
});

describe('the window of bars', () => {
  const life = { listedUs: us('2024-03-05T10:30:00Z'), delistedUs: null };
  const nowUs = us('2024-03-08T09:15:30Z');

  test('begins with the bar of the listing and ends with the last one closed', () => {
    expect(barWindow('1d', life, { nowUs })).toEqual({
      from: us('2024-03-05T00:00:00Z'),
      to: us('2024-03-08T00:00:00Z'),
    });
    expect(barWindow('1m', life, { nowUs })).toEqual({
      from: us('2024-03-05T10:30:00Z'),
      to: us('2024-03-08T09:15:00Z'),
    });
  });

  test('ends with the bar in which the coin was delisted, once that is closed', () => {
    const ended = { ...life, delistedUs: us('2024-03-06T11:20:00Z') };
    expect(barWindow('1h', ended, { nowUs })?.to).toBe(us('2024-03-06T12:00:00Z'));
    expect(barWindow('1d', ended, { nowUs: us('2024-03-06T13:00:00Z') })?.to).toBe(
      us('2024-03-06T00:00:00Z'),
    );
  });

  test('lies within what is asked for, and may be empty', () => {
    const asked = { nowUs, fromUs: us('2024-03-06T00:00:00Z'), toUs: us('2024-03-07T00:00:00Z') };
    expect(barWindow('1d', life, asked)).toEqual({ from: asked.fromUs, to: asked.toUs });
    expect(barWindow('1d', life, { nowUs, toUs: us('2024-03-05T00:00:00Z') })).toBeUndefined();
    expect(barWindow('1d', life, { nowUs: us('2024-03-05T12:00:00Z') })).toBeUndefined();
  });
});
