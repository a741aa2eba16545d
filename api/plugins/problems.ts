import type { FastifyError } from 'fastify';
import plugin from 'fastify-plugin';
import { isTicklakeError, TicklakeError, toTicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import { problemOf } from '../problem.ts';

const problemType = 'application/problem+json; charset=utf-8';
const codesByStatus: Partial<Record<number, ErrorCode>> = {
  404: 'NOT_FOUND',
  429: 'RATE_LIMITED',
  503: 'OVERLOADED',
};

/** Every error leaves as problem+json with a code of the closed set. */
export const problems = plugin(
  (app) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const named = fromFramework(error);
      const status = isTicklakeError(error) ? named.httpStatus : (clientStatus(error) ?? named.httpStatus);
      if (status >= 500) request.log.error({ err: error, reqId: request.id }, 'a request failed');
      if (status === 401) reply.header('www-authenticate', 'Bearer');
      return reply.code(status).type(problemType).send(problemOf(named, status));
    });
    app.setNotFoundHandler((request, reply) => {
      const error = new TicklakeError(
        'NOT_FOUND',
        `there is no ${request.method} ${request.url.split('?')[0]}`,
        {
          remedy: '/docs lists what there is.',
        },
      );
      return reply.code(404).type(problemType).send(problemOf(error));
    });
    return Promise.resolve();
  },
  { name: 'problems' },
);

function fromFramework(error: FastifyError): TicklakeError {
  if (isTicklakeError(error)) return error;
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT') {
    return new TicklakeError('TIMEOUT', 'the request took too long', {
      cause: error,
      remedy: 'What was to be changed may be changed or not: ask again with the same idempotency key.',
    });
  }
  const status = clientStatus(error);
  if (status === undefined) return toTicklakeError(error);
  return new TicklakeError(codesByStatus[status] ?? 'BAD_REQUEST', error.message, {
    cause: error,
    remedy: '/docs says what the request must look like.',
  });
}

function clientStatus(error: FastifyError): number | undefined {
  const { statusCode } = error;
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
