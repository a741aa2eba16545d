import fc from 'fast-check';
import { createTask } from 'node-cron';
import { describe, expect, it } from 'vitest';
import { parseCron } from '#core/jobs/cron.ts';

const minuteMs = 60_000;
const at = (text: string): number => Date.parse(`${text}Z`);

describe('cron', () => {
  it('names times in UTC, whatever the zone of this machine', () => {
    const { ticks, total } = parseCron('30 2 * * *').between(
      at('2024-02-27T02:30:00'),
      at('2024-03-01T02:30:00'),
      10,
    );
    expect(ticks).toEqual([at('2024-02-28T02:30:00'), at('2024-02-29T02:30:00'), at('2024-03-01T02:30:00')]);
    expect(total).toBe(3);
  });

  it('gives the newest of too many, and their number', () => {
    const { ticks, total } = parseCron('* * * * *').between(
      at('2024-01-01T00:00:00'),
      at('2024-01-02T00:00:00'),
      2,
    );
    expect(ticks).toEqual([at('2024-01-01T23:59:00'), at('2024-01-02T00:00:00')]);
    expect(total).toBe(1_440);
  });

  it('finds the next tick, also years ahead', () => {
    expect(parseCron('0 0 29 2 *').next(at('2024-02-29T00:00:00'))).toBe(at('2028-02-29T00:00:00'));
    expect(parseCron('*/5 * * * * *').next(at('2024-01-01T00:00:02'))).toBe(at('2024-01-01T00:00:05'));
    expect(parseCron('0 0 L * *').next(at('2024-02-01T00:00:00'))).toBe(at('2024-02-29T00:00:00'));
    // Leap days that are Mondays are rarer than anyone looks ahead.
    expect(parseCron('0 0 29 2 1').next(at('2024-03-01T00:00:00'))).toBeUndefined();
  });

  it('refuses what is no expression', () => {
    expect(() => parseCron('61 * * * *')).toThrow(RangeError);
    expect(() => parseCron('0 0 31 2 *')).toThrow(/impossible day/);
    expect(() => parseCron('every day')).toThrow(RangeError);
  });

  it('agrees with node-cron minute by minute', () => {
    const field = (min: number, max: number): fc.Arbitrary<string> =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min, max }).map(String),
        fc.integer({ min: 2, max: 7 }).map((step) => `*/${step}`),
        fc
          .uniqueArray(fc.integer({ min, max }), { minLength: 2, maxLength: 4 })
          .map((list) => list.join(',')),
      );
    const expressions = fc
      .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
      .map((fields) => fields.join(' '));
    const starts = fc.integer({ min: at('2020-01-01T00:00:00'), max: at('2030-01-01T00:00:00') });
    fc.assert(
      fc.property(expressions, starts, (expression, start) => {
        const task = createTask(expression, () => undefined, { timezone: 'UTC' });
        void task.destroy();
        const untilMs = start + 2 * 24 * 60 * minuteMs;
        const expected: number[] = [];
        for (let minute = Math.floor(start / minuteMs) * minuteMs; minute <= untilMs; minute += minuteMs) {
          if (minute > start && task.match(new Date(minute))) expected.push(minute);
        }
        const cron = parseCron(expression);
        expect(cron.between(start, untilMs, 10_000).ticks).toEqual(expected);
        if (expected[0] !== undefined) expect(cron.next(start)).toBe(expected[0]);
      }),
      { numRuns: 20 },
    );
  });
});
