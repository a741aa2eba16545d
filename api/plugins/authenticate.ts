import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import plugin from 'fastify-plugin';
import type { Caller, Sessions } from '#core/identity/sessions.ts';
import { csrfHashOf, notSignedIn } from '#core/identity/tokens.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import { sessionTokenOf } from '../cookies.ts';
import { assertWithin, type Charge, type RateLimits } from '../rate-limits.ts';
import { assertAllowed, rightOf, type Asker, type Right } from '../rights.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, where a session came with the request; read by {@link callerOf}. */
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    /** Taken from the table of rights when the route is registered. */
    right?: Right;
  }
}

const eitherWay = [{ bearer: [] }, { cookie: [] }];
const readingMethods = new Set(['GET', 'HEAD']);

export interface AuthenticateOptions {
  sessions: Sessions;
  limits: RateLimits;
  /** Whether others than the owner of the machine reach the service. */
  isPublic: boolean;
}

/**
 * Lets a request through to a route as the table of rights says, and as often as the limits say. A bearer token, or an API
 * key, comes from a program; a cookie comes with every request of a browser, whoever made it ask, so what changes something needs the CSRF
 * token beside it.
 */
export const authenticate = plugin(
  (app, { sessions, limits, isPublic }: AuthenticateOptions) => {
    app.decorateRequest('caller', undefined);
    app.addHook('onRoute', (route) => {
      for (const method of [route.method].flat()) {
        const right = rightOf(method, route.url, isPublic);
        if (right !== undefined) {
          route.config = { ...route.config, right };
          if (right.who !== 'anyone') route.schema = { ...route.schema, security: eitherWay };
        } else if (!isPage(route)) {
          throw new TicklakeError('INTERNAL', `${method} ${route.url} does not stand in the table of rights`);
        }
      }
    });
    app.addHook('onRequest', async (request, reply) => {
      const { right } = request.routeOptions.config;
      if (right === undefined && !request.is404) return;
      // What is one user's stays in no cache, of a proxy or of a browser that others use too.
      if (right !== undefined && (right.who !== 'anyone' || right.isSignIn === true))
        reply.header('cache-control', 'no-store');
      const weight = right?.weight ?? 1;
      if (right === undefined || right.who === 'anyone') {
        if (weight === 0) return;
        const caller = right?.isSignIn === true ? undefined : await knownCaller(request, sessions);
        charge(request, reply, { limits, caller, weight });
        request.caller = caller;
        return;
      }
      const given = tokenOf(request);
      const caller = given && (await callerBehind(given.token, addressOf(request), sessions));
      charge(request, reply, { limits, caller, weight });
      if (given === undefined || caller === undefined) throw notSignedIn();
      request.caller = caller;
      if (given.isCookie && !isCookieMeant(request, caller)) throw noCsrfToken();
      assertAllowed(right, caller);
    });
    return Promise.resolve();
  },
  { name: 'authenticate' },
);

/** Who asks. @throws UNAUTHENTICATED where no session or key came with the request */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw notSignedIn();
  return request.caller;
}

/** Who asks, by the right of the route. @throws UNAUTHENTICATED where the route needs no session */
export function askerOf(request: FastifyRequest): Asker {
  const { right } = request.routeOptions.config;
  if (right === undefined) throw notSignedIn();
  return { caller: callerOf(request), right };
}

/** The token of a request: of a program in a header, of a page in a cookie. */
export function tokenOf(request: FastifyRequest): { token: string; isCookie: boolean } | undefined {
  const { authorization, cookie } = request.headers;
  if (authorization !== undefined) {
    const bearer = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    return bearer === undefined ? undefined : { token: bearer, isCookie: false };
  }
  const token = sessionTokenOf(cookie, request.protocol === 'https');
  return token === undefined ? undefined : { token, isCookie: true };
}

/** Where a request comes from, as it is counted and kept; an IPv6 network is one. */
export function addressOf(request: FastifyRequest): string {
  return normalizeIP(request.ip);
}

/** Pages and their files are the same for everybody, and stand in no document. */
function isPage({ url, schema }: RouteOptions): boolean {
  return !url.startsWith('/v1/') && schema?.hide === true;
}

/** Counts a request for its user, else for its address, and says so in the answer. @throws RATE_LIMITED */
function charge(
  request: FastifyRequest,
  reply: FastifyReply,
  { limits, caller, weight }: { limits: RateLimits; caller: Caller | undefined; weight: number },
): void {
  const charged =
    caller === undefined ? limits.ofAddress(addressOf(request)) : limits.ofUser(caller.userId, weight);
  reply.headers(rateLimitHeaders(charged));
  assertWithin(charged);
}

function rateLimitHeaders({ limit, remaining, resetSeconds, windowSeconds }: Charge): Record<string, string> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetSeconds),
    'ratelimit-policy': `${limit};w=${windowSeconds}`,
  };
}

/** Who asks where nobody need say: what does not count is as if it were not there. */
async function knownCaller(request: FastifyRequest, sessions: Sessions): Promise<Caller | undefined> {
  const given = tokenOf(request);
  if (given === undefined) return undefined;
  try {
    const caller = await sessions.callerOf(given.token, addressOf(request));
    return given.isCookie && !isCookieMeant(request, caller) ? undefined : caller;
  } catch (error) {
    // What is open to anyone answers without Postgres, too.
    if (!isTicklakeError(error)) throw error;
    return undefined;
  }
}

async function callerBehind(token: string, address: string, sessions: Sessions): Promise<Caller | undefined> {
  try {
    return await sessions.callerOf(token, address);
  } catch (error) {
    if (isTicklakeError(error, 'UNAUTHENTICATED')) return undefined;
    throw error;
  }
}

/** Whether a page of ours made the browser ask: reading changes nothing, the rest shows the CSRF token. */
function isCookieMeant(request: FastifyRequest, { by }: Caller): boolean {
  if (by.kind === 'key') return false;
  if (readingMethods.has(request.method)) return true;
  const csrfToken = request.headers['x-csrf-token'];
  return typeof csrfToken === 'string' && csrfHashOf(csrfToken) === by.csrfHash;
}

function noCsrfToken(): TicklakeError {
  return new TicklakeError('FORBIDDEN', 'the CSRF token of the session is missing', {
    remedy: 'Send `csrfToken` of the session as the header `x-csrf-token`.',
  });
}
