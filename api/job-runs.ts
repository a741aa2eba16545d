import type { FastifyReply } from 'fastify';
import { listRuns, showRun } from '#core/jobs/views.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { RunWithSteps } from './schemas/jobs.ts';

const stepsMax = 100;

/** A run with its steps, if it is a chain. @throws NOT_FOUND */
export async function withSteps(database: Transaction, runId: string): Promise<RunWithSteps> {
  const run = await showRun(database, runId);
  const steps = run.isChain ? await listRuns(database, { parentRunId: run.runId, limit: stepsMax }) : [];
  return { ...run, steps };
}

/** Aborted when the answer was sent, or nobody is there to take it. A request's own signal ends with its body. */
export function untilAnswered(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // Who left while it was found out who asks has closed it before.
  if (reply.raw.destroyed) controller.abort();
  else reply.raw.once('close', () => controller.abort());
  return controller.signal;
}

/** What a request says about waiting, in milliseconds. */
export function waitMs({ wait }: { wait?: number }): number {
  return (wait ?? 0) * 1_000;
}
