import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs, persist } from '#core/platform/back-off.ts';
import { TicklakeError } from '#core/platform/errors.ts';

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

describe('what is persisted in', () => {
  const backOff = { firstMs: 1, maxMs: 2 };
  const away = new TicklakeError('UNAVAILABLE', 'not yet');

  /** Fails so often, and then does not. */
  function failing(times: number, failure: Error = away) {
    let calls = 0;
    return {
      calls: () => calls,
      work: () => (++calls > times ? Promise.resolve() : Promise.reject(failure)),
    };
  }

  it('is tried until it succeeds, and says of each failure what comes next', async () => {
    const { work, calls } = failing(3);
    const told: number[] = [];
    const onFailure = (_: TicklakeError, attempt: number): void => void told.push(attempt);
    await persist(work, { backOff, signal: new AbortController().signal, onFailure });
    expect({ calls: calls(), told }).toEqual({ calls: 4, told: [1, 2, 3] });
  });

  it('is given up where another attempt cannot help, or is not wanted any more', async () => {
    const lasting = failing(3, new TicklakeError('BAD_REQUEST', 'never'));
    const persistence = { backOff, signal: new AbortController().signal, onFailure: () => undefined };
    await expect(persist(lasting.work, persistence)).rejects.toThrow('never');
    const unwanted = failing(3);
    await expect(persist(unwanted.work, { ...persistence, canHelp: () => false })).rejects.toThrow('not yet');
    const stopped = failing(3);
    const signal = AbortSignal.abort();
    await expect(persist(stopped.work, { ...persistence, signal })).rejects.toThrow('not yet');
    expect([lasting.calls(), unwanted.calls(), stopped.calls()]).toEqual([1, 1, 1]);
  });

  it('does not wait out its pause once nobody wants it', async () => {
    const { work, calls } = failing(9);
    const stopping = new AbortController();
    const onFailure = (): void => stopping.abort();
    const slow = { backOff: { firstMs: 3_600_000, maxMs: 3_600_000 }, signal: stopping.signal, onFailure };
    await expect(persist(work, slow)).rejects.toThrow('not yet');
    expect(calls()).toBe(2);
  });
});
