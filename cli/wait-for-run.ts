import { setTimeout as sleep } from 'node:timers/promises';
import { followRun, hasEnded } from '#core/jobs/follow.ts';
import { listWorkers, showRun, type RunView } from '#core/jobs/views.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { CliContext } from './context.ts';
import { startProgress } from './progress.ts';

const workersPollMs = 5_000;

/**
 * Waits for the end of a run, with progress on stderr. Ctrl-C ends the waiting alone: then the run is given as it is,
 * and how to end it is said.
 */
export async function waitHere(context: CliContext, database: Database, runId: string): Promise<RunView> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const before = await showRun(database, runId);
  const progress = startProgress({
    ...{ what: 'partitions', stream: context.io.stderr },
    ...{ doneBefore: before.partitions.finished, total: before.partitions.total },
  });
  const watching = sayWhenNobodyWorks(context, database, stop.signal);
  let run = before;
  try {
    for await (const seen of followRun(database, runId, { signal: stop.signal })) {
      run = seen;
      const { finished, total, failed, running } = run.partitions;
      progress.update(finished, total, failed > 0 ? `${failed} failed` : `${running} running`);
    }
  } finally {
    progress.stop();
    stop.abort();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    await watching;
  }
  if (!hasEnded(run)) {
    context.output.note(
      `${run.job} has not ended: \`ticklake jobs show ${runId}\` says how far it is, \`ticklake jobs cancel ${runId}\` ends it`,
    );
    process.exitCode = 130;
  }
  return run;
}

async function sayWhenNobodyWorks(context: CliContext, database: Database, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const workers = await listWorkers(database).catch(() => undefined);
    if (workers?.length === 0) {
      context.output.note(nobodyWorks);
      return;
    }
    await sleep(workersPollMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

export const nobodyWorks =
  'no worker is alive, so runs wait: start one with `ticklake up` or `ticklake run scheduler`, or ask with --here';
