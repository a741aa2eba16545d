import plugin from 'fastify-plugin';
import { asyncApi } from '../stream/async-api.ts';

/** `/asyncapi.json`: the messages of the socket, as `/openapi.json` has the routes. */
export const asyncapi = plugin(
  (app, { version }: { version: string }) => {
    const document = asyncApi(version);
    app.get('/asyncapi.json', { schema: { hide: true } }, () => document);
    return Promise.resolve();
  },
  { name: 'asyncapi' },
);
