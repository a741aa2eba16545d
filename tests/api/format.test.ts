import { describe, expect, it } from 'vitest';
import { plainDecimal, timeFromUs } from '#api/format.ts';

describe('text of times and decimals', () => {
  it('keeps microseconds', () => {
    expect(timeFromUs(1_723_161_254_000_007)).toBe('2024-08-08T23:54:14.000007Z');
    expect(timeFromUs(1_723_161_254_999_999)).toBe('2024-08-08T23:54:14.999999Z');
    expect(timeFromUs(-1)).toBe('1969-12-31T23:59:59.999999Z');
  });

  it('drops the zeros of the scale and no others', () => {
    expect(plainDecimal('1000.250000000000000000')).toBe('1000.25');
    expect(plainDecimal('1000.000000000000000000')).toBe('1000');
    expect(plainDecimal('0.000000000000000001')).toBe('0.000000000000000001');
    expect(plainDecimal('1000')).toBe('1000');
  });
});
