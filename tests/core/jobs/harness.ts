import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { createCatalogue, type Catalogue } from '#core/jobs/catalogue.ts';
import { defineChain, defineJob } from '#core/jobs/job.ts';
import { openJobs, type Jobs, type JobsOptions } from '#core/jobs/open.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';

export const testLogger = createLogger({ level: process.env['TEST_LOG'] ?? 'silent', name: 'test' });

export function openDatabaseAs(url: string, role: 'ingest' | 'api' | 'analyst' | 'owner'): Database {
  return openDatabase({
    url,
    applicationName: 'jobs test',
    logger: testLogger,
    metrics: new Metrics(),
    ...(role === 'owner' ? {} : { setRole: `ticklake_${role}` }),
  });
}

export interface TestServer {
  url: string;
  owner: Database;
  close(): Promise<void>;
}

/** A migrated Postgres with tables in which test jobs leave their traces. */
export async function startJobsPostgres(): Promise<TestServer> {
  const postgres = await startMigratedPostgres();
  const owner = openDatabaseAs(postgres.url, 'owner');
  await owner.query(`
    create schema test;
    create table test.begun (run_id text, key text, attempt integer, pid integer, at timestamptz default clock_timestamp());
    create table test.effects (run_id text, key text, attempt integer, pid integer);
    create table test.faults (key text, times integer);
    grant usage on schema test to ticklake_ingest;
    grant all on all tables in schema test to ticklake_ingest`);
  return {
    url: postgres.url,
    owner,
    async close() {
      await owner.close();
      await postgres.close();
    },
  };
}

/** The jobs of the tests: each partition says that it began, waits, and has one effect. */
export function testCatalogue(database: Database): Catalogue {
  const work = defineJob({
    name: 'work',
    description: 'Leaves traces.',
    parameters: Type.Object(
      {
        keys: Type.Array(Type.String(), { default: ['a', 'b', 'c'] }),
        ms: Type.Integer({ default: 0, minimum: 0 }),
        /** Commits its effect together with the mark. */
        together: Type.Boolean({ default: false }),
        label: Type.Optional(Type.String()),
      },
      { additionalProperties: false },
    ),
    concurrency: 3,
    attempts: 3,
    backOff: { firstMs: 10, maxMs: 40 },
    plan: (params) =>
      Promise.resolve(
        params.keys.map((key) => ({ key, params: { ms: params.ms, together: params.together } })),
      ),
    async run({ key, params }, context) {
      const trace = [context.runId, key, context.attempt, process.pid];
      await database.query(
        'insert into test.begun (run_id, key, attempt, pid) values ($1, $2, $3, $4)',
        trace,
      );
      context.progress(1, 2, 'halves');
      await failWhereAsked(database, key);
      await sleep(params.ms, undefined, { signal: context.signal });
      const committed = { rows: key.length, by: process.pid };
      await database.transaction(async (tx) => {
        await tx.query('insert into test.effects values ($1, $2, $3, $4)', trace);
        if (params.together) await context.finish(tx, committed);
      });
      return committed;
    },
  });
  const deaf = defineJob({
    name: 'deaf',
    description: 'Heeds no signal.',
    parameters: Type.Object({ ms: Type.Integer() }),
    attempts: 1,
    timeoutMs: 200,
    plan: (params) => Promise.resolve([{ key: 'only', params }]),
    async run({ params }) {
      await sleep(params.ms);
      return {};
    },
  });
  const unplannable = defineJob({
    name: 'unplannable',
    description: 'Fails to plan.',
    parameters: Type.Object({}),
    plan: () => Promise.reject(new TicklakeError('EXCHANGE_REFUSED', 'no such market')),
    run: () => Promise.resolve({}),
  });
  const later = { ...work, name: 'later', after: ['work'] };
  const alone = { ...work, name: 'alone', whenRunning: 'refuse' as const, concurrency: 1 };
  const chain = defineChain({
    name: 'chain',
    description: 'One after the other.',
    parameters: Type.Object({ ms: Type.Integer({ default: 0 }) }),
    steps: ({ ms }) => [
      { job: 'work', params: { keys: ['first'], ms } },
      { job: 'work', params: { keys: ['second', 'other'], ms } },
      { job: 'alone', params: { keys: ['third'], ms } },
    ],
  });
  return createCatalogue([work, later, alone, chain, deaf, unplannable]);
}

/** A key like `fails-2` fails so many times, retryably; `breaks-1` so often and for good. */
async function failWhereAsked(database: Database, key: string): Promise<void> {
  const asked = /^(fails|breaks)-(\d+)/.exec(key);
  if (asked === null) return;
  const { rows } = await database.query<{ begun: number }>(
    'select count(*) as begun from test.begun where key = $1',
    [key],
  );
  if ((rows[0]?.begun ?? 0) > Number(asked[2])) return;
  throw new TicklakeError(asked[1] === 'fails' ? 'UNAVAILABLE' : 'DATA_CORRUPT', `${key} was told to fail`);
}

export interface OpenedJobs {
  jobs: Jobs;
  database: Database;
  metrics: Metrics;
  close(): Promise<void>;
}

export async function openJobsAs(
  url: string,
  role: 'ingest' | 'api',
  options: Partial<JobsOptions> = {},
): Promise<OpenedJobs> {
  const database = openDatabaseAs(url, role);
  const metrics = new Metrics();
  const jobs = await openJobs({
    database,
    catalogue: testCatalogue(database),
    logger: testLogger,
    metrics,
    ...options,
  });
  const close = async (): Promise<void> => {
    await jobs.close();
    await database.close();
  };
  return { jobs, database, metrics, close };
}

/** A process of one of this folder's programs, to be killed or stopped. */
export function startProgram(program: string, options: object): ChildProcess & { kill9(): Promise<void> } {
  const path = new URL(program, import.meta.url).pathname;
  const child = spawn(process.execPath, [path, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  child.once('exit', () => process.off('exit', orphaned));
  return Object.assign(child, {
    async kill9() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  });
}
