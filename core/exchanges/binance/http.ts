import type { ValidateFunction } from 'ajv';
import {
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  bulkhead,
  circuitBreaker,
  handleWhen,
  retry,
} from 'cockatiel';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { closedError, malformed, named, refusal, unreachable } from './http-errors.ts';
import { RequestWeight } from './request-weight.ts';
import { forbiddenMs, readBounded, reasonOf, weightUsed } from './response.ts';
import { BudgetTeller, type SharedBudget } from './shared-budget.ts';

/** A REST endpoint: where it is, and what its answer must look like. */
export interface Endpoint<T> {
  path: string;
  answer: ValidateFunction<T>;
}

export type Query = Record<string, string | number | undefined>;

export interface HttpOptions {
  /** For metrics and logs. */
  source: string;
  baseUrl: string;
  /** Weight allowed in each window; see {@link RequestWeight}. */
  weightLimit: number;
  weightWindowMs?: number;
  maxWaitMs?: number;
  timeoutMs?: number;
  /** Attempts after the first one. */
  maxRetries?: number;
  /** How long the breaker stays open after five failures in a row. */
  breakerOpenMs?: number;
  /** Weight shared with other processes, taken before this client's own limit. */
  budget?: SharedBudget | undefined;
  logger: Logger;
  metrics: Metrics;
}

export interface HttpClient {
  readonly weight: RequestWeight;
  /**
   * The validated answer. Waits for its turn under the weight limit; retries network failures and 5xx with
   * exponential back-off and jitter, 429 and 418 after the time the venue asks for. Throws EXCHANGE_UNREACHABLE,
   * EXCHANGE_REFUSED (the venue says no), EXCHANGE_MALFORMED, RATE_LIMITED (the wait would be too long), OVERLOADED.
   */
  get<T>(endpoint: Endpoint<T>, query: Query, weight: number, signal?: AbortSignal): Promise<T>;
  /** Ends what is under way. */
  close(): void;
}

const maxInFlight = 8;
const maxQueued = 1_000;
const failuresToBreak = 5;

export function createHttpClient(options: HttpOptions): HttpClient {
  const { source, baseUrl, logger } = options;
  const meters = createMeters(options);
  const weight = new RequestWeight({
    limit: options.weightLimit,
    ...(options.weightWindowMs === undefined ? {} : { windowMs: options.weightWindowMs }),
    ...(options.maxWaitMs === undefined ? {} : { maxWaitMs: options.maxWaitMs }),
    onWait: meters.waited,
  });
  const tell = new BudgetTeller(options.budget, source, logger);
  const underWay = new Set<AbortController>();
  let closed = false;
  const queue = bulkhead(maxInFlight, maxQueued);
  const breaker = circuitBreaker(
    handleWhen((error) => isTicklakeError(error, 'EXCHANGE_UNREACHABLE')),
    { halfOpenAfter: options.breakerOpenMs ?? 3_000, breaker: new ConsecutiveBreaker(failuresToBreak) },
  );
  breaker.onStateChange((state) => {
    meters.breakerIs(state);
    logger.warn({ source, state: CircuitState[state] }, 'circuit breaker of the exchange changed');
  });
  const retries = retry(
    handleWhen((error) => isTicklakeError(error) && error.context.again === true),
    {
      maxAttempts: options.maxRetries ?? 4,
      backoff: new ExponentialBackoff({ initialDelay: 200, maxDelay: 5_000 }),
    },
  );
  retries.onRetry(meters.retried);

  async function attempt<T>(endpoint: Endpoint<T>, url: URL, cost: number, signal: AbortSignal): Promise<T> {
    if (cost > 0) await options.budget?.take(source, cost, signal);
    const window = await weight.take(cost, signal);
    let usedNow: number | undefined;
    let forbidMs: number | undefined;
    try {
      const body = await breaker.execute(() =>
        send(url, options.timeoutMs ?? 10_000, signal, (response) => {
          usedNow = weightUsed(response);
          meters.answered(endpoint.path, response.status);
          forbidMs = forbiddenMs(response);
          if (forbidMs !== undefined) weight.forbid(forbidMs);
        }),
      );
      return check(endpoint, body);
    } finally {
      weight.settle(cost, window, usedNow);
      meters.weightIs(weight.used, weight.limit);
      if (forbidMs !== undefined) await tell.forbidden(forbidMs);
      if (usedNow !== undefined) await tell.used(usedNow);
    }
  }

  return {
    weight,
    async get(endpoint, query, cost, signal) {
      const url = urlOf(baseUrl, endpoint.path, query);
      // Not AbortSignal.any: it leaves something behind in a signal that outlives the request, for every request.
      const request = new AbortController();
      const abort = () => request.abort(signal?.reason);
      if (closed) request.abort(closedError(source));
      else if (signal?.aborted === true) abort();
      signal?.addEventListener('abort', abort, { once: true });
      underWay.add(request);
      try {
        return await queue.execute(() => retries.execute(() => attempt(endpoint, url, cost, request.signal)));
      } catch (error) {
        request.signal.throwIfAborted();
        throw named(error, endpoint.path);
      } finally {
        signal?.removeEventListener('abort', abort);
        underWay.delete(request);
      }
    },
    close() {
      closed = true;
      for (const request of underWay) request.abort(closedError(source));
    },
  };
}

