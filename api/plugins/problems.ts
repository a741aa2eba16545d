import type { FastifyError } from 'fastify';
import plugin from 'fastify-plugin';
import {
  isTicklakeError,
  messageOf,
  TicklakeError,
  toTicklakeError,
  type ErrorCode,
} from '#core/platform/errors.ts';
import { problemOf } from '../problem.ts';
import { isRefusal, logRefusal } from '../refusals.ts';
import { addressOf } from './authenticate.ts';

/** After which who was refused, as too many asked, may ask again, where the error does not say it. */
const overloadedSeconds = 5;
const problemType = 'application/problem+json; charset=utf-8';
const codesByStatus: Partial<Record<number, ErrorCode>> = {
  404: 'NOT_FOUND',
  429: 'RATE_LIMITED',
  503: 'OVERLOADED',
};

/**
 * Codes of Postgres for a value that was asked for and that it cannot take: out of range, or no number, time or text.
 * Schemas refuse most of them before.
 */
const wrongValueCodes = new Set(['22003', '22007', '22008', '22009', '22021', '22P02']);

/** Every error leaves as problem+json with a code of the closed set. */
export const problems = plugin(
  (app) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const named = fromFramework(error);
      const status = isTicklakeError(error) ? named.httpStatus : (clientStatus(error) ?? named.httpStatus);
      if (wrongValueCodes.has(error.code))
        request.log.warn({ err: error, reqId: request.id }, 'Postgres refused a value');
      if (status >= 500) {
        // Of an outage there is one for each request: what is down says the rest.
        if (isTicklakeError(error) && error.retryable)
          request.log.warn(
            { code: error.code, reason: reasonOf(error), reqId: request.id },
            'must be asked again',
          );
        else request.log.error({ err: error, reqId: request.id }, 'a request failed');
        reply.header('x-request-id', request.id);
      }
      if (isRefusal(error)) {
        const { method, routeOptions, caller, id: reqId } = request;
        const what = `${method} ${routeOptions.url ?? request.url.split('?')[0]}`;
        logRefusal(request.log, error, { what, address: addressOf(request), caller, reqId });
      }
      const { retryAfterSeconds = named.code === 'OVERLOADED' ? overloadedSeconds : undefined } =
        named.context;
      if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(retryAfterSeconds));
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

/** With what caused it, which is not told to who asked. */
function reasonOf({ message, cause }: TicklakeError): string {
  return cause === undefined ? message : `${message}: ${messageOf(cause)}`;
}

function fromFramework(error: FastifyError): TicklakeError {
  if (isTicklakeError(error)) return error;
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT') {
    return new TicklakeError('TIMEOUT', 'the request took too long', {
      cause: error,
      remedy: 'What was to be changed may be changed or not: ask again with the same idempotency key.',
    });
  }
  if (wrongValueCodes.has(error.code)) {
    return new TicklakeError('BAD_REQUEST', 'a value is out of range, or not of the form it should have', {
      cause: error,
      remedy: '/docs says what the request must look like.',
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
