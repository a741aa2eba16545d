import { describe, expect, it } from 'vitest';
import { averageOf, unitsOf } from '#api/decimal.ts';

describe('decimal text', () => {
  it('is counted in its smallest units', () => {
    expect(unitsOf('1.5')).toBe(1_500_000_000_000_000_000n);
    expect(unitsOf('-0.000000000000000001')).toBe(-1n);
    expect(unitsOf('123456789012345678901')).toBe(123456789012345678901n * 10n ** 18n);
  });

  it.each([
    ['10', 4, '2.5'],
    ['1', 3, '0.33333333'],
    ['2', 3, '0.66666667'],
    ['0.00000001', 2, '0.00000001'],
    ['0.000000004', 1, '0'],
    ['300', 3, '100'],
    ['99999999999999999999.5', 1, '99999999999999999999.5'],
  ])('%s over %i is %s', (total, count, average) => {
    expect(averageOf(total, count)).toBe(average);
  });
});
