import { isChain, type JobCard } from '#core/jobs/job.ts';
import {
  listPartitions,
  listRuns,
  type AttemptView,
  type PartitionView,
  type RunView,
} from '#core/jobs/views.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { table } from './output.ts';

/** A run with everything in it. */
export interface RunDetails {
  run: RunView;
  /** Of a chain. */
  steps: RunView[];
  partitions: (PartitionView & { runId: string; job: string })[];
}

const pageMax = 500;
const namedMax = 10;
const committedCharsMax = 100;

/** At most `limit` partitions of the run, or of each of its steps. */
export async function detailsOf(database: Transaction, run: RunView, limit: number): Promise<RunDetails> {
  const steps = run.isChain ? await listRuns(database, { parentRunId: run.runId, limit: pageMax }) : [];
  const partitions: RunDetails['partitions'] = [];
  for (const { runId, job } of run.isChain ? steps : [run]) {
    for (let offset = 0; offset < limit; offset += pageMax) {
      const page = await listPartitions(database, runId, {
        offset,
        limit: Math.min(pageMax, limit - offset),
      });
      partitions.push(...page.map((partition) => ({ runId, job, ...partition })));
      if (page.length < pageMax) break;
    }
  }
  return { run, steps, partitions };
}

/** The error of a command that waited for a run which did not succeed: it names the partitions that failed. */
export async function failureOf(database: Transaction, run: RunView): Promise<TicklakeError | undefined> {
  if (run.state !== 'failed' && run.state !== 'cancelled') return undefined;
  const failed: string[] = [];
  const steps = run.isChain ? await listRuns(database, { parentRunId: run.runId, state: 'failed' }) : [run];
  for (const { runId } of steps) {
    const found = await listPartitions(database, runId, { state: 'failed', limit: namedMax });
    failed.push(...found.map(({ key, error }) => `${key} (${error?.message ?? 'no reason is kept'})`));
  }
  const named = failed.length === 0 ? (run.error?.message ?? '') : failed.slice(0, namedMax).join('; ');
  const more = run.partitions.failed > namedMax ? `; and ${run.partitions.failed - namedMax} more` : '';
  return new TicklakeError(
    'INTERNAL',
    `${run.job} ${verbOf(run.state)}${named === '' ? '' : `: ${named}${more}`}`,
    {
      remedy: `\`ticklake jobs retry ${run.runId}\` does what is left.`,
    },
  );
}

function verbOf(state: 'failed' | 'cancelled'): string {
  return state === 'failed' ? 'failed' : 'was cancelled';
}

export function jobsTable(cards: readonly JobCard[]): string {
  return table(
    ['job', 'what it does', 'parameters'],
    cards.map((card) => {
      const { properties = {} } = card.parameters as { properties?: Record<string, unknown> };
      const name = isChain(card) ? `${card.name} (chain)` : card.name;
      return [name, card.description, Object.keys(properties).join(', ')];
    }),
  );
}

export function runsTable(runs: readonly RunView[]): string {
  return table(
    ['run', 'job', 'state', 'done', 'partitions', 'failed', 'left', 'asked by', 'asked at', 'ended at'],
    runs.map((run) => [
      ...[run.runId, run.job, run.state, percent(run.progress)],
      ...[`${run.partitions.finished} of ${run.partitions.total}`, run.partitions.failed],
      ...[
        run.secondsLeft === null ? null : `${run.secondsLeft} s`,
        run.requestedBy,
        run.enqueuedAt,
        run.endedAt,
      ],
    ]),
  );
}

export function detailsTable({ run, steps, partitions }: RunDetails): string {
  const isChainOf = steps.length > 0;
  const rows = partitions.map((partition) => [
    ...(isChainOf ? [partition.job] : []),
    ...[partition.key, partition.state, partition.attempts, doneOf(partition), outcomeOf(partition)],
  ]);
  const headings = [
    ...(isChainOf ? ['job'] : []),
    'partition',
    'state',
    'attempts',
    'done',
    'committed, or why not',
  ];
  const parts = [runsTable([run, ...steps]), table(headings, rows)];
  if (run.error !== null) parts.push(`${run.error.message}. ${run.error.remedy ?? ''}`.trimEnd());
  return parts.join('\n\n');
}

export function attemptsTable(attempts: readonly AttemptView[]): string {
  return table(
    ['worker', 'began', 'ended', 'outcome', 'error'],
    attempts.map((attempt) => [
      ...[attempt.worker, attempt.startedAt, attempt.endedAt, attempt.outcome, attempt.error?.message],
    ]),
  );
}

function percent(part: number | null): string | null {
  return part === null ? null : `${Math.floor(part * 100)} %`;
}

function doneOf({ state, progress }: PartitionView): string | null {
  if (state === 'finished' || progress === null) return null;
  return `${progress.done} of ${progress.total}${progress.unit === null ? '' : ` ${progress.unit}`}`;
}

function outcomeOf({ state, committed, error }: PartitionView): string {
  if (state !== 'finished') return error?.message ?? '';
  const facts = Object.entries(committed ?? {}).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  const text = facts.join(', ');
  return text.length > committedCharsMax ? `${text.slice(0, committedCharsMax)}…` : text;
}
