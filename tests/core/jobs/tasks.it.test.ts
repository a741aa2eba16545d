import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelRun, retryRun } from '#core/jobs/control.ts';
import { reapWorkers, register } from '#core/jobs/lease.ts';
import { openQueue, type Queue } from '#core/jobs/queue.ts';
import { releaseRuns, settleRun } from '#core/jobs/settle.ts';
import { addPartitions, endUnfinished, finishTask, takeTask, type TakenTask } from '#core/jobs/tasks.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import { openJobsAs, startJobsPostgres, testLogger, type OpenedJobs, type TestServer } from './harness.ts';

type Step =
  | { do: 'ask'; partitions: number; isChain: boolean }
  | { do: 'take'; worker: number }
  | { do: 'finish' | 'fail' | 'interrupt' | 'break'; which: number }
  | { do: 'die'; worker: number }
  | { do: 'cancel' | 'retry' | 'settle'; which: number };

const nat = fc.nat({ max: 1_000 });
const worker = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      partitions: fc.nat({ max: 4 }),
      isChain: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('take' as const), worker }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('finish' as const, 'fail' as const, 'interrupt' as const, 'break' as const),
      which: nat,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), worker }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('cancel' as const, 'retry' as const, 'settle' as const),
      which: nat,
    }),
  },
);

describe('tasks and the messages that stand for them', () => {
  let server: TestServer;
  let opened: OpenedJobs;
  let queue: Queue;

  beforeAll(async () => {
    server = await startJobsPostgres();
    opened = await openJobsAs(server.url, 'ingest');
    queue = await openQueue(opened.database, testLogger);
  });
  afterAll(async () => {
    await queue?.close();
    await opened?.close();
    await server?.close();
  });

  it(
    'agree whatever happens, and no finished partition is ever begun again',
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
          const database = server.owner;
          await database.query('truncate jobs.runs, jobs.workers cascade; delete from pgboss.job');
          const limits = { work: 2, alone: 1 };
          const workers: string[] = [];
          const asked: string[] = [];
          // What workers believe to run: an attempt stays here when it is lost or cancelled, as a zombie does not know.
          const believed: TakenTask[] = [];
          const finished = new Set<string>();

          const enlist = async (index: number): Promise<void> => {
            workers[index] = randomUUID();
            await register(database, { workerId: workers[index], name: `w${index}` }, 3_600_000);
          };
          await enlist(0);
          await enlist(1);

          for (const one of steps) {
            switch (one.do) {
              case 'ask': {
                const keys = Array.from({ length: one.partitions }, (_, index) => `k${index}`);
                const request = one.isChain
                  ? { job: 'chain', requestedBy: 'test', whenRunning: 'allow' as const }
                  : { job: 'work', params: { keys }, requestedBy: 'test', whenRunning: 'allow' as const };
                asked.push((await opened.jobs.enqueue(request)).runId);
                break;
              }
              case 'take': {
                const workerId = workers[one.worker] ?? '';
                const task = await database.transaction((tx) =>
                  takeTask(tx, queue, { workerId, name: 'w' }, limits, []),
                );
                if (task === undefined) break;
                expect(finished.has(`${task.runId}/${task.kind}/${task.key}`)).toBe(false);
                believed.push(task);
                break;
              }
              case 'die': {
                await database.query(
                  `update jobs.workers set lease_until = now() - interval '1 second' where worker_id = $1`,
                  [workers[one.worker]],
                );
                await reapWorkers(database, queue, 3);
                await enlist(one.worker);
                break;
              }
              case 'settle':
                for (const runId of await allRuns()) await settleRun(database, runId);
                await releaseRuns(database, queue);
                break;
              case 'cancel':
              case 'retry': {
                const runId = asked[one.which % asked.length];
                if (runId === undefined) break;
                if (one.do === 'cancel') await cancelRun(database, queue, runId);
                else await expectOnly('CONFLICT', retryRun(database, queue, runId));
                break;
              }
              default: {
                const [task] = believed.splice(one.which % Math.max(1, believed.length), 1);
                if (task !== undefined) await end(one.do, task);
              }
            }
            await assertAgreement();
          }

          async function end(how: 'finish' | 'fail' | 'interrupt' | 'break', task: TakenTask): Promise<void> {
            const { rows } = await database.query(
              `select 1 from jobs.tasks where attempt_id = $1 and state = 'running'`,
              [task.attemptId],
            );
            const isHeld = rows.length > 0;
            const error = new TicklakeError('UNAVAILABLE', 'told to');
            if (how === 'finish') {
              const marked = await expectOnly(
                'FENCED',
                database.transaction(async (tx) => {
                  await finishTask(tx, queue, task, {});
                  const { keys } = task.params as { keys?: string[] };
                  const partitions = (keys ?? []).map((key) => ({ key, params: {} }));
                  if (task.kind === 'plan') await addPartitions(tx, queue, task, partitions);
                }),
              );
              expect(marked).toBe(isHeld);
              if (marked) finished.add(`${task.runId}/${task.kind}/${task.key}`);
              return;
            }
            const outcome = how === 'interrupt' ? 'interrupted' : 'failed';
            const next = how === 'break' ? 'fail' : { retryInMs: 0 };
            const ended = await database.transaction((tx) =>
              endUnfinished(tx, queue, task, outcome, next, error),
            );
            expect(ended).toBe(isHeld);
          }

          async function allRuns(): Promise<string[]> {
            const { rows } = await database.query<{ run_id: string }>(
              'select run_id from jobs.runs where not is_chain',
            );
            return rows.map((row) => row.run_id);
          }

          async function assertAgreement(): Promise<void> {
            const { rows: open } = await database.query<{ attempt_id: string; state: string }>(
              `select attempt_id, case state when 'running' then 'active' else 'created' end as state
               from jobs.tasks where state in ('waiting', 'running') order by attempt_id`,
            );
            const { rows: messages } = await database.query(
              'select id as attempt_id, state::text as state from pgboss.job order by id',
            );
            expect(messages).toEqual(open);
            const { rows: odd } = await database.query(
              `select 'running without a worker' as what from jobs.tasks where (state = 'running') <> (worker_id is not null)
             union all select 'over the limit' from jobs.tasks t join jobs.runs r using (run_id)
               where t.state = 'running' group by r.job having count(*) > case r.job when 'work' then 2 else 1 end
             union all select 'an ended run with open tasks' from jobs.runs r join jobs.tasks t using (run_id)
               where r.ended_at is not null and t.state in ('waiting', 'running')
             union all select 'an attempt that ended and runs' from jobs.attempts a join jobs.tasks t using (attempt_id)
               where t.state = 'running' and a.outcome is not null
             union all select 'a chain that ended before its steps' from jobs.runs p join jobs.runs s on s.parent_run_id = p.run_id
               where p.ended_at is not null and s.ended_at is null`,
            );
            expect(odd).toEqual([]);
          }
        }),
        { numRuns: Number(process.env['TICKLAKE_TEST_MODEL_RUNS'] ?? 25) },
      );
    },
  );

  it('keeps a schema that its version of the queue finds in order', async () => {
    const { PgBoss } = await import('pg-boss');
    const boss = new PgBoss({
      db: { executeSql: async (text, values) => await server.owner.query(text, values ?? []) },
      ...{ schema: 'pgboss', migrate: false, supervise: false, schedule: false },
    });
    const report = await boss.detectSchemaDrift();
    expect(report).toMatchObject({ ok: true });
  });
});

/** Whether it went well; an error of another code is thrown. */
async function expectOnly(code: 'FENCED' | 'CONFLICT', work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (isTicklakeError(error, code)) return false;
    throw error;
  }
}
