import { STATUS_CODES } from 'node:http';
import type { TicklakeError } from '#core/platform/errors.ts';
import { maskUrls } from '#core/platform/logging.ts';
import type { Problem } from './schemas/common.ts';

/** An error as RFC 9457 problem details. What is wrong with the service itself is not told to the client. */
export function problemOf(error: TicklakeError, status = error.httpStatus): Problem {
  const internal = error.code === 'INTERNAL';
  const { rejectCode } = error.context;
  return {
    type: `urn:ticklake:problem:${error.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: internal ? 'something went wrong in the service' : maskUrls(error.message),
    code: error.code,
    retryable: error.retryable,
    remedy: internal ? "The service's log has the cause, under this request's id." : (error.remedy ?? null),
    ...(typeof rejectCode === 'string' ? { rejectCode } : {}),
  };
}
