import type { FastifyRequest, RouteOptions } from 'fastify';
import plugin from 'fastify-plugin';
import type { Caller, Sessions } from '#core/identity/sessions.ts';
import { csrfHashOf, notSignedIn } from '#core/identity/tokens.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { cookieOf, sessionCookie } from '../cookies.ts';
import { rightOf, type Asker, type Right } from '../rights.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, where the route needs a session; read by {@link callerOf}. */
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    /** Taken from the table of rights when the route is registered. */
    right?: Right;
  }
}

const eitherWay = [{ bearer: [] }, { cookie: [] }];
const readingMethods = new Set(['GET', 'HEAD']);

/**
 * Lets a request through to a route as the table of rights says. A bearer token comes from a program; a cookie comes
 * with every request of a browser, whoever made it ask, so what changes something needs the CSRF token beside it.
 */
export const authenticate = plugin(
  (app, { sessions }: { sessions: Sessions }) => {
    app.decorateRequest('caller', undefined);
    app.addHook('onRoute', (route) => {
      for (const method of [route.method].flat()) {
        const right = rightOf(method, route.url);
        if (right !== undefined) {
          route.config = { ...route.config, right };
          if (right.who !== 'anyone') route.schema = { ...route.schema, security: eitherWay };
        } else if (!isPage(route)) {
          throw new TicklakeError('INTERNAL', `${method} ${route.url} does not stand in the table of rights`);
        }
      }
    });
    app.addHook('onRequest', async (request) => {
      const { right } = request.routeOptions.config;
      if (right === undefined || right.who === 'anyone') return;
      const caller = await signedIn(request, sessions);
      if (!right.who.includes(caller.role)) throw forbidden(right.who);
      request.caller = caller;
    });
    return Promise.resolve();
  },
  { name: 'authenticate' },
);

/** Who asks. @throws UNAUTHENTICATED where the route needs no session */
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
  const token = cookieOf(cookie, sessionCookie);
  return token === undefined ? undefined : { token, isCookie: true };
}

/** Pages and their files are the same for everybody, and stand in no document. */
function isPage({ url, schema }: RouteOptions): boolean {
  return !url.startsWith('/v1/') && schema?.hide === true;
}

async function signedIn(request: FastifyRequest, sessions: Sessions): Promise<Caller> {
  const given = tokenOf(request);
  if (given === undefined) throw notSignedIn();
  const caller = await sessions.callerOf(given.token);
  if (given.isCookie && !readingMethods.has(request.method)) checkCsrf(request, caller);
  return caller;
}

function checkCsrf(request: FastifyRequest, caller: Caller): void {
  const csrfToken = request.headers['x-csrf-token'];
  if (typeof csrfToken === 'string' && csrfHashOf(csrfToken) === caller.csrfHash) return;
  throw new TicklakeError('FORBIDDEN', 'the CSRF token of the session is missing', {
    remedy: 'Send `csrfToken` of the session as the header `x-csrf-token`.',
  });
}

function forbidden(who: readonly string[]): TicklakeError {
  return new TicklakeError('FORBIDDEN', 'your role may not do this', {
    remedy: `It takes the role ${who.join(' or ')}; \`ticklake users\` gives roles.`,
  });
}
