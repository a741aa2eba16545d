import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createBreaker } from '#api/breaker.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { Metrics } from '#core/platform/metrics.ts';

const fail = (error: Error) => () => Promise.reject(error);

describe('the breaker', () => {
  it('opens after an outage and then fails without asking', async () => {
    const breaker = createBreaker('lake', new Metrics());
    const outage = new TicklakeError('DATABASE_UNREACHABLE', 'gone');
    for (let times = 0; times < 5; times += 1) {
      expect(breaker.health().state).toBe('closed');
      await expect(breaker.run(fail(outage))).rejects.toBe(outage);
    }
    expect(breaker.health().state).toBe('open');
    let asked = false;
    const ask = () => {
      asked = true;
      return Promise.resolve();
    };
    await expect(breaker.run(ask)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(asked).toBe(false);
  });

  it('tries again with one request, and lets no other wait for it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const breaker = createBreaker('lake', new Metrics());
    for (let times = 0; times < 5; times += 1)
      await expect(
        breaker.run(fail(new TicklakeError('DATABASE_UNREACHABLE', 'gone'))),
      ).rejects.toBeDefined();
    vi.setSystemTime(Date.now() + 2_000);
    const answer = Promise.withResolvers<string>();
    const first = breaker.run(() => answer.promise);
    expect(breaker.health().state).toBe('half-open');
    const other = breaker.run(() => Promise.resolve('asked'));
    await expect(other).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    answer.resolve('back');
    expect(await first).toBe('back');
    expect(breaker.health().state).toBe('closed');
    expect(await breaker.run(() => Promise.resolve('asked'))).toBe('asked');
  });

  it('stays closed over requests that were wrong', async () => {
    const breaker = createBreaker('lake', new Metrics());
    for (let times = 0; times < 20; times += 1) {
      await expect(breaker.run(fail(new TicklakeError('BAD_REQUEST', 'no')))).rejects.toThrow('no');
    }
    expect(breaker.health().state).toBe('closed');
  });
});
