import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { parseCron } from '#core/jobs/cron.ts';
import { isChain } from '#core/jobs/job.ts';
import type { Jobs } from '#core/jobs/open.ts';
import { listSchedules } from '#core/jobs/views.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { untilAnswered, waitMs, withSteps } from '../job-runs.ts';
import { problemAnswers } from '../schemas/common.ts';
import {
  JobCardList,
  RunAnswer,
  RunRequest,
  RunRequestHeaders,
  ScheduleList,
  WaitQuery,
  waitSecondsMax,
} from '../schemas/jobs.ts';
import { NoQuery } from '../schemas/lake.ts';
import type { RunFeed } from '../stream/run-feed.ts';

export interface JobRouteOptions {
  jobs: Jobs;
  database: Database;
  feed: RunFeed;
  /** Longest a request may work, beside its waiting. */
  requestMs: number;
}

export const jobRoutes: FastifyPluginCallbackTypebox<JobRouteOptions> = (app, options, done) => {
  const { jobs, database, feed } = options;

  app.get(
    '/v1/jobs',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Jobs that can be asked for, with their parameters',
        querystring: NoQuery,
        response: { 200: JobCardList, ...problemAnswers },
      },
    },
    () => ({
      items: jobs.catalogue.cards.map((card) => ({
        name: card.name,
        description: card.description,
        kind: isChain(card) ? ('chain' as const) : ('job' as const),
        parameters: card.parameters,
        whenRunning: card.whenRunning ?? ('join' as const),
        after: [...(card.after ?? [])],
      })),
      nextCursor: null,
    }),
  );

  app.post(
    '/v1/jobs',
    {
      handlerTimeout: options.requestMs + waitSecondsMax * 1_000,
      schema: {
        tags: ['jobs'],
        summary: 'Ask for a run of a job',
        description:
          'Asking twice makes one run: by the idempotency key (in the body or as the header `Idempotency-Key`) for as ' +
          'long as the history holds it, and by job and parameters while such a run goes on. 202 answers a new run, ' +
          '200 one that was asked for before; `outcome` says which. With `wait` the answer comes when the run has ' +
          'ended, or after so many seconds: `run.state` says which.',
        querystring: WaitQuery,
        headers: RunRequestHeaders,
        body: RunRequest,
        response: { 200: RunAnswer, 202: RunAnswer, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { body, query } = request;
      const signal = untilAnswered(reply);
      const idempotencyKey = oneKey(body.idempotencyKey, request.headers['idempotency-key']);
      const { runId, outcome } = await jobs.enqueue({
        job: body.job,
        params: body.params ?? {},
        requestedBy: 'api',
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
      await feed.untilEnded(runId, { waitMs: waitMs(query), signal });
      reply.code(outcome === 'created' ? 202 : 200).header('location', `/v1/jobs/runs/${runId}`);
      return { outcome, run: await withSteps(database, runId) };
    },
  );

  app.get(
    '/v1/jobs/schedule',
    {
      schema: {
        tags: ['jobs'],
        summary: 'The timetable, with last and next ticks in UTC',
        querystring: NoQuery,
        response: { 200: ScheduleList, ...problemAnswers },
      },
    },
    async () => {
      const schedules = await listSchedules(database);
      return {
        items: schedules.map((schedule) => ({ ...schedule, nextTick: nextTick(schedule) })),
        nextCursor: null,
      };
    },
  );
  done();
};

function nextTick({ enabled, cron }: { enabled: boolean; cron: string }): string | null {
  const next = enabled ? parseCron(cron).next(Date.now()) : undefined;
  return next === undefined ? null : new Date(next).toISOString();
}

function oneKey(inBody: string | undefined, inHeader: string | undefined): string | undefined {
  if (inBody === undefined || inHeader === undefined || inBody === inHeader) return inBody ?? inHeader;
  throw new TicklakeError('BAD_REQUEST', 'body and header name different idempotency keys', {
    remedy: 'Send one of them.',
  });
}
