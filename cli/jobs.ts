import { Option, type Command } from 'commander';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { hasEnded } from '#core/jobs/follow.ts';
import { isChain } from '#core/jobs/job.ts';
import { openJobs, type Jobs } from '#core/jobs/open.ts';
import { listAttempts, listRuns, listWorkers, showRun, type RunView } from '#core/jobs/views.ts';
import type { Config } from '#core/platform/config.ts';
import { jobCards } from '#pipelines/catalogue.ts';
import type { CliContext } from './context.ts';
import { jobParameters, setting } from './job-parameters.ts';
import { showTimetable } from './job-timetable.ts';
import { attemptsTable, detailsOf, detailsTable, failureOf, jobsTable, runsTable } from './job-views.ts';
import { positiveInteger } from './options.ts';
import { withRuntime, type Runtime } from './runtime.ts';
import { nobodyWorks, waitHere } from './wait-for-run.ts';
import { openWorkableJobs, startWorker } from './workable-jobs.ts';

interface WaitOptions {
  wait: boolean;
  here?: boolean;
}

interface RunOptions extends WaitOptions {
  params?: string;
  set?: [string, string][];
  idempotencyKey?: string;
}

interface ListOptions {
  job?: string;
  state?: RunView['state'];
  limit: number;
}

const states = ['waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const;
const someRun = '0190a3c4-52cf-7b1e-9d2a-6f4f0f7f2a11';
/** Partitions of each job that are shown after a run was waited for. */
const detailsMax = 500;

/** `ticklake jobs`: asks for runs of jobs, follows and ends them, and shows the timetable. */
export function register(program: Command, context: CliContext): void {
  const jobs = program
    .command('jobs')
    .description('what is done in the background, by the clock or when asked');

  jobs
    .command('list')
    .option('--job <name>', 'runs of this job alone')
    .addOption(new Option('--state <state>', 'runs in this state alone').choices(states))
    .option('--limit <n>', 'how many runs, the newest', positiveInteger, 20)
    .description('the jobs there are, and their runs')
    .addHelpText('after', '\nExample:\n  ticklake jobs list --state failed')
    .action(async (options: ListOptions) => {
      const { runs, workers } = await within(context, async ({ connection: { database } }) => ({
        runs: await listRuns(database, options),
        workers: await listWorkers(database),
      }));
      const listed = jobCards.map((card) => {
        const { name, description, parameters, after = [] } = card;
        return { name, description, isChain: isChain(card), after, parameters };
      });
      context.output.result(
        { jobs: listed, runs, workers },
        () => `${jobsTable(jobCards)}\n\n${runsTable(runs)}`,
      );
      if (workers.length === 0) context.output.note(nobodyWorks);
    });

  waitable(jobs.command('run').argument('<job>', 'its name, as `jobs list` has it'))
    .option('--params <json>', 'its parameters as a JSON object')
    .option('--set <key=value>', 'one parameter; may be given several times', setting)
    .option('--idempotency-key <key>', 'asking again with the same key gives the same run')
    .description('ask for a run of a job, and wait for its end')
    .addHelpText('after', '\nExample:\n  ticklake jobs run market-history --set top=5 --set intervals=1d,1h')
    .action(async (job: string, options: RunOptions) => {
      const { params, set, idempotencyKey } = options;
      const card = createCatalogue(jobCards).find(job);
      const request = { job, params: jobParameters(card, params, set), requestedBy: 'cli' };
      await askAndWait(context, options, (opened) =>
        opened.enqueue({ ...request, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) }),
      );
    });

  jobs
    .command('show')
    .argument('<run>', 'its id')
    .option('--partition <key>', 'every attempt at this partition')
    .option('--limit <n>', 'how many partitions of each job', positiveInteger, detailsMax)
    .description('a run with its partitions: attempts, errors, what was committed')
    .addHelpText('after', `\nExample:\n  ticklake jobs show ${someRun}`)
    .action(async (runId: string, { partition, limit }: { partition?: string; limit: number }) => {
      await within(context, async ({ connection: { database } }) => {
        const run = await showRun(database, runId);
        if (partition !== undefined) {
          const attempts = await listAttempts(database, runId, partition);
          context.output.result(attempts, () => attemptsTable(attempts));
          return;
        }
        const details = await detailsOf(database, run, limit);
        context.output.result(details, () => detailsTable(details));
      });
    });

  jobs
    .command('cancel')
    .argument('<run>', 'its id')
    .description('end a run: what has finished stays, what is running is told to stop')
    .addHelpText('after', `\nExample:\n  ticklake jobs cancel ${someRun}`)
    .action(async (runId: string) => {
      await within(context, async (runtime) => {
        const { database } = runtime.connection;
        const before = await showRun(database, runId);
        await withJobs(runtime, (opened) => opened.cancel(runId));
        const run = await showRun(database, runId);
        context.output.result(run, () => runsTable([run]));
        if (hasEnded(before)) context.output.note(`nothing to cancel: it had ${before.state} before`);
      });
    });

  waitable(jobs.command('retry').argument('<run>', 'its id'))
    .description('do again what of a failed or cancelled run did not finish')
    .addHelpText('after', `\nExample:\n  ticklake jobs retry ${someRun}`)
    .action(async (runId: string, options: WaitOptions) => {
      await askAndWait(context, options, async (opened) => {
        await opened.retry(runId);
        return { runId, outcome: 'retried' };
      });
    });

  jobs
    .command('schedule')
    .description('what is done by the clock: when next, and what became of the last time')
    .addHelpText('after', '\nExample:\n  ticklake jobs schedule')
    .action(async () => {
      await within(context, ({ connection }) => showTimetable(context, connection.database));
    });
}

