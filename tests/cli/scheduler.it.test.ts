import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunDetails } from '#cli/job-views.ts';
import { startSimulator, type Simulator } from '#core/exchanges/simulator/server.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openArchiveGate, type ArchiveGate } from './archive-gate.ts';
import { logger, openGround, patient, type Ground, type Started } from './ground.ts';

describe('under `up`', { timeout: 120_000 }, () => {
  let venueDir: string;
  let simulator: Simulator;
  let archive: ArchiveGate;
  let ground: Ground;
  let up: Started;

  beforeAll(async () => {
    venueDir = await mkdtemp(join(tmpdir(), 'ticklake-venue-'));
    simulator = await startSimulator({
      ...{ seed: 4_100, symbols: 10, speed: 1, rate: 0.05, port: 0, logger, metrics: new Metrics() },
      ...{
        clockFile: join(venueDir, 'simulator.clock.json'),
        startTimeUs: Date.parse('2024-03-05T10:00:00Z') * 1_000,
      },
    });
    archive = await openArchiveGate(simulator.url);
    ground = await openGround({
      ...{ TICKLAKE_EXCHANGE_URL: simulator.url, TICKLAKE_EXCHANGE_WS_URL: simulator.wsUrl },
      ...{ TICKLAKE_ARCHIVE: archive.url, TICKLAKE_SYMBOLS: 'BTCUSDT', TICKLAKE_JOBS_CONCURRENCY: '1' },
    });
    up = ground.start('up', '--port', '0');
    await vi.waitFor(() => expect(up.stderr()).toContain('ticklake is up'), patient);
  }, 90_000);
  afterAll(async () => {
    await ground?.close();
    await archive?.close();
    await simulator?.close();
    await rm(venueDir, { recursive: true, force: true });
  });

  const history = (trades: number): string[] => [
    ...['jobs', 'run', 'market-history', '--set', 'top=3'],
    ...['--params', JSON.stringify({ days: { '1d': 20, trades }, transform: false })],
  ];
  const show = async (runId: string): Promise<RunDetails> =>
    (await ground.ticklake('jobs', 'show', runId)).value as RunDetails;
  /** What of the run has finished when the archive gives no more. */
  const finishedBefore = async (runId: string): Promise<RunDetails['partitions']> =>
    await vi.waitFor(async () => {
      const { run, partitions } = await show(runId);
      expect(run.state).toBe('running');
      const finished = partitions.filter(({ state }) => state === 'finished');
      expect(finished.filter(({ job }) => job === 'backfill-trades').length).toBeGreaterThanOrEqual(2);
      expect(finished.length).toBeLessThan(partitions.length);
      return finished;
    }, patient);
  const sameOf = (partitions: RunDetails['partitions'], keys: RunDetails['partitions']) =>
    partitions.filter(({ job, key }) => keys.some((one) => one.job === job && one.key === key));

  test('a run whose worker is killed ends, and what had finished is not done again', async () => {
    archive.closeAfter(2);
    const { value } = await ground.ticklake(...history(3), '--no-wait');
    const { runId } = (value as RunDetails).run;
    const finished = await finishedBefore(runId);
    const pids = [...up.stderr().matchAll(/"role":"scheduler","rolePid":(\d+)/g)].map(([, pid]) =>
      Number(pid),
    );
    expect(pids).toHaveLength(1);
    process.kill(pids[0] ?? 0, 'SIGKILL');
    archive.open();

    const waited = await ground.ticklake(...history(3));
    expect(waited).toMatchObject({
      code: 0,
      value: { outcome: 'joined', run: { runId, state: 'succeeded' } },
    });
    const { partitions } = waited.value as RunDetails;
    expect(sameOf(partitions, finished)).toEqual(finished);
    expect(partitions.length).toBeGreaterThan(finished.length);
    const lost = await ground.owner.query(
      `select key, outcome from jobs.attempts where outcome = 'lost' and key <> 'plan'`,
    );
    expect(lost.rows.length).toBeLessThanOrEqual(1);
    expect(up.stderr().match(/"role":"scheduler","rolePid"/g)).toHaveLength(2);
    expect(await ground.ticklake('lake', 'verify')).toMatchObject({ code: 0 });
  });

  test('a run that is cancelled keeps what had finished, and a retry does the rest', async () => {
    archive.closeAfter(2);
    const { value } = await ground.ticklake(...history(6), '--no-wait');
    const { runId } = (value as RunDetails).run;
    const finished = await finishedBefore(runId);
    const cancelled = await ground.ticklake('jobs', 'cancel', runId);
    expect(cancelled).toMatchObject({
      code: 0,
      value: { state: 'cancelled', partitions: { running: 0, waiting: 0 } },
    });
    archive.open();
    const kept = (await show(runId)).partitions.filter(({ state }) => state === 'finished');
    expect(sameOf(kept, finished)).toEqual(finished);

    const retried = await ground.ticklake('jobs', 'retry', runId);
    expect(retried).toMatchObject({
      code: 0,
      value: { run: { state: 'succeeded', partitions: { cancelled: 0 } } },
    });
    const { partitions } = retried.value as RunDetails;
    expect(sameOf(partitions, kept)).toEqual(kept);
    expect(partitions.map(({ state }) => state)).toEqual(partitions.map(() => 'finished'));
  });
});
