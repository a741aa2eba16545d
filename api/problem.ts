import { STATUS_CODES } from 'node:http';
import type { ErrorCode, TicklakeError } from '#core/platform/errors.ts';
import { maskUrls } from '#core/platform/logging.ts';
import type { Problem } from './schemas/common.ts';

/** Failures of the service whose words are written for who asks, and have nothing of what lies behind it. */
const toldCodes = new Set<ErrorCode>(['TIMEOUT', 'OVERLOADED', 'UNAVAILABLE']);

/** An error as RFC 9457 problem details. What is wrong with the service itself is not told to the client. */
export function problemOf(error: TicklakeError, status = error.httpStatus): Problem {
  const isTold = status < 500 || toldCodes.has(error.code);
  const { rejectCode } = error.context;
  return {
    type: `urn:ticklake:problem:${error.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: error.code,
    retryable: error.retryable,
    ...(isTold ? { detail: maskUrls(error.message), remedy: error.remedy ?? null } : untold(error)),
    ...(typeof rejectCode === 'string' ? { rejectCode } : {}),
  };
}

function untold({ code, retryable }: TicklakeError): Pick<Problem, 'detail' | 'remedy'> {
  if (!retryable) {
    return {
      detail: 'something went wrong in the service',
      remedy: "The service's log has the cause, under the id in `x-request-id`.",
    };
  }
  return {
    detail: 'something that the service needs does not answer',
    remedy:
      code === 'COMMIT_UNKNOWN'
        ? 'What was to be changed may be changed or not: ask again with the same idempotency key.'
        : 'Ask again in a few seconds.',
  };
}
