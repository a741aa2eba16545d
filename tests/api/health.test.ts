import { describe, expect, it } from 'vitest';
import { createHealthChecks } from '#api/health.ts';
import { Metrics } from '#core/platform/metrics.ts';

describe('health checks', () => {
  it('say what is up, what is down and why, without passwords', async () => {
    const look = createHealthChecks(
      {
        well: () => Promise.resolve(),
        ill: () => Promise.reject(new Error('cannot reach postgres://user:hunter2@db/x')),
      },
      new Metrics(),
    );
    const found = await look();
    expect(found).toMatchObject([
      { name: 'well', status: 'up', error: null },
      { name: 'ill', status: 'down', error: 'cannot reach postgres://user:***@db/x' },
    ]);
  });

  it('look once for all who ask at the same time', async () => {
    let looks = 0;
    const look = createHealthChecks({ one: () => Promise.resolve(void (looks += 1)) }, new Metrics());
    await Promise.all([look(), look(), look()]);
    expect(looks).toBe(1);
  });

  it('give up on what never answers', async () => {
    const look = createHealthChecks({ silent: () => new Promise(() => undefined) }, new Metrics());
    expect(await look()).toMatchObject([{ status: 'down', error: expect.stringContaining('no answer') }]);
  });
});
