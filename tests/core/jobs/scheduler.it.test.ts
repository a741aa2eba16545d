import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseCron } from '#core/jobs/cron.ts';
import type { SchedulerOptions, TimetableEntry } from '#core/jobs/scheduler.ts';
import { listSchedules } from '#core/jobs/views.ts';
import { openJobsAs, startJobsPostgres, startProgram, type OpenedJobs, type TestServer } from './harness.ts';
import { timetable } from './timetable.ts';

const startMs = Date.parse('2024-01-31T12:00:00Z');
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

interface Tick {
  at: string;
  state: string;
  run_id: string | null;
}

describe('the scheduler', () => {
  let server: TestServer;
  let opened: OpenedJobs;
  let nowMs: number;

  beforeAll(async () => {
    server = await startJobsPostgres();
    opened = await openJobsAs(server.url, 'ingest', { waitingRunsMax: 100 });
  });
  afterAll(async () => {
    await opened?.close();
    await server?.close();
  });
  beforeEach(async () => {
    await server.owner.query(
      'truncate jobs.runs, jobs.ticks, jobs.schedules, jobs.triggers cascade; delete from pgboss.job',
    );
    nowMs = startMs;
  });

  const hourly: TimetableEntry = { name: 'hourly', cron: '0 * * * *', job: 'work', missed: 'catch-up' };
  const schedulerOf = (entries: TimetableEntry[], more: Partial<SchedulerOptions> = {}) =>
    opened.jobs.createScheduler({ timetable: entries, clock: { nowMs: () => nowMs }, ...more });
  const ticks = async (schedule = 'hourly'): Promise<Tick[]> => {
    const { rows } = await server.owner.query<Tick>(
      `select jobs.iso(tick_at) as at, state, run_id from jobs.ticks where schedule = $1 order by tick_at`,
      [schedule],
    );
    return rows;
  };
  const statesOf = async (): Promise<string[]> => (await ticks()).map(({ state }) => state);

  it(
    'runs every tick of a month once, by two schedulers that are killed at random',
    { timeout: 240_000 },
    async () => {
      const endMs = startMs + 30 * dayMs;
      await schedulerOf([...timetable]).decide();
      const speed = (30 * dayMs) / 12_000;
      const simulatedEndMs = endMs + hourMs / 2;
      const clock = { simulatedStartMs: startMs, simulatedEndMs, realStartMs: Date.now(), speed };
      const start = (): ReturnType<typeof startProgram> =>
        startProgram('scheduler-program.ts', { url: server.url, ...clock });
      const programs = [start(), start()];
      onTestFinished(async () => void (await Promise.all(programs.map((program) => program.kill9()))));
      const now = (): number => startMs + (Date.now() - clock.realStartMs) * speed;
      let killed = 0;
      while (now() < endMs || killed < 4) {
        await sleep(300 + Math.random() * 900);
        const which = Math.random() < 0.5 ? 0 : 1;
        await programs[which]?.kill9();
        killed += 1;
        // Sometimes both are down for a while.
        if (Math.random() < 0.3) await programs[1 - which]?.kill9();
        await sleep(Math.random() * 300);
        for (const index of [0, 1]) {
          const program = programs[index];
          if (program === undefined || program.signalCode !== null) programs[index] = start();
        }
      }
      await vi.waitFor(
        async () => {
          for (const { decidedUntil } of await listSchedules(opened.database)) {
            expect(Date.parse(decidedUntil)).toBeGreaterThan(endMs);
          }
        },
        { timeout: 120_000, interval: 50 },
      );
      await Promise.all(programs.map((program) => program.kill9()));

      for (const { name, cron } of timetable) {
        const found = (await ticks(name)).filter(({ at }) => Date.parse(at) <= endMs);
        expect(found.map(({ at }) => Date.parse(at))).toEqual(
          parseCron(cron).between(startMs, endMs, 10_000).ticks,
        );
        expect(found.map(({ state }) => state)).toEqual(found.map(() => 'enqueued'));
        expect(new Set(found.map(({ run_id }) => run_id)).size).toBe(found.length);
      }
      const { rows } = await server.owner.query<{ runs: number; ticks: number }>(
        'select (select count(*) from jobs.runs) as runs, (select count(*) from jobs.ticks) as ticks',
      );
      expect(rows[0]?.runs).toBe(rows[0]?.ticks);
      expect(rows[0]?.ticks).toBeGreaterThanOrEqual(720 + 30 + 44 + 1);
    },
  );

  it('makes one run of a tick that two decide at the same moment', async () => {
    const schedulers = [schedulerOf([hourly]), schedulerOf([hourly])];
    await schedulers[0]?.decide();
    for (let hour = 1; hour <= 10; hour++) {
      nowMs = startMs + hour * hourMs;
      await Promise.all(schedulers.map((scheduler) => scheduler.decide()));
    }
    expect((await ticks()).length).toBe(10);
    expect((await ticks())[0]).toMatchObject({ at: '2024-01-31T13:00:00.000Z', state: 'enqueued' });
    expect(await statesOf()).toEqual(['enqueued', ...Array.from({ length: 9 }, () => 'joined')]);
    expect((await server.owner.query('select 1 from jobs.runs')).rows.length).toBe(1);
  });

  it('begins with the first tick after it was first seen', async () => {
    await schedulerOf([hourly]).decide();
    expect(await ticks()).toEqual([]);
    nowMs += 59 * minuteMs;
    await schedulerOf([hourly]).decide();
    expect(await ticks()).toEqual([]);
  });

  it.each([
    { missed: 'catch-up', states: ['enqueued', 'enqueued', 'enqueued', 'enqueued'] },
    { missed: 'latest', states: ['skipped', 'skipped', 'skipped', 'enqueued'] },
    { missed: 'skip', states: ['skipped', 'skipped', 'skipped', 'skipped'] },
  ] as const)('treats what was missed by the policy $missed, and says so', async ({ missed, states }) => {
    const entry = { ...hourly, missed, whenRunning: 'allow' as const };
    await schedulerOf([entry]).decide();
    nowMs = startMs + 4.5 * hourMs;
    await schedulerOf([entry]).decide();
    expect(await statesOf()).toEqual(states);
    // A tick that comes in time is none that was missed.
    nowMs = startMs + 5 * hourMs + 1_000;
    await schedulerOf([entry]).decide();
    expect(await statesOf()).toEqual([...states, 'enqueued']);
    const { rows } = await server.owner.query<{ reason: string }>(
      `select distinct reason from jobs.ticks where state = 'skipped'`,
    );
    for (const { reason } of rows) expect(reason).toMatch(/^missed: /);
  });

  it('catches up no more than its bound, the newest', async () => {
    const entry = { ...hourly, whenRunning: 'allow' as const };
    await schedulerOf([entry]).decide();
    nowMs = startMs + 10 * hourMs + 5 * minuteMs;
    await schedulerOf([entry], { catchUpMax: 3 }).decide();
    expect(await statesOf()).toEqual([
      ...Array.from({ length: 7 }, () => 'skipped'),
      ...Array.from({ length: 3 }, () => 'enqueued'),
    ]);
  });

  it('decides later what there is no room for', async () => {
    const entry = { ...hourly, whenRunning: 'allow' as const };
    const narrow = await openJobsAs(server.url, 'ingest', { waitingRunsMax: 2 });
    const scheduler = narrow.jobs.createScheduler({ timetable: [entry], clock: { nowMs: () => nowMs } });
    await scheduler.decide();
    nowMs = startMs + 3 * hourMs;
    await scheduler.decide();
    expect(await statesOf()).toEqual(['enqueued', 'enqueued']);
    await server.owner.query(`update jobs.runs set state = 'succeeded'`);
    await scheduler.decide();
    expect(await statesOf()).toEqual(['enqueued', 'enqueued', 'enqueued']);
    await narrow.close();
  });

  it('leaves a disabled or removed entry alone, and begins anew when it comes back', async () => {
    await schedulerOf([hourly]).decide();
    nowMs = startMs + 2.5 * hourMs;
    await schedulerOf([{ ...hourly, enabled: false }]).decide();
    expect(await ticks()).toEqual([]);
    nowMs = startMs + 3.5 * hourMs;
    await schedulerOf([]).decide();
    expect((await listSchedules(opened.database))[0]).toMatchObject({ name: 'hourly', enabled: false });
    nowMs = startMs + 5.5 * hourMs;
    await schedulerOf([hourly]).decide();
    expect(await ticks()).toEqual([]);
    nowMs = startMs + 6 * hourMs;
    await schedulerOf([hourly]).decide();
    expect((await ticks()).map(({ at }) => at)).toEqual(['2024-01-31T18:00:00.000Z']);
  });

  it('does not ask anew for ticks whose rows were pruned', async () => {
    const scheduler = schedulerOf([hourly]);
    await scheduler.decide();
    nowMs = startMs + hourMs;
    await scheduler.decide();
    await server.owner.query('delete from jobs.ticks');
    await scheduler.decide();
    expect(await ticks()).toEqual([]);
  });

  it('notes a tick that the job refuses', async () => {
    const entry = { ...hourly, job: 'alone' };
    await schedulerOf([entry]).decide();
    nowMs = startMs + 2 * hourMs;
    await schedulerOf([entry]).decide();
    expect(await statesOf()).toEqual(['enqueued', 'refused']);
  });

  it('refuses a wrong timetable before it begins', () => {
    expect(() => schedulerOf([{ ...hourly, cron: '0 25 * * *' }])).toThrow(RangeError);
    expect(() => schedulerOf([{ ...hourly, job: 'nothing' }])).toThrow(/no job nothing/);
    expect(() => schedulerOf([{ ...hourly, params: { ms: 'x' } }])).toThrow(/wrong parameters/);
    expect(() => schedulerOf([hourly, hourly])).toThrow(/one name/);
  });

  it('decides by itself when node-cron calls', async () => {
    const entry = { ...hourly, name: 'secondly', cron: '* * * * * *' };
    const scheduler = opened.jobs.createScheduler({ timetable: [entry], pollMs: 3_600_000 });
    scheduler.start();
    await vi.waitFor(async () => expect((await ticks('secondly')).length).toBeGreaterThan(1), {
      timeout: 20_000,
    });
    await scheduler.close();
  });

  it('asks for a job when a mark has changed, once', async () => {
    await server.owner.query(
      'create table test.commits (id text); grant select on test.commits to ticklake_ingest',
    );
    const trigger = {
      name: 'after-commit',
      job: 'work',
      params: () => ({ keys: ['commit'] }),
      mark: async (tx: { query<R>(sql: string): Promise<{ rows: R[] }> }) =>
        (await tx.query<{ id: string | null }>('select max(id) as id from test.commits')).rows[0]?.id ??
        undefined,
    };
    const schedulers = [schedulerOf([], { triggers: [trigger] }), schedulerOf([], { triggers: [trigger] })];
    const look = async (): Promise<number> => {
      await Promise.all(schedulers.map((scheduler) => scheduler.decide()));
      const { rows } = await server.owner.query('select 1 from jobs.runs');
      return rows.length;
    };
    expect(await look()).toBe(0);
    await server.owner.query(`insert into test.commits values ('1')`);
    expect(await look()).toBe(0);
    await server.owner.query(`insert into test.commits values ('2')`);
    expect(await look()).toBe(1);
    expect(await look()).toBe(1);
    // A run that waits will see what comes; one that has begun may not, so another follows when it has ended.
    await server.owner.query(`insert into test.commits values ('3')`);
    expect(await look()).toBe(1);
    await server.owner.query(`insert into test.commits values ('4'); update jobs.runs set state = 'running'`);
    expect(await look()).toBe(1);
    await server.owner.query(`update jobs.runs set state = 'succeeded'`);
    expect(await look()).toBe(2);
    expect(await look()).toBe(2);
  });
});
