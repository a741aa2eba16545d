import type { IncomingHttpHeaders } from 'node:http';
import helmet from '@fastify/helmet';
import plugin from 'fastify-plugin';
import { TicklakeError } from '#core/platform/errors.ts';

export interface SecurityOptions {
  /** The address the service was told to listen on. */
  host: string;
  /** Other names under which it may be asked for. */
  names: readonly string[];
}

const changingMethods = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Headers that bind pages to this origin, and a check of the Host header: a foreign name that was made to resolve to
 * this machine (DNS rebinding) gets nothing. There is no CORS: other origins cannot read answers. What changes
 * something is taken as JSON or by DELETE only, which no form can send, and from no other site's page.
 */
export const security = plugin(
  async (app, { host, names: more }: SecurityOptions) => {
    const names = new Set([...loopbackNames, host.includes(':') ? `[${host}]` : host, ...more]);
    app.addHook('onRequest', (request, _reply, done) => {
      if (names.has(request.hostname.replace(/:\d+$/, '').toLowerCase())) return done();
      done(
        new TicklakeError('BAD_REQUEST', 'the Host header names another host', {
          remedy: `Ask for ${[...names].join(', ')}; apiNames in the configuration allows more.`,
        }),
      );
    });
    app.addHook('onRequest', (request, _reply, done) => {
      done(changingMethods.has(request.method) ? refusalOf(request.method, request.headers) : undefined);
    });
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

function refusalOf(method: string, headers: IncomingHttpHeaders): TicklakeError | undefined {
  if (!isOwnOrigin(headers.origin, headers.host)) {
    return new TicklakeError('BAD_REQUEST', 'the Origin is another site', {
      remedy: 'Ask from a page of this service, or from a program.',
    });
  }
  if (method === 'DELETE' && headers['content-type'] === undefined) return undefined;
  if (/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) return undefined;
  return new TicklakeError('BAD_REQUEST', 'what changes something is sent as JSON', {
    remedy: 'Send the header `content-type: application/json`, also where there is no body.',
  });
}

/** Whether an Origin is this service itself; programs other than browsers send none. */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
