import { BulkheadRejectedError, bulkhead } from 'cockatiel';
import type { Endpoint, Query } from '#core/exchanges/binance/http.ts';
import { closedError } from '#core/exchanges/binance/http-errors.ts';
import { readBounded, reasonOf } from '#core/exchanges/binance/response.ts';
import { TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { RequestCost, VenueLimits } from './limits.ts';
import type { Signer } from './sign.ts';
import type { VenueClock } from './venue-clock.ts';

export interface SignedRequest<T> {
  method: 'GET' | 'POST' | 'DELETE';
  endpoint: Endpoint<T>;
  query: Query;
  cost: RequestCost;
  /** The venue takes it no later; none gives it the usual receive window. */
  validUntilUs?: number;
}

/** What is known of a request that was made once. */
export type SignedAnswer<T> =
  | { kind: 'answered'; body: T }
  /** The venue says no, and has done nothing. */
  | { kind: 'refused'; status: number; code: number | undefined; message: string }
  /** It may have been carried out, or may yet be while it is valid. */
  | { kind: 'unknown'; reason: string }
  /** It never left. */
  | { kind: 'not_sent'; error: TicklakeError };

export interface SignedClientOptions {
  source: string;
  baseUrl: string;
  signer: Signer;
  clock: VenueClock;
  limits: VenueLimits;
  recvWindowMs: number;
  timeoutMs: number;
  metrics: Metrics;
}

export interface SignedClient {
  /** Makes a request once; a refusal for its time alone is made good with the clock measured anew. Never throws. */
  send<T>(request: SignedRequest<T>, signal?: AbortSignal): Promise<SignedAnswer<T>>;
  close(): void;
}

const maxInFlight = 8;
const maxQueued = 200;
const maxClockTries = 3;
const clockCode = -1021;
/** Codes by which the venue itself does not know what became of a request. */
const undecided = new Set([-1000, -1001, -1006, -1007]);

export function createSignedClient(options: SignedClientOptions): SignedClient {
  const { source, signer, clock, limits } = options;
  const underWay = new Set<AbortController>();
  let isClosed = false;
  const queue = bulkhead(maxInFlight, maxQueued);
  const requests = options.metrics.counter(
    'ticklake_order_venue_requests_total',
    'Signed requests to the order venue, by what is known of them.',
    ['source', 'method', 'path', 'result'],
  );

  async function attempt<T>(request: SignedRequest<T>, signal: AbortSignal): Promise<SignedAnswer<T>> {
    let turn;
    let text: string | undefined;
    try {
      turn = await limits.take(request.cost, signal);
      text = await signedText(request, signal);
    } catch (error) {
      turn?.end(undefined);
      return { kind: 'not_sent', error: toTicklakeError(error, 'UNAVAILABLE') };
    }
    if (text === undefined) {
      turn.end(undefined);
      return { kind: 'not_sent', error: tooLate() };
    }
    let response: Response | undefined;
    let code: number | undefined;
    try {
      const timed = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]);
      response = await fetched(request, text, timed);
      const body = await readBounded(response);
      code = codeIn(body);
      return judged(request.endpoint, response.status, code, body);
    } catch (error) {
      return { kind: 'unknown', reason: signal.aborted ? 'given up' : reasonOf(error, options.timeoutMs) };
    } finally {
      turn.end(response, code);
    }
  }

  /** The parameters with time and signature; undefined where the request's time is over. */
  async function signedText<T>(request: SignedRequest<T>, signal: AbortSignal): Promise<string | undefined> {
    const timestamp = await clock.nowMs(signal);
    const untilMs = request.validUntilUs === undefined ? Infinity : Math.floor(request.validUntilUs / 1000);
    const recvWindow = Math.min(options.recvWindowMs, untilMs - timestamp);
    if (recvWindow < 1) return undefined;
    const text = queryText({ ...request.query, recvWindow, timestamp });
    return `${text}&signature=${percentEncoded(signer.signature(text))}`;
  }

  async function fetched<T>(
    { method, endpoint }: SignedRequest<T>,
    text: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const url = `${options.baseUrl}${endpoint.path}`;
    const headers = { accept: 'application/json', 'x-mbx-apikey': signer.apiKey };
    // The key goes to this host alone, whatever it answers.
    const init = { method, redirect: 'manual' as const, signal };
    if (method !== 'POST') return fetch(`${url}?${text}`, { ...init, headers });
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return fetch(url, { ...init, headers: { ...headers, ...type }, body: text });
  }

  async function inTime<T>(request: SignedRequest<T>, signal: AbortSignal): Promise<SignedAnswer<T>> {
    for (let tries = 1; ; tries++) {
      const answer = await attempt(request, signal);
      if (answer.kind !== 'refused' || answer.code !== clockCode || tries === maxClockTries) return answer;
      try {
        await clock.measure(signal);
      } catch {
        return answer;
      }
    }
  }

  return {
    async send(request, signal) {
      // Not AbortSignal.any: it leaves something behind in a signal that outlives the request, for every request.
      const sending = new AbortController();
      const abort = () => sending.abort(signal?.reason);
      if (isClosed) sending.abort(closedError(source));
      else if (signal?.aborted === true) abort();
      signal?.addEventListener('abort', abort, { once: true });
      underWay.add(sending);
      const answer = await queue
        .execute(() => inTime(request, sending.signal))
        .catch((error: unknown) => ({ kind: 'not_sent' as const, error: unqueued(error) }));
      signal?.removeEventListener('abort', abort);
      underWay.delete(sending);
      requests.inc({ source, method: request.method, path: request.endpoint.path, result: answer.kind });
      return answer;
    },
    close() {
      isClosed = true;
      for (const sending of underWay) sending.abort(closedError(source));
    },
  };
}

