import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { listPartitions, listRuns, showRun } from '#core/jobs/views.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { untilAnswered, waitMs, withSteps } from '../job-runs.ts';
import { decodeCursor, encodeCursor } from '../paging.ts';
import { problemAnswers } from '../schemas/common.ts';
import {
  PartitionsQuery,
  RunList,
  RunParams,
  RunPartitionList,
  RunsQuery,
  RunWithSteps,
  WaitQuery,
  waitSecondsMax,
} from '../schemas/jobs.ts';
import { NoQuery } from '../schemas/lake.ts';
import type { JobRouteOptions } from './jobs.ts';

export const jobRunRoutes: FastifyPluginCallbackTypebox<JobRouteOptions> = (app, options, done) => {
  const { jobs, database, feed } = options;

  app.get(
    '/v1/jobs/runs',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Runs, newest first; steps of chains stand with their chain',
        querystring: RunsQuery,
        response: { 200: RunList, ...problemAnswers },
      },
    },
    async ({ query: { job, state, cursor, limit } }) => {
      const found = await listRuns(database, {
        ...(job === undefined ? {} : { job }),
        ...(state === undefined ? {} : { state }),
        ...(cursor === undefined ? {} : { before: runCursor(cursor) }),
        limit: limit + 1,
      });
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return {
        items,
        nextCursor: found.length > limit && last !== undefined ? encodeCursor(last.runId) : null,
      };
    },
  );

  app.get(
    '/v1/jobs/runs/:runId',
    {
      handlerTimeout: options.requestMs + waitSecondsMax * 1_000,
      schema: {
        tags: ['jobs'],
        summary: 'One run: its state, progress, time left, error, and the steps of a chain',
        params: RunParams,
        querystring: WaitQuery,
        response: { 200: RunWithSteps, ...problemAnswers },
      },
    },
    async ({ params: { runId }, query }, reply) => {
      if (waitMs(query) > 0) await showRun(database, runId);
      await feed.untilEnded(runId, { waitMs: waitMs(query), signal: untilAnswered(reply) });
      return await withSteps(database, runId);
    },
  );

  app.get(
    '/v1/jobs/runs/:runId/partitions',
    {
      schema: {
        tags: ['jobs'],
        summary:
          'The parts of a run in the order in which they are done; those of a chain stand with its steps',
        params: RunParams,
        querystring: PartitionsQuery,
        response: { 200: RunPartitionList, ...problemAnswers },
      },
    },
    async ({ params: { runId }, query: { state, cursor, limit } }) => {
      await showRun(database, runId);
      const offset = cursor === undefined ? 0 : offsetCursor(cursor);
      const found = await listPartitions(database, runId, {
        ...(state === undefined ? {} : { state }),
        ...{ offset, limit: limit + 1 },
      });
      return {
        items: found.slice(0, limit),
        nextCursor: found.length > limit ? encodeCursor(String(offset + limit)) : null,
      };
    },
  );

  app.post(
    '/v1/jobs/runs/:runId/cancel',
    {
      schema: {
        tags: ['jobs'],
        summary:
          'End a run at once, with all its steps; what is finished stays. One that has ended is left as it is',
        params: RunParams,
        querystring: NoQuery,
        response: { 200: RunWithSteps, ...problemAnswers },
      },
    },
    async ({ params: { runId } }) => {
      await jobs.cancel(runId);
      return await withSteps(database, runId);
    },
  );

  app.post(
    '/v1/jobs/runs/:runId/retry',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Do again what of a failed or cancelled run was not finished, and nothing else',
        params: RunParams,
        querystring: NoQuery,
        response: { 202: RunWithSteps, ...problemAnswers },
      },
    },
    async ({ params: { runId } }, reply) => {
      await jobs.retry(runId);
      reply.code(202).header('location', `/v1/jobs/runs/${runId}`);
      return await withSteps(database, runId);
    },
  );
  done();
};

function runCursor(cursor: string): string {
  const runId = decodeCursor(cursor);
  if (/^[0-9a-f-]{36}$/i.test(runId)) return runId;
  throw foreignCursor();
}

function offsetCursor(cursor: string): number {
  const offset = Number(decodeCursor(cursor));
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw foreignCursor();
}

function foreignCursor(): TicklakeError {
  return new TicklakeError('BAD_REQUEST', 'the cursor is not one of this list', {
    remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
  });
}
