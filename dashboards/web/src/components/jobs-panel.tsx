import type { RunProgress } from '#api/client/index.ts';
import { count, duration } from '../format.ts';
import { goesOn, useRuns } from '../state/use-runs.ts';

const marks: Record<RunProgress['state'], { sign: string; colour: string }> = {
  waiting: { sign: '○', colour: 'text-soft' },
  running: { sign: '●', colour: 'text-accent' },
  succeeded: { sign: '✓', colour: 'text-up' },
  failed: { sign: '✗', colour: 'text-down' },
  cancelled: { sign: '–', colour: 'text-warn' },
};

/** What runs, how far it is, and how the last runs ended. */
export function JobsPanel() {
  const runs = useRuns();
  const running = runs?.filter(goesOn).length ?? 0;
  return (
    <section aria-labelledby="jobs-title" className="panel min-h-72">
      <div className="panel-title">
        <h2 id="jobs-title">Jobs</h2>
        {running > 0 && (
          <span className="rounded-full bg-accent/15 px-2 py-0.5 text-accent normal-case">
            {running} going
          </span>
        )}
      </div>
      {runs === undefined || runs.length === 0 ? (
        <p className="p-4 text-sm text-soft">
          {runs === undefined
            ? 'Reading the runs…'
            : 'Nothing was run yet. `ticklake jobs list` shows what can be.'}
        </p>
      ) : (
        <div role="region" aria-label="Runs of jobs" tabIndex={0} className="min-h-0 flex-1 overflow-y-auto">
          <ul data-testid="runs" className="divide-y divide-line">
            {runs.map((run) => (
              <Run key={run.runId} run={run} />
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

function Run({ run }: { run: RunProgress }) {
  const { sign, colour } = marks[run.state];
  return (
    <li className="flex flex-col gap-1.5 px-4 py-2 text-xs" data-state={run.state}>
      <div className="flex items-baseline gap-2">
        <span aria-hidden="true" className={colour}>
          {sign}
        </span>
        <span className="truncate font-medium">{run.job}</span>
        <span className={`ml-auto shrink-0 ${colour}`}>{run.state}</span>
      </div>
      {run.state === 'running' && <Progress run={run} />}
      <p className="flex gap-2 text-soft">
        <span className="figure">{parts(run)}</span>
        <span className="figure ml-auto shrink-0">{when(run)}</span>
      </p>
      {run.error !== null && <p className="break-words text-down">{run.error.message}</p>}
    </li>
  );
}

function Progress({ run: { job, progress } }: { run: RunProgress }) {
  const percent = Math.floor((progress ?? 0) * 100);
  return (
    <div
      role="progressbar"
      aria-label={`Progress of ${job}`}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      className="h-1.5 overflow-hidden rounded-full bg-raised"
    >
      <div
        className="h-full rounded-full bg-accent transition-[width] duration-500"
        style={{ width: `${percent}%` }}
      />
    </div>
  );
}

function parts({ partitions, progress }: RunProgress): string {
  if (progress === null) return 'not planned yet';
  const { finished, total, failed } = partitions;
  return `${count(finished)} of ${count(total)} parts${failed > 0 ? `, ${count(failed)} failed` : ''}`;
}

function when({ state, secondsLeft, startedAt, endedAt, enqueuedAt }: RunProgress): string {
  if (state === 'running') return secondsLeft === null ? '' : `${duration(secondsLeft)} left`;
  if (endedAt === null || startedAt === null) return `since ${enqueuedAt.slice(11, 19)}`;
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000;
  return `${duration(seconds)}, ${endedAt.slice(5, 10)} ${endedAt.slice(11, 16)}`;
}
