import plugin from 'fastify-plugin';
import type { Metrics } from '#core/platform/metrics.ts';

/** Counts and times requests by route, never by what was put into its path. */
export const requestMetrics = plugin(
  (app, { metrics }: { metrics: Metrics }) => {
    const seconds = metrics.histogram('ticklake_api_request_seconds', 'Requests over HTTP', [
      'method',
      'route',
      'status',
    ]);
    const active = metrics.gauge('ticklake_api_requests_active', 'Requests under way');
    app.addHook('onRequest', (_request, reply, done) => {
      active.inc();
      reply.raw.once('close', () => active.dec());
      done();
    });
    app.addHook('onResponse', (request, reply, done) => {
      const labels = {
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: String(reply.statusCode),
      };
      seconds.observe(labels, reply.elapsedTime / 1000);
      done();
    });
    return Promise.resolve();
  },
  { name: 'request-metrics' },
);
