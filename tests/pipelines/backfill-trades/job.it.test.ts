import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { waitForRun } from '#core/jobs/follow.ts';
import { openJobs, type Jobs } from '#core/jobs/open.ts';
import { listPartitions } from '#core/jobs/views.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { backfillTradesCard } from '#pipelines/backfill-trades/job.ts';
import { jobCards } from '#pipelines/catalogue.ts';
import { startProgram } from '#tests/core/jobs/harness.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { heldOf, openTradeVenue, type TradeVenue } from './support.ts';
import type { WorkerSettings } from './worker-program.ts';

const symbols = ['BTCUPUSDT', 'LINKUSDT'];
const kills = 3;
const waiting = { timeout: 60_000, interval: 20 };
let lake: TestLake;
let venue: TradeVenue;
let jobs: Jobs;
const programs: ReturnType<typeof startProgram>[] = [];

beforeAll(async () => {
  lake = await openTestLake();
  // Fewer trades a day, so that there are more days.
  venue = await openTradeVenue(lake, 6_570, '2024-03-05T10:00:00Z', { rate: 0.3 });
  jobs = await openJobs({
    ...{ database: lake.database, logger: lake.logger, metrics: new Metrics() },
    catalogue: createCatalogue(jobCards),
  });
});
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.kill9()));
});
afterAll(async () => {
  await jobs.close();
  await venue.close();
  await lake.close();
});

function startWorker(): ReturnType<typeof startProgram> {
  const settings: WorkerSettings = {
    ...{ databaseUrl: lake.url, venueUrl: venue.simulator.url, warehouse: join(lake.dir, 'warehouse') },
    ...{ spillDir: join(lake.dir, 'tmp', 'worker'), leaseMs: 500 },
  };
  const program = startProgram('../../pipelines/backfill-trades/worker-program.ts', settings);
  programs.push(program);
  return program;
}

async function ask(): Promise<string> {
  return (await jobs.enqueue({ job: backfillTradesCard.name, params: { symbols }, requestedBy: 'test' }))
    .runId;
}

async function finished(runId: string): Promise<number> {
  const { rows } = await lake.database.query<{ count: number }>(
    `select count(*)::int as count from jobs.tasks where run_id = $1 and kind = 'partition' and state = 'finished'`,
    [runId],
  );
  return rows[0]?.count ?? 0;
}

test(
  `workers killed ${kills} times on the way: complete, none twice, and nothing is done again`,
  {
    timeout: 150_000,
  },
  async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    for (const symbol of symbols) await venue.detect(symbol, '2024-02-27');
    const wanted = new Map<string, number>();
    for (const symbol of symbols) {
      const tasks = await venue.missing(symbol);
      wanted.set(
        symbol,
        tasks.reduce((sum, { count }) => sum + count, 0),
      );
      expect(tasks).toHaveLength(8);
    }
    const runId = await ask();
    let worker = startWorker();
    for (let kill = 0; kill < kills; kill++) {
      const before = await finished(runId);
      await vi.waitFor(async () => expect(await finished(runId)).toBeGreaterThan(before), waiting);
      await sleep((seed * (kill + 1) * 7_919) % 300);
      await worker.kill9();
      worker = startWorker();
    }
    const run = await waitForRun(lake.database, runId, { timeoutMs: 90_000 });
    expect(run, `seed ${seed}`).toMatchObject({
      state: 'succeeded',
      partitions: { finished: 16, total: 16 },
    });
    for (const symbol of symbols) {
      const { rows, ids, lo, hi } = await heldOf(lake, venue.exchange.source, symbol);
      expect({ symbol, rows, ids, span: hi - lo }).toEqual({
        ...{ symbol, rows: ids, ids: wanted.get(symbol), span: wanted.get(symbol) },
      });
    }
    const { rows: repeated } = await lake.database.query(
      `select a.key from jobs.attempts a
       join (select key, count(*) as times, min(ended_at) as done_at from jobs.attempts
              where run_id = $1 and kind = 'partition' and outcome = 'finished' group by key) f using (key)
      where a.run_id = $1 and (f.times > 1 or a.started_at > f.done_at)`,
      [runId],
    );
    expect(repeated, `seed ${seed}`).toEqual([]);

    // The most valuable first, by what each holds; and then there is nothing to do.
    const partitions = await listPartitions(lake.database, runId);
    expect(partitions.reduce((sum, { weight }) => sum + weight, 0)).toBe(
      [...wanted.values()].reduce((sum, count) => sum + count, 0),
    );
    const again = await waitForRun(lake.database, await ask(), { timeoutMs: 30_000 });
    expect(again).toMatchObject({ state: 'succeeded', partitions: { total: 0 } });
  },
);
