import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RunDetails } from '#cli/job-views.ts';
import { openGround, patient, type Ground } from './ground.ts';

describe('without a worker', { timeout: 120_000 }, () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround();
  });
  afterAll(async () => await ground?.close());

  test('the waiting command says so, Ctrl-C ends the waiting alone, and --here does the work', async () => {
    const waiting = ground.start('jobs', 'run', 'verify-lake');
    await vi.waitFor(() => expect(waiting.stderr()).toContain('no worker is alive'), patient);
    expect(waiting.stderr()).toContain('ticklake run scheduler');
    expect(await waiting.end('SIGINT')).toBe(130);
    expect(waiting.stderr()).toMatch(/ticklake jobs cancel [0-9a-f-]{36}/);

    const { value: listed } = await ground.ticklake('jobs', 'list');
    expect(listed).toMatchObject({ runs: [{ job: 'verify-lake', state: 'waiting' }], workers: [] });
    const { code, value } = await ground.ticklake('jobs', 'run', 'verify-lake', '--here');
    expect(value).toMatchObject({
      outcome: 'joined',
      run: { state: 'succeeded', partitions: { failed: 0 } },
    });
    expect(code).toBe(0);
  });

  test('a run that fails makes the exit code, names its partitions, and a retry does those alone', async () => {
    await ground.owner.query(
      `insert into lake.coverage values ('market.trades', 'elsewhere', 'BTCUSDT#1', '', 10, 20)`,
    );
    const failed = await ground.ticklake('jobs', 'run', 'verify-lake', '--here');
    expect(failed.code).toBe(1);
    const { run, partitions } = failed.value as RunDetails;
    const others = partitions.filter(({ key }) => key !== 'market.trades');
    expect(others.length).toBeGreaterThan(0);
    expect(run).toMatchObject({ state: 'failed', partitions: { finished: others.length, failed: 1 } });
    expect(failed.stderr).toMatch(/verify-lake failed: market\.trades \(.*elsewhere BTCUSDT.*jobs retry/s);

    await ground.owner.query(`delete from lake.coverage where source = 'elsewhere'`);
    const retried = await ground.ticklake('jobs', 'retry', run.runId, '--here');
    expect(retried).toMatchObject({ code: 0, value: { outcome: 'retried', run: { state: 'succeeded' } } });
    const after = (retried.value as RunDetails).partitions;
    expect(after.find(({ key }) => key === 'market.trades')).toMatchObject({
      state: 'finished',
      attempts: 2,
    });
    expect(after.filter(({ key }) => key !== 'market.trades')).toEqual(others);
    const { value: attempts } = await ground.ticklake(
      'jobs',
      'show',
      run.runId,
      '--partition',
      'market.trades',
    );
    expect(attempts).toMatchObject([
      { outcome: 'failed', error: { code: 'DATA_CORRUPT' } },
      { outcome: 'finished', error: null },
    ]);
  });

  test('what is asked twice with one key is one run, and another request with it is refused', async () => {
    const ask = (...more: string[]) =>
      ground.ticklake('jobs', 'run', 'verify-lake', '--no-wait', '--idempotency-key', 'one', ...more);
    const { value: first } = await ask();
    const { value: second } = await ask();
    expect(first).toMatchObject({ outcome: 'created' });
    const { runId } = (first as RunDetails).run;
    expect(second).toMatchObject({ outcome: 'repeated', run: { runId } });
    expect(await ask('--set', 'deep=true')).toMatchObject({
      code: 75,
      value: { error: { code: 'CONFLICT' } },
    });

    const cancelled = await ground.ticklake('jobs', 'cancel', runId);
    expect(cancelled).toMatchObject({ code: 0, value: { state: 'cancelled' } });
    expect((await ground.ticklake('jobs', 'cancel', runId)).stderr).toContain('nothing to cancel');
  });

  test.each([
    [['run', 'verify-lak'], 1, 'Did you mean verify-lake?'],
    [['run', 'verify-lake', '--set', 'deep=perhaps'], 2, 'deep must be boolean'],
    [['run', 'verify-lake', '--params', '[]'], 2, 'no JSON object'],
    [['show', 'nothing'], 1, 'there is no run nothing'],
    [['retry', '00000000-0000-0000-0000-000000000000'], 1, 'there is no run'],
  ])('%j is wrong, and it is said how', async (argv, code, said) => {
    const ran = await ground.ticklake('jobs', ...argv);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toContain(said);
  });
});

test(
  'two schedulers on one data dir make one run of what both have missed',
  { timeout: 120_000 },
  async () => {
    const ground = await openGround();
    onTestFinished(() => ground.close());
    await ground.ticklake('jobs', 'list');
    const { value } = await ground.ticklake('jobs', 'schedule');
    const { entries } = value as {
      entries: { name: string; cron: string; job: string; lastTick: unknown }[];
    };
    expect(entries).toContainEqual(expect.objectContaining({ name: 'market-history', lastTick: null }));
    // As if schedulers had been there three and a half days ago, and none since.
    for (const { name, cron, job } of entries) {
      await ground.owner.query(
        `insert into jobs.schedules (name, cron, job, enabled, decided_until)
       values ($1, $2, $3, true, clock_timestamp() - interval '84 hours')`,
        [name, cron, job],
      );
    }
    // No venue is up: a scheduler needs none.
    const both = [ground.start('run', 'scheduler'), ground.start('run', 'scheduler')];
    const ticksOf = async (schedule: string): Promise<{ state: string; run_id: string | null }[]> => {
      const { rows } = await ground.owner.query<{ state: string; run_id: string | null }>(
        'select state, run_id from jobs.ticks where schedule = $1 order by tick_at',
        [schedule],
      );
      return rows;
    };
    await vi.waitFor(async () => {
      const { workers } = (await ground.ticklake('jobs', 'list')).value as { workers: unknown[] };
      expect(workers).toHaveLength(2);
      for (const { name } of entries) expect((await ticksOf(name)).length).toBeGreaterThanOrEqual(3);
    }, patient);
    for (const { name } of entries) {
      const ran = (await ticksOf(name)).filter(({ state }) => state === 'enqueued');
      const { rows } = await ground.owner.query<{ run_id: string }>(
        'select run_id from jobs.runs where requested_by = $1 and parent_run_id is null',
        [`schedule:${name}`],
      );
      expect(rows.map(({ run_id }) => run_id).toSorted()).toEqual(ran.map(({ run_id }) => run_id).toSorted());
    }
    expect((await ticksOf('market-history')).filter(({ state }) => state === 'enqueued')).toHaveLength(1);
    expect((await ticksOf('verify-lake')).map(({ state }) => state)).not.toContain('joined');
    for (const one of both) expect(await one.end('SIGTERM')).toBe(0);
  },
);
