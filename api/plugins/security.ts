import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { TicklakeError } from '#core/platform/errors.ts';

export interface SecurityOptions {
  /** The address the service was told to listen on. */
  host: string;
  /** Other names under which it may be asked for. */
  names: readonly string[];
  /** Origins of other sites whose pages may ask, with tokens and never with cookies. */
  origins: readonly string[];
  /** Whether others than the owner of the machine reach the service: then it answers over TLS alone. */
  isPublic: boolean;
}

const changingMethods = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** Asked by who watches over the service, beside the proxy. */
const watchedPaths = /^\/(health|health\/ready|metrics)(\?|$)/;
const hstsSeconds = 31_536_000;
const preflightSeconds = 600;
const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Headers that bind pages to this origin, and a check of the Host header: a foreign name that was made to resolve to
 * this machine (DNS rebinding) gets nothing. Pages of other origins than those that are named cannot read answers. What
 * changes something is taken as JSON or by DELETE only, which no form can send, and from no other site's page.
 */
export const security = plugin(
  async (app, { host, names: more, origins, isPublic }: SecurityOptions) => {
    const names = new Set([...loopbackNames, host.includes(':') ? `[${host}]` : host, ...more]);
    app.addHook('onRequest', (request, _reply, done) => {
      if (names.has(request.hostname.replace(/:\d+$/, '').toLowerCase())) return done();
      done(
        new TicklakeError('BAD_REQUEST', 'the Host header names another host', {
          remedy: `Ask for ${[...names].join(', ')}; apiNames in the configuration allows more.`,
          context: { isRefusal: true },
        }),
      );
    });
    app.addHook('onRequest', (request, _reply, done) => {
      done(changingMethods.has(request.method) ? refusalOf(request, origins) : undefined);
    });
    app.addHook('onRequest', (request, reply, done) => {
      const isSecure = request.protocol === 'https';
      if (isSecure) reply.header('strict-transport-security', `max-age=${hstsSeconds}; includeSubDomains`);
      done(isSecure || !isPublic || watchedPaths.test(request.url) ? undefined : notSecure());
    });
    if (origins.length > 0) {
      await app.register(cors, {
        origin: [...origins],
        methods: ['GET', 'HEAD', ...changingMethods],
        allowedHeaders: ['authorization', 'content-type', 'idempotency-key'],
        exposedHeaders: [
          'location',
          'retry-after',
          'ratelimit-limit',
          'ratelimit-remaining',
          'ratelimit-reset',
          'age',
          'cache-status',
          'ticklake-query-id',
          'ticklake-rows',
          'ticklake-truncated',
          'ticklake-milliseconds',
          'ticklake-snapshots',
        ],
        maxAge: preflightSeconds,
      });
    }
    await app.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'self'"],
          connectSrc: ["'self'"],
          imgSrc: ["'self'", 'data:'],
          styleSrc: ["'self'"],
          scriptSrc: ["'self'"],
          objectSrc: ["'none'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      strictTransportSecurity: false,
      referrerPolicy: { policy: 'no-referrer' },
    });
  },
  { name: 'security' },
);

function notSecure(): TicklakeError {
  return new TicklakeError('BAD_REQUEST', 'this service answers over TLS alone', {
    remedy: 'Ask by https, through the proxy that apiTrustedProxies names.',
    context: { isRefusal: true },
  });
}

function refusalOf(request: FastifyRequest, origins: readonly string[]): TicklakeError | undefined {
  const { method, headers } = request;
  if (!isKnownOrigin(request, origins)) {
    return new TicklakeError('BAD_REQUEST', 'the Origin is another site', {
      remedy:
        'Ask from a page of this service, or from a program; apiCorsOrigins in the configuration allows more.',
      context: { isRefusal: true },
    });
  }
  if (method === 'DELETE' && headers['content-type'] === undefined) return undefined;
  if (/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) return undefined;
  return new TicklakeError('BAD_REQUEST', 'what changes something is sent as JSON', {
    remedy: 'Send the header `content-type: application/json`, also where there is no body.',
  });
}

/** Whether a request comes from a page of this service or of an origin that may ask, or from no page at all. */
export function isKnownOrigin(request: FastifyRequest, origins: readonly string[]): boolean {
  const { origin } = request.headers;
  return isOwnOrNoPage(request) || (origin !== undefined && origins.includes(origin));
}

/** Whether no page of another site made a browser ask; programs other than browsers name no Origin. */
export function isOwnOrNoPage({ headers: { origin }, host }: FastifyRequest): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}
