import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { waitForRun } from '#core/jobs/follow.ts';
import { listPartitions } from '#core/jobs/views.ts';
import { coverage } from '#core/lake/ledger.ts';
import { startProgram } from '#tests/core/jobs/harness.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openHistoryJobs } from './jobs.ts';
import { expectProven, openBarVenue, type BarVenue } from './support.ts';

const kills = Number(process.env['TICKLAKE_TEST_KILLS'] ?? 3);
const waiting = { timeout: 60_000, interval: 20 };
let lake: TestLake;
let lastSeed = 6_800;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

async function open(
  time: string,
): Promise<{ venue: BarVenue; jobs: Awaited<ReturnType<typeof openHistoryJobs>> }> {
  const venue = await openBarVenue(lake, ++lastSeed, time);
  onTestFinished(() => venue.close());
  const jobs = await openHistoryJobs(placeOf(venue));
  onTestFinished(() => jobs.close());
  return { venue, jobs };
}

function placeOf({ simulator }: BarVenue) {
  return { url: lake.url, dir: lake.dir, venueUrl: simulator.url };
}

test('a universe of daily bars comes in one commit, and a second run finds nothing', async () => {
  const { venue, jobs } = await open('2024-03-05T10:00:30Z');
  const worker = jobs.startWorker({ pollMs: 20 });
  onTestFinished(() => worker.close());
  const ask = async (job: string, params: object) => {
    const { runId } = await jobs.enqueue({ job, params, requestedBy: 'test' });
    expect(await waitForRun(jobs.database, runId, { timeoutMs: 60_000 })).toMatchObject({
      state: 'succeeded',
    });
    return await listPartitions(jobs.database, runId);
  };
  await ask('discover-symbols', { top: 10 });
  const [detected] = await ask('detect-gaps', { intervals: ['1d'], from: '2022-09-05' });
  const bars = Number(detected?.committed?.['missing']);
  expect(bars).toBeGreaterThan(3_000);
  const partitions = await ask('backfill-klines', {});
  expect(partitions).toHaveLength(1);
  const sum = (key: string) =>
    partitions.reduce((total, { committed }) => total + Number(committed?.[key]), 0);
  expect([sum('rows'), sum('left'), sum('files')]).toEqual([bars, 0, 0]);
  const held = await coverage(lake.lake, { source: venue.exchange.source });
  expect(held).toHaveLength(10);
  expect(held.reduce((total, row) => total + row.held, 0)).toBe(bars);
  expect(await ask('backfill-klines', {})).toEqual([]);
  // What no gap asks for is not asked of the venue: a window beside what is missing.
  expect(await ask('backfill-klines', { from: '2020-01-01', to: '2021-01-01' })).toEqual([]);
  await expectProven(lake);
});

test(
  `killed ${kills} times, it is complete and no finished partition is done again`,
  { timeout: 120_000 + kills * 10_000 },
  async () => {
    const { venue, jobs } = await open('2024-03-05T10:00:30Z');
    const { source } = venue.exchange;
    const symbols = ['BTCUSDT', 'ETHUSDT'];
    await venue.detect({ symbols, intervals: ['1m'], from: '2024-01-20', to: '2024-03-05' });
    const { runId } = await jobs.enqueue({
      job: 'backfill-klines',
      params: { symbols },
      requestedBy: 'test',
    });
    const finished = async () =>
      (await listPartitions(jobs.database, runId, { state: 'finished' })).map(({ key }) => key);
    const start = () => {
      const program = startProgram('../../pipelines/backfill-klines/worker-program.ts', placeOf(venue));
      onTestFinished(() => program.kill9());
      return program;
    };
    let worker = start();
    const seed = Math.floor(Math.random() * 1_000_000);
    for (let kill = 0; kill < kills; kill++) {
      const { rows } = await jobs.database.query('select 1 from jobs.attempts where run_id = $1', [runId]);
      await vi.waitFor(async () => {
        const begun = await jobs.database.query('select 1 from jobs.attempts where run_id = $1', [runId]);
        expect(begun.rowCount).toBeGreaterThan(rows.length);
      }, waiting);
      await sleep((seed * (kill + 1) * 7919) % 1_000);
      await worker.kill9();
      worker = start();
    }
    const run = await waitForRun(jobs.database, runId, { timeoutMs: 90_000 });
    expect({ seed, state: run.state }).toEqual({ seed, state: 'succeeded' });
    const bars = 45 * 1_440;
    const held = await coverage(lake.lake, { source });
    expect(held.map((row) => [row.symbol, row.held, row.missing])).toEqual(
      symbols.map((symbol) => [symbol, bars, 0]),
    );
    await expectProven(lake);
    // Every partition has one commit of its own, and none began after it was finished.
    const { rows: commits } = await jobs.database.query(
      `select 1 from lake.commits where ranges_added::text like '%' || $1 || '%'`,
      [source],
    );
    expect(commits).toHaveLength((await finished()).length);
    const { rows: repeated } = await jobs.database.query(
      `select a.key from jobs.attempts a join jobs.tasks t using (run_id, kind, key)
        where a.run_id = $1 and a.kind = 'partition' and a.started_at > t.ended_at`,
      [runId],
    );
    expect(repeated).toEqual([]);
  },
);
