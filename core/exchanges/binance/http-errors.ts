import { BrokenCircuitError, BulkheadRejectedError } from 'cockatiel';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';

/** The venue said no: 4xx. `again` in a context marks what the client itself tries again. */
export function refusal(url: URL, status: number, text: string): TicklakeError {
  const forbidden = status === 429 || status === 418;
  return new TicklakeError(
    forbidden ? 'RATE_LIMITED' : 'EXCHANGE_REFUSED',
    `GET ${url.pathname}${url.search} answered ${status}: ${text.slice(0, 300)}`,
    {
      remedy: forbidden
        ? 'Send fewer requests from this address.'
        : 'Check the symbol and the parameters; 403 and 451 mean that this address is not served.',
      context: { status, code: codeIn(text), path: url.pathname, again: forbidden },
    },
  );
}

/** The venue's own number of an error, such as -1121 for a market it does not know. */
function codeIn(text: string): number | undefined {
  const code = /"code"\s*:\s*(-?\d{1,6})/.exec(text)?.[1];
  return code === undefined ? undefined : Number(code);
}

/** The answer is not what the venue documents. */
export function malformed(path: string, what: string, cause?: unknown): TicklakeError {
  return new TicklakeError('EXCHANGE_MALFORMED', `the answer of GET ${path} is not understood: ${what}`, {
    remedy: "Compare the answer with the exchange's documentation; its format may have changed.",
    context: { path },
    cause,
  });
}

/** No answer, or 5xx. */
export function unreachable(message: string, cause?: unknown): TicklakeError {
  return new TicklakeError('EXCHANGE_UNREACHABLE', message, {
    remedy: 'Check the network and the exchange’s status page; the request can be sent again.',
    context: { again: true },
    cause,
  });
}

export function closedError(source: string): TicklakeError {
  return new TicklakeError('UNAVAILABLE', `the connection to ${source} was closed`);
}

/** Whatever ended a request, as one of ours. */
export function named(error: unknown, path: string): TicklakeError {
  if (error instanceof TicklakeError) return error;
  if (error instanceof BrokenCircuitError) {
    return new TicklakeError('EXCHANGE_UNREACHABLE', `GET ${path} was not sent: recent requests failed`, {
      remedy: 'Try again in some seconds; the circuit breaker lets one request through to see.',
      cause: error,
    });
  }
  if (error instanceof BulkheadRejectedError) {
    return new TicklakeError('OVERLOADED', `too many requests to the exchange are waiting`, {
      remedy: 'Send fewer requests at a time.',
      cause: error,
    });
  }
  return new TicklakeError('INTERNAL', messageOf(error), { cause: error });
}
