import type { Problem } from '../schemas/common.ts';

/** What the service answered instead of what was asked for. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

/** How a client shows whose it is. A page's session is in a cookie, which comes by itself. */
export interface Credentials {
  /** Of programs: the token of a session, or an API key. */
  token?: string;
  /** Of pages: the session's CSRF token, asked for with each request that changes something. */
  csrfToken?: () => string | undefined;
}

/** What is left of the requests that the service allows, as its last answer said. */
export interface Allowance {
  limit: number;
  remaining: number;
  /** When all of it is there again, by `Date.now`. */
  resetAtMs: number;
}

export interface Asked {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: object;
  /** Asking again with the same key and body is done once. */
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Statuses other than success whose answer is what was asked for. */
  also?: readonly number[];
}

/** Every list comes in pages. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface Asker {
  /** @throws ProblemError; what fetch throws */
  ask<T>(path: string, asked?: Asked): Promise<T>;
  allowance(): Allowance | undefined;
}

const timeoutMs = 15_000;

/** Asks the service at an address such as `http://127.0.0.1:8080`; an answer that takes longer than 15 s is given up. */
export function createAsker(baseUrl: string, credentials: Credentials = {}): Asker {
  let allowance: Allowance | undefined;
  return { ask, allowance: () => allowance };

  async function ask<T>(path: string, asked: Asked = {}): Promise<T> {
    const { method = 'GET', body, signal, also = [] } = asked;
    const timeout = AbortSignal.timeout(timeoutMs);
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: headersOf(method, asked),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    allowance = allowanceOf(response.headers) ?? allowance;
    const answer = parsed(await response.text(), response.status);
    // The service checks its answers against the schemas that these types are made from.
    if (response.ok || also.includes(response.status)) return answer as T;
    throw new ProblemError(answer as Problem);
  }

  function headersOf(method: string, { idempotencyKey }: Asked): Record<string, string> {
    const { token, csrfToken } = credentials;
    const csrf = method === 'GET' ? undefined : csrfToken?.();
    return {
      ...(method === 'GET' || method === 'DELETE' ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(csrf === undefined ? {} : { 'x-csrf-token': csrf }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    };
  }
}

/** The parameters that are given, as the query of an address. */
export function queryOf(parameters: object): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) given.set(name, String(value));
  return given.toString();
}

function parsed(text: string, status: number): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the answer ${status} is none of the service's`, { cause: error });
  }
}

function allowanceOf(headers: Headers): Allowance | undefined {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) =>
    Number(headers.get(`ratelimit-${name}`) ?? Number.NaN),
  );
  if (limit === undefined || remaining === undefined || reset === undefined) return undefined;
  if ([limit, remaining, reset].some(Number.isNaN)) return undefined;
  return { limit, remaining, resetAtMs: Date.now() + reset * 1_000 };
}
