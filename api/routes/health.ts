import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Metrics } from '#core/platform/metrics.ts';
import { Type } from 'typebox';
import type { Breaker } from '../breaker.ts';
import { createHealthChecks, type Check } from '../health.ts';
import { Health, Readiness } from '../schemas/health.ts';

export interface HealthRouteOptions {
  checks: Readonly<Record<string, Check>>;
  breakers: readonly Breaker[];
  metrics: Metrics;
  version: string;
  stream: () => Health['stream'];
}

export const healthRoutes: FastifyPluginCallbackTypebox<HealthRouteOptions> = (app, options, done) => {
  const look = createHealthChecks(options.checks, options.metrics);
  const startedAt = new Date().toISOString();

  app.get(
    '/health',
    {
      schema: {
        tags: ['operations'],
        summary: 'What the service needs, and how it is',
        response: { 200: Health, 503: Health },
      },
    },
    async (_request, reply) => {
      const dependencies = await look();
      const degraded = dependencies.some(({ status }) => status === 'down');
      return reply.code(degraded ? 503 : 200).send({
        status: degraded ? 'degraded' : 'ok',
        version: options.version,
        startedAt,
        dependencies,
        breakers: options.breakers.map((breaker) => breaker.health()),
        stream: options.stream(),
      });
    },
  );

  app.get(
    '/health/ready',
    {
      schema: {
        tags: ['operations'],
        summary: 'Whether requests can be sent here',
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const ready = (await look()).every(({ status }) => status === 'up');
      return reply.code(ready ? 200 : 503).send({ ready });
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        tags: ['operations'],
        summary: 'Figures for Prometheus',
        produces: ['text/plain'],
        response: { 200: Type.String() },
      },
    },
    async (_request, reply) => {
      const text = await options.metrics.registry.metrics();
      return reply.type(options.metrics.registry.contentType).send(text);
    },
  );
  done();
};
