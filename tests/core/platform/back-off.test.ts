import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backOffMs } from '#core/platform/back-off.ts';

it('doubles within its bounds, with jitter of at most half', () => {
  const values = fc.record({
    failures: fc.integer({ min: 1, max: 200 }),
    firstMs: fc.integer({ min: 1, max: 10_000 }),
    maxMs: fc.integer({ min: 10_000, max: 1_000_000 }),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(values, ({ failures, firstMs, maxMs, random }) => {
      const full = Math.min(maxMs, firstMs * 2 ** (failures - 1));
      const waitMs = backOffMs(failures, { firstMs, maxMs }, () => random);
      expect(waitMs).toBeGreaterThanOrEqual(Math.floor(full / 2));
      expect(waitMs).toBeLessThanOrEqual(Math.ceil(full));
    }),
  );
});
