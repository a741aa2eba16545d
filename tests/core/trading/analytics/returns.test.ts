import { describe, expect, it } from 'vitest';
import { growthOver, performanceOf, type Valuation } from '#core/trading/analytics/returns.ts';

const at = (value: number | undefined): Valuation => ({ value, flow: 0, isFlow: false });
const flow = (value: number | undefined, paidIn: number): Valuation => ({
  value,
  flow: paidIn,
  isFlow: true,
});

describe('the time-weighted return', () => {
  it('is the plain return where no money moves', () => {
    expect(performanceOf([at(100), at(120), at(90), at(110)])).toEqual({
      timeWeightedReturn: expect.closeTo(0.1, 12) as number,
      maxDrawdown: expect.closeTo(0.25, 12) as number,
    });
  });

  it('does not count what is paid in or out', () => {
    // 100 becomes 110; 1000 come; 1110 become 999; 499.5 go; 499.5 become 549.45: 1.1 · 0.9 · 1.1.
    const values = [at(100), flow(110, 1_000), flow(999, -499.5), at(549.45)];
    expect(performanceOf(values)).toEqual({
      timeWeightedReturn: expect.closeTo(1.1 * 0.9 * 1.1 - 1, 12) as number,
      maxDrawdown: expect.closeTo(0.1, 12) as number,
    });
    expect(growthOver(values)).toEqual(
      [1, 1.1, 1.1 * 0.9, 1.1 * 0.9 * 1.1].map((x) => expect.closeTo(x, 12)),
    );
  });

  it('is the same however a deposit is divided', () => {
    const once = performanceOf([at(50), flow(60, 30), at(81)]);
    const thrice = performanceOf([at(50), flow(60, 10), flow(70, 15), flow(85, 5), at(81)]);
    expect(thrice?.timeWeightedReturn).toBeCloseTo(once?.timeWeightedReturn ?? NaN, 12);
    expect(once?.timeWeightedReturn).toBeCloseTo((60 / 50) * (81 / 90) - 1, 12);
  });

  it('begins with the first money and rests while there is none', () => {
    // Nothing for a while; 100 become 150 and go; 10 become 8.
    const values = [at(0), at(0), flow(0, 100), flow(150, -150), at(0), flow(0, 10), at(8)];
    expect(growthOver(values)).toEqual([1, 1, 1, 1.5, 1.5, 1.5, expect.closeTo(1.2, 12)]);
    expect(performanceOf(values)?.maxDrawdown).toBeCloseTo(0.2, 12);
  });

  it('stays at nothing once all is lost', () => {
    expect(performanceOf([at(100), at(0), flow(0, 50), at(500)])).toEqual({
      timeWeightedReturn: -1,
      maxDrawdown: 1,
    });
  });

  it('passes over moments without a value, but not over money that moved then', () => {
    expect(performanceOf([at(100), at(undefined), at(130)])?.timeWeightedReturn).toBeCloseTo(0.3, 12);
    const lost = [at(100), flow(undefined, 0), at(130)];
    expect(performanceOf(lost)).toBeUndefined();
    expect(growthOver(lost)).toEqual([1, undefined, undefined]);
    expect(growthOver([at(undefined), at(100), at(130), at(undefined)])).toEqual([
      undefined,
      1,
      expect.closeTo(1.3, 12),
      undefined,
    ]);
  });

  it('of nothing is nothing', () => {
    expect(performanceOf([])).toEqual({ timeWeightedReturn: 0, maxDrawdown: 0 });
  });
});
