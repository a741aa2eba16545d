import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { listApiKeys, makeApiKey, revokeApiKey, type ApiKey } from '#core/identity/api-keys.ts';
import type { Sessions } from '#core/identity/sessions.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { addressOf, callerOf } from '../plugins/authenticate.ts';
import * as schemas from '../schemas/api-keys.ts';
import { problemAnswers } from '../schemas/common.ts';
import { Nothing } from '../schemas/identity.ts';
import { NoQuery } from '../schemas/lake.ts';

export interface ApiKeyRouteOptions {
  database: Database;
  sessions: Sessions;
}

export const apiKeyRoutes: FastifyPluginCallbackTypebox<ApiKeyRouteOptions> = (app, options, done) => {
  const { database, sessions } = options;

  app.post(
    '/v1/api-keys',
    {
      schema: {
        tags: ['identity'],
        summary: 'Make a key for a program of yours',
        description:
          'Its text is in this answer and cannot be had again; send it as `authorization: Bearer tlk_…`. `read` looks, ' +
          '`trade` opens portfolios and places orders; what moves money in or out or changes the account takes a session.',
        querystring: NoQuery,
        body: schemas.NewApiKey,
        response: { 201: schemas.MadeApiKey, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { userId } = callerOf(request);
      const { expiresInDays, ...asked } = request.body;
      const made = await makeApiKey(database, {
        ...{ ...asked, userId, days: expiresInDays, address: addressOf(request) },
      });
      reply.code(201);
      return { ...shown(made), key: made.key };
    },
  );

  app.get(
    '/v1/api-keys',
    {
      schema: {
        tags: ['identity'],
        summary: 'Your keys that count, the oldest first',
        querystring: NoQuery,
        response: { 200: schemas.ApiKeyList, ...problemAnswers },
      },
    },
    async (request) => {
      const keys = await listApiKeys(database, callerOf(request).userId);
      return { items: keys.map(shown), nextCursor: null };
    },
  );

  app.delete(
    '/v1/api-keys/:keyId',
    {
      schema: {
        tags: ['identity'],
        summary: 'Revoke a key',
        params: schemas.ApiKeyParams,
        querystring: NoQuery,
        response: { 204: Nothing, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { userId } = callerOf(request);
      await revokeApiKey(database, { userId, keyId: request.params.keyId, address: addressOf(request) });
      sessions.forget(userId);
      return reply.code(204).send(null);
    },
  );
  done();
};

function shown({ keyId, name, scopes, createdAt, expiresAt, lastUsedAt }: ApiKey): schemas.ApiKey {
  return {
    ...{ id: keyId, name, scopes, createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString() },
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