function waitable(command: Command): Command {
  return command
    .option('--no-wait', 'do not wait for the end of the run')
    .option('--here', 'work in this process until the run has ended; no other worker is needed');
}

async function within<T>(context: CliContext, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const config = context.config();
  return await withRuntime(config, askingRole(config), 'jobs', context.logger('jobs', config), work);
}

/** The api's rights are enough to ask; where only ingest has a login, as beside a scheduler, that is taken. */
function askingRole({ databaseUrl, databaseUrlApi, databaseUrlIngest }: Config): 'api' | 'ingest' {
  return databaseUrl === undefined && databaseUrlApi === undefined && databaseUrlIngest !== undefined
    ? 'ingest'
    : 'api';
}

/** To ask for, cancel and retry runs: without the jobs' code. */
async function withJobs<T>(runtime: Runtime, work: (jobs: Jobs) => Promise<T>): Promise<T> {
  const { logger, metrics } = runtime;
  const { database } = runtime.connection;
  const jobs = await openJobs({ database, catalogue: createCatalogue(jobCards), logger, metrics });
  try {
    return await work(jobs);
  } finally {
    await jobs.close();
  }
}

/** The same with their code, and a worker in this process while it is worked on. */
async function withWorker<T>(runtime: Runtime, work: (jobs: Jobs) => Promise<T>): Promise<T> {
  const jobs = await openWorkableJobs(runtime);
  const worker = startWorker(jobs, runtime.config);
  try {
    return await work(jobs);
  } finally {
    await worker.close();
    await jobs.close();
  }
}

/** Asks for something, waits for the end of its run unless that is not wanted, and prints what became of it. */
async function askAndWait(
  context: CliContext,
  { wait, here = false }: WaitOptions,
  ask: (jobs: Jobs) => Promise<{ runId: string; outcome: string }>,
): Promise<void> {
  const config = context.config();
  const logger = context.logger('jobs', config);
  const run = await withRuntime(
    config,
    here ? 'ingest' : askingRole(config),
    'jobs',
    logger,
    async (runtime) => {
      const { database } = runtime.connection;
      return await (here ? withWorker : withJobs)(runtime, async (jobs) => {
        const { runId, outcome } = await ask(jobs);
        const asked = await showRun(database, runId);
        context.output.note(`${asked.job}: run ${runId} (${outcome})`);
        const seen = wait || here ? await waitHere(context, database, asked.parentRunId ?? runId) : asked;
        const details = { outcome, ...(await detailsOf(database, seen, detailsMax)) };
        context.output.result(details, () => detailsTable(details));
        return await failureOf(database, seen);
      });
    },
  );
  if (run !== undefined) throw run;
}
