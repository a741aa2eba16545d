import { createReadStream } from 'node:fs';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { AnswerFormat } from '#core/lake/answer.ts';
import type { Breaker } from '../breaker.ts';
import { untilAnswered } from '../job-runs.ts';
import { askerOf, callerOf } from '../plugins/authenticate.ts';
import type { Queries } from '../query/queries.ts';
import { problemAnswers } from '../schemas/common.ts';
import { NoQuery } from '../schemas/lake.ts';
import { QueryList, QueryParams, QueryRequest, QueryResult } from '../schemas/query.ts';

export interface QueryRouteOptions {
  queries: Queries;
  breaker: Breaker;
}

/** Longest a query may wait and work: beyond what its own limits come to. */
const requestMs = 4_000_000;
/** Longest an answer may take to be read. */
const sendMs = 600_000;
const mediaTypes: Record<AnswerFormat, string> = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  arrow: 'application/vnd.apache.arrow.stream',
};

/** SQL of users over the lake. */
export const queryRoutes: FastifyPluginCallbackTypebox<QueryRouteOptions> = (
  app,
  { queries, breaker },
  done,
) => {
  app.post(
    '/v1/query',
    {
      handlerTimeout: requestMs,
      schema: {
        tags: ['query'],
        summary: 'Run SQL over the lake',
        description:
          'Read-only, over the newest snapshots or those `asOf` names, in a process of its own with bounds of time, memory ' +
          'and rows. Traders query `market`, `features` and `signals`, analysts `trading` too. The answer is whole or an error; the ' +
          'headers `ticklake-rows`, `ticklake-truncated`, `ticklake-snapshots`, `ticklake-milliseconds` and `ticklake-query-id` tell of it. ' +
          'Closing the request ends the query, as DELETE /v1/query/ID does.',
        body: QueryRequest,
        response: {
          200: {
            description: 'The rows.',
            content: {
              // Sent as the file that it is.
              'application/json': { schema: Type.Unsafe<unknown>(QueryResult) },
              'text/csv': { schema: Type.String({ description: 'With a heading; nulls are empty.' }) },
              'application/vnd.apache.arrow.stream': {
                schema: Type.String({ format: 'binary', description: 'An Arrow IPC stream.' }),
              },
            },
          },
          ...problemAnswers,
        },
      },
    },
    async (request, reply) => {
      const { sql, params = {}, asOf, rowsMax } = request.body;
      const format = request.body.format ?? acceptedFormat(request.headers.accept);
      const answer = await queries.run({ sql, params, asOf, format, rowsMax }, callerOf(request), {
        signal: untilAnswered(reply),
        cut: () => void reply.raw.destroy(),
        guard: async (work) => await breaker.run(work),
      });
      reply.headers({
        'content-type': mediaTypes[format],
        'content-length': answer.bytes,
        'ticklake-query-id': answer.queryId,
        'ticklake-rows': answer.rows,
        'ticklake-truncated': String(answer.truncated),
        'ticklake-milliseconds': answer.milliseconds,
        'ticklake-snapshots': Object.entries(answer.snapshots)
          .map(([table, snapshot]) => `${table}=${snapshot ?? 'empty'}`)
          .join(', '),
      });
      return await reply.send(createReadStream(answer.file, { signal: AbortSignal.timeout(sendMs) }));
    },
  );

  app.get(
    '/v1/query',
    {
      schema: {
        tags: ['query'],
        summary: 'Queries under way in this process: own ones, or all for who watches',
        querystring: NoQuery,
        response: { 200: QueryList, ...problemAnswers },
      },
    },
    (request) => ({ items: queries.list(askerOf(request)), nextCursor: null }),
  );

  app.delete(
    '/v1/query/:queryId',
    {
      schema: {
        tags: ['query'],
        summary: 'End a query',
        params: QueryParams,
        querystring: NoQuery,
        response: {
          204: Type.Null({
            description: 'It is being ended; whoever asked it is told, or cut off amid its answer.',
          }),
          ...problemAnswers,
        },
      },
    },
    async (request, reply) => {
      queries.cancel(request.params.queryId, askerOf(request));
      return await reply.code(204).send(null);
    },
  );
  done();
};

/** The first format that a client takes; JSON where it takes none of ours. */
function acceptedFormat(accept = ''): AnswerFormat {
  const types = accept.split(',').map((type) => type.split(';')[0]?.trim().toLowerCase());
  for (const type of types) {
    if (type === 'application/vnd.apache.arrow.stream') return 'arrow';
    if (type === 'text/csv') return 'csv';
    if (type === 'application/json') return 'json';
  }
  return 'json';
}
