import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBudget, type Budget, type BudgetLimit } from '#core/jobs/budget.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { openDatabaseAs, startJobsPostgres, testLogger, type TestServer } from './harness.ts';

const never = new AbortController().signal;
const waiting = { timeout: 20_000, interval: 5 };

describe('the budget of request weight', () => {
  let server: TestServer;
  const databases: Database[] = [];

  beforeAll(async () => {
    server = await startJobsPostgres();
    databases.push(openDatabaseAs(server.url, 'ingest'), openDatabaseAs(server.url, 'ingest'));
  });
  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await server?.close();
  });
  beforeEach(async () => {
    await server.owner.query('truncate jobs.budgets');
  });

  /** One budget a process, all of one bucket. */
  const budgets = (limit: BudgetLimit, maxWaitMs?: number): Budget[] =>
    databases.map((database) =>
      openBudget({
        database,
        limits: { venue: limit },
        logger: testLogger,
        metrics: new Metrics(),
        ...(maxWaitMs === undefined ? {} : { maxWaitMs }),
      }),
    );
  const tokens = async (): Promise<number> => {
    const { rows } = await server.owner.query<{ tokens: number }>('select tokens from jobs.budgets');
    return rows[0]?.tokens ?? NaN;
  };

  it('lets no more through than the burst and the fill of the time', async () => {
    // 600 a minute with a burst of 60 fills 9 a second.
    const shared = budgets({ perMinute: 600, burst: 60 });
    const { rows } = await server.owner.query<{ at: Date }>('select clock_timestamp() as at');
    const startedMs = rows[0]?.at.getTime() ?? NaN;
    const weights = Array.from({ length: 16 }, (_, index) => 1 + ((index * 7) % 10));
    let taken = 0;
    await Promise.all(
      weights.map(async (weight, index) => {
        await shared[index % 2]?.take('venue', weight, never);
        taken += weight;
        expect(taken).toBeLessThanOrEqual(60 + (9 * (Date.now() - startedMs + 50)) / 1_000);
      }),
    );
    expect(taken).toBe(weights.reduce((sum, weight) => sum + weight, 0));
  });

  it('has a limit for sources that have none of their own', async () => {
    const [database] = databases;
    if (database === undefined) throw new Error('no database');
    const budget = openBudget({
      ...{ database, limits: { venue: { perMinute: 600, burst: 60 } }, defaultLimit: { perMinute: 40 } },
      ...{ logger: testLogger, metrics: new Metrics() },
    });
    await budget.take('another', 10, never);
    await expect(budget.take('another', 11, never)).rejects.toThrow('burst of 10');
    await budget.take('venue', 11, never);
  });

  it('serves first who came first, across processes', async () => {
    const shared = budgets({ perMinute: 1_210, burst: 10 });
    const order: number[] = [];
    const turns: Promise<void>[] = [];
    for (let index = 0; index < 8; index++) {
      const before = await tokens();
      turns.push((shared[index % 2] as Budget).take('venue', 8, never).then(() => void order.push(index)));
      await vi.waitFor(async () => expect(await tokens()).not.toBe(before), waiting);
    }
    await Promise.all(turns);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('refuses what would wait too long, without taking', async () => {
    const [budget] = budgets({ perMinute: 70, burst: 10 }, 100);
    await budget?.take('venue', 10, never);
    await expect(budget?.take('venue', 5, never)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryable: true,
    });
    expect(await tokens()).toBeGreaterThanOrEqual(0);
  });

  it('refuses a weight that never fits, and a source without a limit', async () => {
    const [budget] = budgets({ perMinute: 100 });
    await expect(budget?.take('venue', 26, never)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(budget?.take('elsewhere', 1, never)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('gives back the turn of who stops waiting', async () => {
    const [budget] = budgets({ perMinute: 70, burst: 10 });
    await budget?.take('venue', 10, never);
    const stop = new AbortController();
    const turn = budget?.take('venue', 9, stop.signal);
    await vi.waitFor(async () => expect(await tokens()).toBeLessThan(-5), waiting);
    stop.abort(new Error('enough'));
    await expect(turn).rejects.toThrow('enough');
    expect(await tokens()).toBeGreaterThanOrEqual(0);
  });

  it('heeds what the venue says is used, and never raises its own count for it', async () => {
    const [budget] = budgets({ perMinute: 400, burst: 100 }, 100);
    await budget?.take('venue', 50, never);
    await budget?.observed('venue', 60);
    expect(await tokens()).toBeLessThan(60);
    await budget?.observed('venue', 395);
    expect(await tokens()).toBeLessThanOrEqual(5);
    await expect(budget?.take('venue', 50, never)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await budget?.observed('venue', 500);
    expect(await tokens()).toBeLessThanOrEqual(-100);
  });

  it('waits while the venue forbids requests', async () => {
    const [first, second] = budgets({ perMinute: 4_000, burst: 1_000 }, 1_000);
    await first?.pause('venue', 60_000);
    await first?.pause('venue', 1_000);
    await expect(second?.take('venue', 1, never)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await server.owner.query(
      `update jobs.budgets set paused_until = clock_timestamp() + interval '300 milliseconds'`,
    );
    const startedMs = performance.now();
    await second?.take('venue', 1, never);
    expect(performance.now() - startedMs).toBeGreaterThan(200);
  });
});
