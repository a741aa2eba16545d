import { LRUCache } from 'lru-cache';
import plugin from 'fastify-plugin';
import type { Metrics } from '#core/platform/metrics.ts';
import { rightOf } from '../rights.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the last answer is given again while there is no other. */
    keepsLast?: boolean;
  }
}

interface Kept {
  payload: string;
  type: string;
  atMs: number;
}

/** The same for everybody, and read by who only looks. */
const keptRoutes = /^\/v1\/(markets|signals|lake)(\/|$)/;
const answersMax = 2_000;
const bytesMax = 32 * 1024 * 1024;
const answerBytesMax = 1024 * 1024;
const keptMs = 60 * 60_000;
const outageStatuses = new Set([503, 504]);

/**
 * While what a route needs does not answer, the last answer to the same request is given again, for an hour, and marked: `Age`
 * is how many seconds old it is, `Cache-Status` (RFC 9211) says that it is stale and what there would have been instead. Only
 * of routes that are open to anyone: what belongs to a user is never kept.
 */
export const lastAnswers = plugin(
  (app, { metrics }: { metrics: Metrics }) => {
    const answers = new LRUCache<string, Kept>({
      ...{ max: answersMax, maxSize: bytesMax, maxEntrySize: answerBytesMax, ttl: keptMs },
      sizeCalculation: ({ payload }, url) => payload.length + url.length,
    });
    const again = metrics.counter(
      'ticklake_api_last_answers_total',
      'Requests that were given an answer of before, as there was no other',
      ['route'],
    );
    app.addHook('onRoute', (route) => {
      if (route.method !== 'GET' || !keptRoutes.test(route.url)) return;
      if (rightOf('GET', route.url)?.who === 'anyone') route.config = { ...route.config, keepsLast: true };
    });
    app.addHook('onSend', (request, reply, payload, next) => {
      const { config, url: route = '' } = request.routeOptions;
      if (config.keepsLast !== true) return next(null, payload);
      const { statusCode } = reply;
      if (statusCode === 200 && typeof payload === 'string') {
        const type = String(reply.getHeader('content-type') ?? 'application/json');
        answers.set(request.url, { payload, type, atMs: Date.now() });
      }
      const last = outageStatuses.has(statusCode) ? answers.get(request.url) : undefined;
      if (last === undefined) return next(null, payload);
      const age = Math.round((Date.now() - last.atMs) / 1_000);
      again.inc({ route });
      void reply
        .code(200)
        .type(last.type)
        .removeHeader('retry-after')
        .header('age', String(age))
        .header('cache-status', `ticklake; hit; ttl=-${age}; fwd-status=${statusCode}`);
      next(null, last.payload);
    });
    return Promise.resolve();
  },
  { name: 'last-answers' },
);
