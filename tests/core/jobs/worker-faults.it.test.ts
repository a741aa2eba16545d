import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { waitForRun } from '#core/jobs/follow.ts';
import { listAttempts, listPartitions, showRun } from '#core/jobs/views.ts';
import { openQueue } from '#core/jobs/queue.ts';
import { takeTask } from '#core/jobs/tasks.ts';
import {
  openJobsAs,
  startJobsPostgres,
  startProgram,
  testLogger,
  type OpenedJobs,
  type TestServer,
} from './harness.ts';

const waiting = { timeout: 60_000, interval: 20 };
const kills = Number(process.env['TICKLAKE_TEST_KILLS'] ?? 5);

describe('workers that die or stand still', () => {
  let server: TestServer;
  let opened: OpenedJobs;
  const programs: ReturnType<typeof startProgram>[] = [];

  beforeAll(async () => {
    server = await startJobsPostgres();
    opened = await openJobsAs(server.url, 'ingest');
  });
  afterAll(async () => {
    await opened?.close();
    await server?.close();
  });
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.kill9()));
  });

  const startWorker = (leaseMs: number, concurrency = 3): ReturnType<typeof startProgram> => {
    const program = startProgram('worker-program.ts', { url: server.url, leaseMs, concurrency });
    programs.push(program);
    return program;
  };
  const ask = async (params: object): Promise<string> => {
    const { runId } = await opened.jobs.enqueue({
      job: 'work',
      params,
      requestedBy: 'test',
      whenRunning: 'allow',
    });
    return runId;
  };

  it(
    `finishes every partition once, killed ${kills} times`,
    { timeout: 180_000 + kills * 5_000 },
    async () => {
      const keys = Array.from({ length: 60 + 10 * kills }, (_, index) => `k${index}`);
      const apart = await ask({ keys, ms: 60 });
      const together = await ask({ keys, ms: 60, together: true });
      let worker = startWorker(500);
      const seed = Math.floor(Math.random() * 1_000_000);
      for (let kill = 0; kill < kills; kill++) {
        const finished = await countFinished();
        await vi.waitFor(async () => expect(await countFinished()).toBeGreaterThan(finished), waiting);
        await sleep((seed * (kill + 1) * 7919) % 200);
        await worker.kill9();
        worker = startWorker(500);
      }
      for (const runId of [apart, together]) {
        const run = await waitForRun(opened.database, runId, { timeoutMs: 60_000 });
        expect({ seed, state: run.state, finished: run.partitions.finished }).toEqual({
          seed,
          state: 'succeeded',
          finished: keys.length,
        });
      }
      // None began after it was finished.
      const { rows: repeated } = await server.owner.query(
        `select b.key from test.begun b join jobs.tasks t on t.run_id::text = b.run_id and t.key = b.key
        where t.kind = 'partition' and b.at > t.ended_at`,
      );
      expect(repeated).toEqual([]);
      // What was committed with its mark has one effect; what was not may have one more for an attempt that was lost.
      const { rows: twice } = await server.owner.query(
        'select key from test.effects where run_id = $1 group by key having count(*) <> 1',
        [together],
      );
      expect(twice).toEqual([]);
      const { rows: unexplained } = await server.owner.query(
        `select e.key from test.effects e where run_id = $1 group by key
        having count(*) > (select count(*) from jobs.attempts a where a.run_id::text = $1 and a.key = e.key)`,
        [apart],
      );
      expect(unexplained).toEqual([]);
      const { rows: lost } = await server.owner.query(`select 1 from jobs.attempts where outcome = 'lost'`);
      expect(lost.length).toBeGreaterThan(0);

      async function countFinished(): Promise<number> {
        const runs = await Promise.all([apart, together].map((runId) => showRun(opened.database, runId)));
        return runs.reduce((sum, run) => sum + run.partitions.finished, 0);
      }
    },
  );

  it('takes over from a worker that stands still, which can mark nothing when it wakes', async () => {
    const zombie = startWorker(1_500, 1);
    const runId = await ask({ keys: ['one'], ms: 1_700, together: true });
    await vi.waitFor(
      async () => expect((await showRun(opened.database, runId)).partitions.running).toBe(1),
      waiting,
    );
    zombie.kill('SIGSTOP');
    startWorker(1_500, 1);
    await vi.waitFor(async () => {
      const attempts = await listAttempts(opened.database, runId, 'one');
      expect(attempts.map(({ outcome }) => outcome)).toEqual(['lost', null]);
    }, waiting);
    // It wakes while the other is at it: its own time is over at once, and it tries to commit.
    zombie.kill('SIGCONT');
    const run = await waitForRun(opened.database, runId, { timeoutMs: 30_000 });
    expect(run.state).toBe('succeeded');
    const attempts = await listAttempts(opened.database, runId, 'one');
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['lost', 'finished']);
    const [partition] = await listPartitions(opened.database, runId);
    expect(partition?.committed?.['by']).not.toBe(zombie.pid);
    const { rows } = await server.owner.query('select pid, attempt from test.effects where run_id = $1', [
      runId,
    ]);
    expect(rows).toEqual([{ pid: partition?.committed?.['by'], attempt: 2 }]);
    // The zombie begins anew under another lease, and is of use again.
    await programs.find((program) => program !== zombie)?.kill9();
    const next = await ask({ keys: ['two'] });
    expect((await waitForRun(opened.database, next, { timeoutMs: 30_000 })).state).toBe('succeeded');
  });

  it('stops code that heeds its signal when the lease is lost', async () => {
    const zombie = startWorker(600, 1);
    const runId = await ask({ keys: ['slow'], ms: 60_000 });
    await vi.waitFor(
      async () => expect((await showRun(opened.database, runId)).partitions.running).toBe(1),
      waiting,
    );
    zombie.kill('SIGSTOP');
    const other = startWorker(600, 1);
    await vi.waitFor(async () => {
      expect((await listAttempts(opened.database, runId, 'slow')).length).toBe(2);
    }, waiting);
    zombie.kill('SIGCONT');
    // Its only slot is free again, so it takes what the other has no room for.
    const next = await ask({ keys: ['quick'] });
    expect((await waitForRun(opened.database, next, { timeoutMs: 30_000 })).state).toBe('succeeded');
    await opened.jobs.cancel(runId);
    await other.kill9();
  });

  it('gives back what it was told to stop though nobody had taken it', async () => {
    const runId = await ask({ keys: ['mine'], ms: 600 });
    const worker = opened.jobs.startWorker({ leaseMs: 500, pollMs: 20 });
    await vi.waitFor(
      async () => expect((await showRun(opened.database, runId)).partitions.running).toBe(1),
      waiting,
    );
    await server.owner.query('update jobs.tasks set worker_id = null where run_id = $1', [runId]);
    expect((await waitForRun(opened.database, runId, { timeoutMs: 30_000 })).state).toBe('succeeded');
    const attempts = await listAttempts(opened.database, runId, 'mine');
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['interrupted', 'finished']);
    await worker.close();
  });

  it('gives back what it took without hearing of it', async () => {
    const queue = await openQueue(opened.database, testLogger);
    const worker = opened.jobs.startWorker({ leaseMs: 500, pollMs: 20, concurrency: 1 });
    const busy = await ask({ keys: ['busy'], ms: 2_500 });
    await vi.waitFor(
      async () => expect((await showRun(opened.database, busy)).partitions.running).toBe(1),
      waiting,
    );
    const runId = await ask({ keys: ['unheard'] });
    const { rows } = await server.owner.query<{ workerId: string }>(
      'select worker_id as "workerId" from jobs.workers',
    );
    const workerId = rows[0]?.workerId ?? '';
    const taken = await opened.database.transaction((tx) =>
      takeTask(tx, queue, { workerId, name: 'w' }, { work: 9 }, []),
    );
    expect(taken).toMatchObject({ runId, kind: 'plan' });
    expect((await waitForRun(opened.database, runId, { timeoutMs: 30_000 })).state).toBe('succeeded');
    await worker.close();
    await queue.close();
  });

  it('gives up on what kills its workers', async () => {
    const runId = await ask({ keys: ['poison'], ms: 60_000 });
    await vi.waitFor(async () => {
      const worker = opened.jobs.startWorker({ leaseMs: 300, pollMs: 20, lossesMax: 2, concurrency: 1 });
      await sleep(250);
      await worker.close();
      // As if the worker had been killed while it ran: its attempt is running, and nobody renews its lease.
      await server.owner.query(
        `with dead as (insert into jobs.workers (worker_id, name, lease_until)
                       values (gen_random_uuid(), 'dead', now() - interval '1 second') returning worker_id)
         update jobs.tasks set state = 'running', worker_id = (select worker_id from dead)
          where run_id = $1 and state = 'waiting' and kind = 'partition'`,
        [runId],
      );
      expect((await showRun(opened.database, runId)).state).toBe('failed');
    }, waiting);
    expect((await showRun(opened.database, runId)).error?.message).toContain('died or lost its lease');
  });
});
