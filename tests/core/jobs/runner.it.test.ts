import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { followRun, waitForRun } from '#core/jobs/follow.ts';
import { pruneHistory } from '#core/jobs/prune.ts';
import { listAttempts, listPartitions, listRuns, showRun, type RunView } from '#core/jobs/views.ts';
import type { Worker, WorkerOptions } from '#core/jobs/worker.ts';
import { openJobsAs, startJobsPostgres, type OpenedJobs, type TestServer } from './harness.ts';

const waiting = { timeout: 30_000, interval: 20 };

describe('the runner', () => {
  let server: TestServer;
  let opened: OpenedJobs;
  const workers: Worker[] = [];

  beforeAll(async () => {
    server = await startJobsPostgres();
    opened = await openJobsAs(server.url, 'ingest');
  });
  afterAll(async () => {
    await opened?.close();
    await server?.close();
  });
  beforeEach(async () => {
    await server.owner.query('truncate jobs.runs, test.begun, test.effects cascade; delete from pgboss.job');
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    const { rows } = await server.owner.query('select 1 from jobs.workers');
    expect(rows).toEqual([]);
  });

  const work = (options: Partial<WorkerOptions> = {}): Worker => {
    const worker = opened.jobs.startWorker({ pollMs: 20, leaseMs: 1_000, graceMs: 200, ...options });
    workers.push(worker);
    return worker;
  };
  const ask = async (job: string, params: object = {}, more: object = {}): Promise<string> => {
    const { runId } = await opened.jobs.enqueue({ job, params, requestedBy: 'test', ...more });
    return runId;
  };
  const ended = async (runId: string): Promise<RunView> => {
    const run = await waitForRun(opened.database, runId, { timeoutMs: 30_000, pollMs: 20 });
    expect(run.endedAt).not.toBeNull();
    return run;
  };
  const states = async (runId: string): Promise<Record<string, string>> => {
    const partitions = await listPartitions(opened.database, runId);
    return Object.fromEntries(partitions.map(({ key, state }) => [key, state]));
  };

  it('does each partition once and keeps what it committed', async () => {
    const runId = await ask('work', { keys: ['a', 'bb', 'ccc'] });
    work();
    work();
    const run = await ended(runId);
    expect(run).toMatchObject({ state: 'succeeded', progress: 1, secondsLeft: null, error: null });
    expect(run.params).toEqual({ keys: ['a', 'bb', 'ccc'], ms: 0, together: false });
    expect(run.partitions).toEqual({
      total: 3,
      waiting: 0,
      running: 0,
      finished: 3,
      failed: 0,
      cancelled: 0,
    });
    const partitions = await listPartitions(opened.database, runId);
    expect(partitions.map(({ key, committed, attempts }) => [key, committed?.['rows'], attempts])).toEqual([
      ['a', 1, 1],
      ['bb', 2, 1],
      ['ccc', 3, 1],
    ]);
    const { rows } = await server.owner.query('select key from test.effects order by key');
    expect(rows.map(({ key }) => key)).toEqual(['a', 'bb', 'ccc']);
    expect((await server.owner.query('select 1 from pgboss.job')).rows).toEqual([]);
  });

  it('takes the partitions in order, and tells how far the run is', async () => {
    const runId = await ask('alone', { keys: ['z', 'y', 'x', 'w'], ms: 150 });
    const seen: RunView[] = [];
    work();
    for await (const run of followRun(opened.database, runId, {
      signal: AbortSignal.timeout(30_000),
      pollMs: 20,
    })) {
      seen.push(run);
    }
    expect(seen.at(0)?.progress).toBeNull();
    expect(seen.at(-1)?.state).toBe('succeeded');
    const between = seen.filter((run) => run.partitions.finished === 2 && run.secondsLeft !== null);
    expect(between.length).toBeGreaterThan(0);
    for (const run of between) {
      expect(run.progress).toBeGreaterThanOrEqual(0.5);
      expect(run.progress).toBeLessThan(1);
    }
    const { rows } = await server.owner.query('select key from test.begun order by at');
    expect(rows.map(({ key }) => key)).toEqual(['z', 'y', 'x', 'w']);
  });

  it('tries again what may succeed, and fails what may not, while the others go on', async () => {
    const runId = await ask('work', { keys: ['fails-2', 'fails-9', 'breaks-9', 'good'] });
    work();
    const run = await ended(runId);
    expect(run.state).toBe('failed');
    expect(run.error?.message).toContain('2 partitions failed, fails-9 first');
    expect(await states(runId)).toEqual({
      'fails-2': 'finished',
      'fails-9': 'failed',
      'breaks-9': 'failed',
      good: 'finished',
    });
    const outcomes = async (key: string): Promise<unknown[]> =>
      (await listAttempts(opened.database, runId, key)).map((attempt) => attempt.outcome);
    expect(await outcomes('fails-2')).toEqual(['failed', 'failed', 'finished']);
    expect(await outcomes('fails-9')).toEqual(['failed', 'failed', 'failed']);
    expect(await outcomes('breaks-9')).toEqual(['failed']);
  });

  it('retries only what failed', async () => {
    const runId = await ask('work', { keys: ['breaks-1', 'fails-3', 'good'] });
    work();
    expect((await ended(runId)).state).toBe('failed');
    await expect(opened.jobs.retry(await ask('work', { keys: ['x'], ms: 500 }))).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await opened.jobs.retry(runId);
    expect(await ended(runId)).toMatchObject({ state: 'succeeded', error: null });
    const { rows } = await server.owner.query(
      'select key, count(*) as times from test.begun where run_id = $1 group by key order by key',
      [runId],
    );
    expect(rows).toEqual([
      { key: 'breaks-1', times: 2 },
      { key: 'fails-3', times: 4 },
      { key: 'good', times: 1 },
    ]);
  });

  it('cancels: what runs is stopped, what waits never begins', async () => {
    const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
    const runId = await ask('work', { keys, ms: 60_000 });
    work();
    await vi.waitFor(
      async () => expect((await showRun(opened.database, runId)).partitions.running).toBe(3),
      waiting,
    );
    await opened.jobs.cancel(runId);
    const run = await showRun(opened.database, runId);
    expect(run.state).toBe('cancelled');
    expect(run.partitions).toMatchObject({ cancelled: 12, running: 0, waiting: 0 });
    // Another run finds the slots free, so the stopped ones have heeded their signal.
    expect((await ended(await ask('work', { keys: ['next'] }))).state).toBe('succeeded');
    const { rows } = await server.owner.query('select key from test.begun where run_id = $1', [runId]);
    expect(rows.length).toBe(3);
    expect((await server.owner.query('select 1 from test.effects where run_id = $1', [runId])).rows).toEqual(
      [],
    );
    await opened.jobs.cancel(runId);
    await opened.jobs.retry(runId);
    await opened.jobs.cancel(runId);
    expect((await showRun(opened.database, runId)).state).toBe('cancelled');
  });

  it('knows a request by its idempotency key, and a run by its job and parameters', async () => {
    const { jobs } = opened;
    const anew = { job: 'work', params: { ms: 5 }, requestedBy: 'test' };
    const request = { ...anew, idempotencyKey: 'once' };
    const both = await Promise.all([jobs.enqueue(request), jobs.enqueue(request)]);
    expect(new Set(both.map(({ runId }) => runId)).size).toBe(1);
    expect(both.map(({ outcome }) => outcome)).toContain('created');
    await expect(jobs.enqueue({ ...request, params: { ms: 6 } })).rejects.toMatchObject({ code: 'CONFLICT' });

    const again = await jobs.enqueue({
      job: 'work',
      params: { ms: 5, keys: ['a', 'b', 'c'] },
      requestedBy: 'test',
    });
    expect(again).toEqual({ runId: both[0].runId, outcome: 'joined' });
    const allowed = await jobs.enqueue({
      job: 'work',
      params: { ms: 5 },
      requestedBy: 'test',
      whenRunning: 'allow',
    });
    expect(allowed.outcome).toBe('created');
    await ask('alone');
    await expect(ask('alone')).rejects.toMatchObject({ code: 'CONFLICT' });

    work();
    await ended(both[0].runId);
    expect((await jobs.enqueue(request)).outcome).toBe('repeated');
    expect((await jobs.enqueue(anew)).outcome).toBe('created');
  });

  it('refuses wrong requests by name', async () => {
    await expect(ask('wrk')).rejects.toMatchObject({ code: 'NOT_FOUND', remedy: 'Did you mean work?' });
    await expect(ask('work', { ms: -1, more: 1 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(ask('work', { label: 'x'.repeat(70_000) })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(showRun(opened.database, 'nonsense')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(opened.jobs.cancel('00000000-0000-0000-0000-000000000000')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('bounds the runs that wait and the partitions of a run', async () => {
    const small = await openJobsAs(server.url, 'ingest', { waitingRunsMax: 2 });
    await ask('work', { ms: 1 });
    const tooMany = await ask('work', { keys: Array.from({ length: 101 }, (_, index) => `k${index}`) });
    await expect(
      small.jobs.enqueue({ job: 'work', params: { ms: 3 }, requestedBy: 'test' }),
    ).rejects.toMatchObject({ code: 'OVERLOADED' });
    await small.close();
    work({ partitionsMax: 100 });
    const run = await ended(tooMany);
    expect(run.state).toBe('failed');
    expect(run.error?.message).toContain('101 partitions');
  });

  it('holds the limit of a job across workers', async () => {
    const keys = Array.from({ length: 15 }, (_, index) => `k${index}`);
    const runId = await ask('work', { keys, ms: 40 });
    work({ concurrency: 4 });
    work({ concurrency: 4 });
    let most = 0;
    for (let run = await showRun(opened.database, runId); run.endedAt === null;) {
      most = Math.max(most, run.partitions.running);
      await sleep(5);
      run = await showRun(opened.database, runId);
    }
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(1);
  });

  it('leaves tasks of jobs it does not know to other workers', async () => {
    const foreign = await ask('work', { keys: ['foreign'] });
    await server.owner.query(`update jobs.runs set job = 'unknown' where run_id = $1`, [foreign]);
    await server.owner.query(`update pgboss.job set group_id = 'unknown', group_tier = 'unknown'`);
    const own = await ask('work', { keys: ['own'] });
    work();
    expect((await ended(own)).state).toBe('succeeded');
    expect((await showRun(opened.database, foreign)).state).toBe('waiting');
  });

  it('plans a step of a chain when the one before has succeeded', async () => {
    const runId = await ask('chain', { ms: 20 });
    work();
    const run = await ended(runId);
    expect(run).toMatchObject({ state: 'succeeded', isChain: true, progress: 1 });
    expect(run.partitions.finished).toBe(4);
    const steps = await listRuns(opened.database, { parentRunId: runId });
    expect(steps.map(({ job, state, step }) => [job, state, step])).toEqual([
      ['work', 'succeeded', 0],
      ['work', 'succeeded', 1],
      ['alone', 'succeeded', 2],
    ]);
    expect((await listRuns(opened.database)).map((listed) => listed.runId)).toEqual([runId]);
    const { rows } = await server.owner.query<{ keys: string }>(
      `select string_agg(key, ' ' order by at) as keys from test.begun`,
    );
    expect(rows[0]?.keys).toMatch(/^first (second other|other second) third$/);
  });

  it('ends a chain whose step fails, and retries it from there', async () => {
    const runId = await ask('chain');
    // The second step's parameters are changed so that it breaks once.
    await server.owner.query(
      `update jobs.runs set params = jsonb_set(params, '{keys}', '["breaks-1"]') where parent_run_id = $1 and step = 1`,
      [runId],
    );
    work();
    const run = await ended(runId);
    expect(run.state).toBe('failed');
    expect(run.error?.message).toContain('breaks-1');
    const steps = await listRuns(opened.database, { parentRunId: runId });
    expect(steps.map(({ state }) => state)).toEqual(['succeeded', 'failed', 'failed']);
    expect(steps[2]?.error?.message).toBe('it needs work, which failed');
    await opened.jobs.retry(steps[1]?.runId ?? '');
    expect((await ended(runId)).state).toBe('succeeded');
    const { rows } = await server.owner.query(`select key from test.begun where key = 'first'`);
    expect(rows.length).toBe(1);
  });

  it('cancels a chain with all its steps', async () => {
    const runId = await ask('chain', { ms: 60_000 });
    work();
    await vi.waitFor(
      async () => expect((await showRun(opened.database, runId)).partitions.running).toBe(1),
      waiting,
    );
    await opened.jobs.cancel(runId);
    expect((await showRun(opened.database, runId)).state).toBe('cancelled');
    const steps = await listRuns(opened.database, { parentRunId: runId });
    expect(steps.map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });

  it('lets a run wait for those it comes after, whatever becomes of them', async () => {
    const first = await ask('work', { keys: ['breaks-1'], ms: 0 });
    const second = await ask('later', { keys: ['after'] });
    work();
    expect((await ended(second)).state).toBe('succeeded');
    expect((await showRun(opened.database, first)).state).toBe('failed');
    const { rows } = await server.owner.query('select key from test.begun order by at');
    expect(rows.map(({ key }) => key)).toEqual(['breaks-1', 'after']);
  });

  it('ends a run that cannot be planned', async () => {
    const runId = await ask('unplannable');
    work();
    const run = await ended(runId);
    expect(run.state).toBe('failed');
    expect(run.error?.message).toContain('no such market');
    expect(run.partitions.total).toBe(0);
  });

  it('succeeds at once where there is nothing to do', async () => {
    const runId = await ask('work', { keys: [] });
    work();
    expect(await ended(runId)).toMatchObject({ state: 'succeeded', progress: 1 });
  });

  it('does not wait for code that is deaf to its time-out', async () => {
    const runId = await ask('deaf', { ms: 2_000 });
    work();
    const run = await ended(runId);
    expect(run.error?.message).toContain('longer than 0.2 s');
    expect((await listPartitions(opened.database, runId))[0]?.error?.code).toBe('TIMEOUT');
    expect((await ended(await ask('work'))).state).toBe('succeeded');
  });

  it('gives back what it runs when it is closed, without counting an attempt', async () => {
    const runId = await ask('work', { keys: ['slow'], ms: 60_000 });
    const first = work();
    await vi.waitFor(
      async () => expect((await showRun(opened.database, runId)).partitions.running).toBe(1),
      waiting,
    );
    await first.close();
    expect(await states(runId)).toEqual({ slow: 'waiting' });
    expect((await listAttempts(opened.database, runId, 'slow')).map(({ outcome }) => outcome)).toEqual([
      'interrupted',
    ]);
    await opened.jobs.cancel(runId);
  });

  it('marks a partition together with its effect', async () => {
    const runId = await ask('work', { together: true, ms: 10 });
    work();
    expect((await ended(runId)).state).toBe('succeeded');
    expect((await server.owner.query('select 1 from test.effects')).rows.length).toBe(3);
  });

  it('waits for a run no longer than told', async () => {
    const runId = await ask('work');
    const run = await waitForRun(opened.database, runId, { timeoutMs: 50 });
    expect(run.state).toBe('waiting');
  });

  it('prunes history by age and number, and nothing that goes on', async () => {
    work();
    for (const label of ['1', '2', '3']) await ended(await ask('work', { label }));
    await ended(await ask('chain'));
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    const open = await ask('work', { label: 'open' });
    expect(await pruneHistory(opened.database, { runsPerJob: 2 })).toMatchObject({ runs: 1 });
    expect((await listRuns(opened.database)).length).toBe(4);
    expect(await pruneHistory(opened.database, { runsMs: 0 })).toMatchObject({ runs: 3 });
    expect((await listRuns(opened.database)).map(({ runId }) => runId)).toEqual([open]);
    expect((await server.owner.query('select 1 from jobs.attempts')).rows).toEqual([]);
  });

  it('lets the api ask, cancel and retry, and no more', async () => {
    const api = await openJobsAs(server.url, 'api');
    const { runId } = await api.jobs.enqueue({ job: 'chain', requestedBy: 'api', idempotencyKey: 'k' });
    await api.jobs.cancel(runId);
    await api.jobs.retry(runId);
    const { runId: other } = await api.jobs.enqueue({ job: 'later', requestedBy: 'api' });
    work();
    expect((await waitForRun(api.database, runId, { timeoutMs: 30_000 })).state).toBe('succeeded');
    expect((await waitForRun(api.database, other, { timeoutMs: 30_000 })).state).toBe('succeeded');
    for (const forbidden of [
      'delete from jobs.runs',
      'insert into jobs.workers (worker_id, name, lease_until) values (gen_random_uuid(), $$x$$, now())',
      `update jobs.budgets set tokens = 1e9`,
      `update pgboss.job set state = 'completed'`,
    ]) {
      await expect(api.database.query(forbidden)).rejects.toThrow(/permission denied/);
    }
    await api.close();
  });
});