async function send(
  url: URL,
  timeoutMs: number,
  signal: AbortSignal,
  onAnswer: (response: Response) => void,
): Promise<unknown> {
  const timed = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { signal: timed, headers: { accept: 'application/json' } });
    onAnswer(response);
    text = await readBounded(response);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TicklakeError) throw error;
    throw unreachable(`GET ${url.pathname} failed: ${reasonOf(error, timeoutMs)}`, error);
  }
  if (response.status >= 500) throw unreachable(`GET ${url.pathname} answered ${response.status}`);
  if (!response.ok) throw refusal(url, response.status, text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(url.pathname, 'it is not JSON', error);
  }
}

function check<T>(endpoint: Endpoint<T>, body: unknown): T {
  if (endpoint.answer(body)) return body;
  const first = endpoint.answer.errors?.[0];
  throw malformed(endpoint.path, `${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}`.trim());
}

function urlOf(baseUrl: string, path: string, query: Query): URL {
  const url = new URL(path, baseUrl);
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(key, String(value));
  }
  return url;
}

function createMeters({ source, metrics }: HttpOptions) {
  const requests = metrics.counter(
    'ticklake_exchange_requests_total',
    'REST answers of the exchange, by path and status.',
    ['source', 'path', 'status'],
  );
  const waits = metrics.counter(
    'ticklake_exchange_request_wait_seconds_total',
    'Time requests waited for their turn under the weight limit, or while the exchange forbade them.',
    ['source'],
  );
  const retried = metrics.counter('ticklake_exchange_request_retries_total', 'REST requests sent again.', [
    'source',
  ]);
  const used = metrics.gauge('ticklake_exchange_weight_used', 'Request weight used in this window.', [
    'source',
  ]);
  const limit = metrics.gauge('ticklake_exchange_weight_limit', 'Request weight allowed in a window.', [
    'source',
  ]);
  const breaker = metrics.gauge(
    'ticklake_exchange_breaker_state',
    'Circuit breaker of the exchange: 0 closed, 1 open, 2 half open.',
    ['source'],
  );
  breaker.set({ source }, CircuitState.Closed);
  return {
    answered: (path: string, status: number) => requests.inc({ source, path, status: String(status) }),
    waited: (ms: number) => waits.inc({ source }, ms / 1000),
    retried: () => retried.inc({ source }),
    weightIs: (usedNow: number, limitNow: number) => {
      used.set({ source }, usedNow);
      limit.set({ source }, limitNow);
    },
    breakerIs: (state: CircuitState) => breaker.set({ source }, state),
  };
}
