import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import plugin from 'fastify-plugin';
import { sessionCookie } from '../cookies.ts';

export interface OpenApiOptions {
  version: string;
}

/** `/openapi.json` and `/docs`, made from the routes' schemas. */
export const openapi = plugin(
  async (app, { version }: OpenApiOptions) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'ticklake',
          version,
          description:
            'Market data, the lake that holds it, and the jobs that fill it. Decimals are text, times RFC 3339 in UTC with microseconds, errors problem+json.',
          license: { name: 'MIT' },
        },
        components: {
          securitySchemes: {
            bearer: {
              type: 'http',
              scheme: 'bearer',
              bearerFormat: 'JWT',
              description: '`token` of POST /v1/sessions, or a key of POST /v1/api-keys.',
            },
            cookie: {
              type: 'apiKey',
              in: 'cookie',
              name: sessionCookie,
              description: 'Of a page; what changes something needs the header `x-csrf-token` beside it.',
            },
          },
        },
        tags: [
          { name: 'identity', description: 'Users, sessions, and the keys that tokens are checked by' },
          { name: 'portfolios', description: 'Money, what is held, and the limits on both' },
          { name: 'orders', description: 'From placement to the last fill' },
          { name: 'analytics', description: 'What users, trades and money came to' },
          { name: 'markets', description: 'Prices, trades, candles and indicators' },
          { name: 'signals', description: 'What strategies said' },
          { name: 'lake', description: 'What is held, what is missing, and why' },
          { name: 'query', description: 'SQL over the lake' },
          { name: 'jobs', description: 'What can be run, what runs, and how far it is' },
          { name: 'stream', description: 'All that is live, on a WebSocket' },
          { name: 'operations', description: 'Health and metrics' },
        ],
      },
    });
    await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: false });
    app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  },
  { name: 'openapi' },
);