function judged<T>(
  endpoint: Endpoint<T>,
  status: number,
  code: number | undefined,
  text: string,
): SignedAnswer<T> {
  if (status >= 200 && status < 300) {
    const body = parsed(text);
    if (endpoint.answer(body)) return { kind: 'answered', body };
    const { instancePath = '', message = 'does not fit' } = endpoint.answer.errors?.[0] ?? {};
    return { kind: 'unknown', reason: `its answer is not understood: ${instancePath} ${message}` };
  }
  const isForbidden = status === 403 || status === 418 || status === 429;
  const isSaid = status >= 400 && status < 500 && code !== undefined && !undecided.has(code);
  if (isForbidden || isSaid) return { kind: 'refused', status, code, message: messageIn(text) };
  return { kind: 'unknown', reason: `it answered ${status}${code === undefined ? '' : ` with ${code}`}` };
}

/** Parameters as they are signed and sent, to the letter. */
export function queryText(query: Query): string {
  return Object.entries(query)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}=${percentEncoded(String(value))}`))
    .join('&');
}

/** RFC 3986: only unreserved characters stand for themselves, so that nobody on the way has anything to encode. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeIn(text: string): number | undefined {
  const body = parsed(text);
  if (typeof body !== 'object' || body === null || !('code' in body)) return undefined;
  return typeof body.code === 'number' ? body.code : undefined;
}

function messageIn(text: string): string {
  const body = parsed(text);
  const said = typeof body === 'object' && body !== null && 'msg' in body ? body.msg : undefined;
  return (typeof said === 'string' ? said : text).slice(0, 300);
}

function tooLate(): TicklakeError {
  return new TicklakeError('TIMEOUT', 'the time until which the order was to be taken is over', {
    remedy: 'Place another one.',
  });
}

function unqueued(error: unknown): TicklakeError {
  if (!(error instanceof BulkheadRejectedError)) return toTicklakeError(error);
  return new TicklakeError('OVERLOADED', 'too many requests to the order venue are waiting', {
    remedy: 'Send fewer at a time.',
  });
}
